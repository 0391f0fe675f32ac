"""Fog nodes with other shares of the images, or of the digits, than their neighbours."""

from typing import Any

import numpy as np

from fog_flower.data.images import Labels
from fog_flower.data.shards import IID
from fog_flower.data.split import Indices
from fog_flower.errors import UserError
from fog_flower.seeds import seed_for

# name -> (partitioner of flwr-datasets, its argument that follows the colon, the argument's type)
SKEWED: dict[str, tuple[str, str, type]] = {
    "dirichlet": ("DirichletPartitioner", "alpha", float),
    "pathological": ("PathologicalPartitioner", "num_classes_per_partition", int),
    "shard": ("ShardPartitioner", "num_shards_per_partition", int),
    "linear": ("LinearPartitioner", "", int),
    "square": ("SquarePartitioner", "", int),
    "exponential": ("ExponentialPartitioner", "", int),
}
BY_LABEL = ("dirichlet", "pathological", "shard")


def skewed_shards(labels: Labels, fog_nodes: int, partition: str, seed: int) -> list[Indices]:
    """Return each fog node's positions in ``labels``, as a partitioner of flwr-datasets deals them.

    Parameters
    ----------
    labels : int64 [n]
    fog_nodes : int
    partition : str
        ``name`` or ``name:value``, of ``SKEWED``.
    seed : int

    Raises
    ------
    UserError
        If there is no such partitioner, or it cannot deal these.
    """
    name, _, argument = partition.partition(":")
    if name not in SKEWED:
        known = ", ".join(key + (":VALUE" if SKEWED[key][1] else "") for key in SKEWED)
        raise UserError(f"partition={partition!r}: there are {IID}, {known}")
    partitioner = _partitioner(name, argument, partition, fog_nodes, seed)

    # flwr-datasets needs only labels; the images stay where they are (2 s to import: only here).
    import datasets  # noqa: PLC0415

    partitioner.dataset = datasets.Dataset.from_dict(
        {"label": labels.tolist(), "index": list(range(len(labels)))}
    )
    try:
        return [
            np.sort(np.asarray(partitioner.load_partition(fog)["index"], dtype=np.int64))
            for fog in range(fog_nodes)
        ]
    except ValueError as error:
        raise UserError(
            f"partition={partition!r}: not possible with {len(labels)} images on {fog_nodes} fog "
            f"nodes ({str(error).splitlines()[0]}); use less skew or more train-images"
        ) from error


def _partitioner(name: str, argument: str, partition: str, fog_nodes: int, seed: int) -> Any:
    import flwr_datasets.partitioner as partitioners  # noqa: PLC0415

    class_name, parameter, kind = SKEWED[name]
    options: dict[str, Any] = {"num_partitions": fog_nodes}
    if parameter:
        try:
            options[parameter] = kind(argument)
        except ValueError as error:
            raise UserError(
                f"partition={partition!r}: write it as {name}:{parameter.upper()} with "
                f"{'a number' if kind is float else 'a whole number'}, e.g. {name}:2"
            ) from error
    elif argument:
        raise UserError(f"partition={partition!r}: {name} takes no value")
    if name in BY_LABEL:
        options |= {"partition_by": "label", "seed": seed_for(seed, "partition") % 2**32}
        options |= {} if name != "dirichlet" else {"min_partition_size": 1}
    try:
        return getattr(partitioners, class_name)(**options)
    except ValueError as error:
        raise UserError(f"partition={partition!r}: {error}") from error
