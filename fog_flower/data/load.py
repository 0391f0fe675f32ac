"""Loads the data set that the ``dataset`` key names."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from fog_flower.causes import in_user_code
from fog_flower.config import FITTED, TEST_FILE, RunConfig
from fog_flower.data.dataset import Dataset, Progress
from fog_flower.data.featured import with_features
from fog_flower.data.from_arrays import from_arrays
from fog_flower.data.preprocess import Preprocess
from fog_flower.data.request import Request
from fog_flower.data.sources import SOURCES, unknown_dataset
from fog_flower.errors import UserError
from fog_flower.named import refuse_unknown
from fog_flower.suggestion import did_you_mean
from fog_flower.tasks.examples import Examples

_last: dict[tuple[Any, ...], Dataset] = {}  # successive runs of a sweep often use the same data


def load_dataset(config: RunConfig, progress: Progress | None = None) -> Dataset:
    """Load the configured data set; the last one loaded is kept for further calls.

    Parameters
    ----------
    config : RunConfig
        Its ``dataset``, ``dataset-args``, ``data-dir``, ``data-seed``, numbers of examples and
        ``features``.
    progress : callable, optional
        Called with (done, total) while images are rendered.

    Raises
    ------
    UserError
        If the source or feature map is unknown, or the data cannot be obtained. Another source is
        never used instead.
    """
    request = Request(
        argument="",
        data_dir=config.data_dir,
        data_seed=config.data_seed,
        train_examples=_train_examples(config),
        test_examples=_test_examples(config),
        progress=progress,
    )
    key = (
        *(config.dataset, repr(config.dataset_args), config.data_dir, config.data_seed),
        *(request.train_examples, request.test_examples),
    )
    if key not in _last:
        data = _load(config.dataset, request, config.dataset_args)
        _last.clear()
        _last[key] = data
    return with_features(config, _last[key])


def preprocess_of(config: RunConfig, dataset: Dataset, train: Examples) -> Preprocess:
    """Return the data set's preprocessing, fitted to ``train`` if ``normalisation=fitted``."""
    if config.normalisation == FITTED:
        return dataset.preprocess.fitted(train.inputs)
    return dataset.preprocess


def _train_examples(config: RunConfig) -> int:
    if not config.train_examples:
        return 0
    if config.test_source == TEST_FILE:
        return config.train_examples + config.cloud_examples
    if not config.test_examples:
        return 0
    return config.train_examples + config.cloud_examples + config.test_examples


def _test_examples(config: RunConfig) -> int:
    if config.test_source != TEST_FILE:
        return config.validation_examples
    return config.validation_examples + config.test_examples if config.test_examples else 0


def _load(reference: str, request: Request, arguments: Mapping[str, Any]) -> Dataset:
    if ":" not in reference and not SOURCES.has(reference):
        raise unknown_dataset(reference)
    named = SOURCES.load(reference)
    if named.own:
        return _own(reference, named.item, arguments)
    request = dataclasses.replace(request, argument=named.argument)
    _check_arguments(reference, named.item, arguments)
    loaded: Dataset = named.item(request, **arguments)
    return loaded


def _check_arguments(
    reference: str, source: Callable[..., Dataset], arguments: Mapping[str, Any]
) -> None:
    parameters = inspect.signature(source).parameters.values()
    known = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    for name, value in arguments.items():
        if name not in known:
            takes = f"takes {', '.join(known)}" if known else "takes no arguments"
            near = did_you_mean(name, known)
            raise UserError(f"dataset-args={name}={value!r}: dataset={reference!r} {takes}{near}")


def _own(reference: str, function: Any, arguments: Mapping[str, Any]) -> Dataset:
    """Load data from a user's function; any error in it becomes a message of one line."""
    key = f"dataset={reference!r}"
    if not callable(function):
        raise UserError(f"{key}: is a {type(function).__name__}; name a function")
    ours, arguments = _of_arrays(function, arguments)
    try:
        signature = inspect.signature(function)
        refuse_unknown(f"{key}, dataset-args={dict(arguments)}", signature, arguments)
        signature.bind(**arguments)
    except UserError:
        raise
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{key}, dataset-args={dict(arguments)}: {error}; it is called with these arguments"
        ) from error
    with in_user_code(key):
        made = function(**arguments)
    if isinstance(made, Dataset):
        return made
    try:
        (x_train, y_train), (x_test, y_test) = made
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{key}: returned {type(made).__name__}; return a fog_flower.data.dataset.Dataset, or "
            "(x_train, y_train), (x_test, y_test) as Keras' load_data does"
        ) from error
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    return from_arrays(reference, arrays, key, **ours)


def _of_arrays(
    function: Any, arguments: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split off ``kind``, which is for ``from_arrays`` unless the function takes it."""
    try:
        inspect.signature(function).bind_partial(**arguments)
        return {}, dict(arguments)
    except (TypeError, ValueError):
        ours = {name: value for name, value in arguments.items() if name == "kind"}
        return ours, {name: value for name, value in arguments.items() if name not in ours}
