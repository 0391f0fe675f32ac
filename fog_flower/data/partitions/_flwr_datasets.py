"""Applies the partitioners of flwr-datasets to the groups of examples."""

import contextlib
import io
import warnings
from typing import Any

import numpy as np

from fog_flower.errors import UserError
from fog_flower.extras import needed_for
from fog_flower.seeds import seed_for
from fog_flower.tasks.examples import Indices


def partitioned(
    class_name: str, groups: Indices, fog_nodes: int, seed: int | None, **options: Any
) -> list[Indices]:
    """Return each fog node's positions in ``groups``.

    Parameters
    ----------
    class_name : str
        Of the partitioner.
    groups : int64 [n]
    fog_nodes : int
    seed : int or None
        Of a partitioner that uses the groups; None for one that uses sizes alone.
    options
        Of the partitioner.

    Raises
    ------
    ValueError
        If the partitioner fails, with the library's error in one line.
    """
    # Imported here because it takes two seconds. Partitioners need only the groups, not the inputs.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with needed_for(f"this partition ({class_name})"):
            import datasets  # noqa: PLC0415
            import flwr_datasets.partitioner as partitioners  # noqa: PLC0415
        if seed is not None:
            options |= {"partition_by": "group", "seed": seed_for(seed, "partition") % 2**32}
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                partitioner = getattr(partitioners, class_name)(num_partitions=fog_nodes, **options)
                partitioner.dataset = datasets.Dataset.from_dict(
                    {"group": groups.tolist(), "index": list(range(len(groups)))}
                )
                shares = [partitioner.load_partition(fog)["index"] for fog in range(fog_nodes)]
        except Exception as error:  # the library checks little and may raise anything
            reason = next(iter(str(error).splitlines()), "")
            raise ValueError(f"{type(error).__name__}: {reason}") from error
    return [np.sort(np.asarray(share, dtype=np.int64)) for share in shares]


def number(name: str, parameter: str, argument: str, kind: type) -> Any:
    """Return the number after the colon.

    Raises
    ------
    UserError
        If there is none, or it is not positive and finite.
    """
    try:
        value = kind(argument)
        if not 0 < value < float("inf"):
            raise ValueError(argument)
    except ValueError as error:
        raise UserError(
            f"partition='{name}:{argument}': write it as {name}:{parameter.upper()} with "
            f"{'a number' if kind is float else 'a whole number'} above 0, e.g. {name}:2"
        ) from error
    return value


def no_argument(name: str, argument: str) -> None:
    """Raise a ``UserError`` if there is text after the colon of a name that takes none."""
    if argument:
        raise UserError(f"partition='{name}:{argument}': {name} takes no value")
