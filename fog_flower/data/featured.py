"""Preprocessing followed by a fixed feature map."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fog_flower.causes import in_user_code
from fog_flower.config import NONE, RunConfig
from fog_flower.data.dataset import Dataset
from fog_flower.data.features import FEATURES
from fog_flower.data.preprocess import Preprocess
from fog_flower.errors import UserError
from fog_flower.named import refuse_unknown
from fog_flower.tasks.examples import Array, Spec

CHUNK = 1000  # inputs mapped at once; a map may need many times their memory


@dataclasses.dataclass(frozen=True)
class Featured:
    """A data set's own preprocessing, followed by a feature map.

    Attributes
    ----------
    name : str
        Of the map, as configured.
    features : callable
        Maps float32 inputs [n, ...] to features [n, ...]; deterministic.
    first : Preprocess
    """

    name: str
    features: Callable[[Array], Array]
    first: Preprocess
    _specs: dict[tuple[object, ...], Spec] = dataclasses.field(
        init=False, default_factory=dict, repr=False, compare=False
    )

    def __call__(self, inputs: Array) -> npt.NDArray[np.float32]:
        """Return the features of stored inputs, float32.

        Raises
        ------
        UserError
            If the map fails, or does not return one row of finite numbers per input.
        """
        parts = [
            self._mapped(inputs[start : start + CHUNK]) for start in range(0, len(inputs), CHUNK)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, *self.spec(inputs).shape), "f4")

    def spec(self, inputs: Array) -> Spec:
        """Return the spec of one input's features; the first call maps one input to find it."""
        kind = inputs.shape[1:], inputs.dtype.str
        if kind not in self._specs:
            found = self._mapped(np.zeros((1, *inputs.shape[1:]), inputs.dtype))
            self._specs[kind] = Spec(tuple(found.shape[1:]), "float32")
        return self._specs[kind]

    def problem(self, inputs: Array) -> str:
        """Return what is wrong with stored inputs; empty if nothing is."""
        return self.first.problem(inputs)

    def fitted(self, inputs: Array) -> "Featured":
        """Return a copy whose preprocessing before the map is fitted to these inputs."""
        return dataclasses.replace(self, first=self.first.fitted(inputs))

    @property
    def deviation(self) -> npt.NDArray[np.float64]:
        """One: features have no stored unit."""
        return np.ones(1)

    def describe(self) -> dict[str, Any]:
        """Return the constants of the preprocessing before the map, and the map's name."""
        return {**self.first.describe(), "features": self.name}

    def _mapped(self, inputs: Array) -> npt.NDArray[np.float32]:
        what, given = f"features={self.name!r}", self.first(inputs)
        with in_user_code(what):
            found = np.asarray(self.features(given))
        if found.dtype.kind not in "fiu" or found.ndim < 2 or len(found) != len(given):
            raise UserError(
                f"{what}: returned {found.dtype} {list(found.shape)} for inputs "
                f"{list(given.shape)}; return numbers [{len(given)}, ...]"
            )
        if not np.isfinite(found).all():
            raise UserError(f"{what}: returned numbers that are not finite")
        return found.astype(np.float32)


def with_features(config: RunConfig, dataset: Dataset) -> Dataset:
    """Return the data set with the configured feature map as part of its preprocessing.

    Raises
    ------
    UserError
        If the map is unknown, or does not fit its arguments or the inputs.
    """
    if config.features == NONE:
        return dataset
    named, what = FEATURES.load(config.features), f"features={config.features!r}"
    if not callable(named.item) or inspect.isclass(named.item):
        raise UserError(f"{what}: is not a function; name a function of images")
    try:
        signature = inspect.signature(named.item)
        refuse_unknown(what, signature, named.arguments, skipped=1)
        signature.bind(None, **named.arguments)
    except TypeError as error:
        raise UserError(f"{what}: {error}; it is called with images and these arguments") from error
    if dataset.spec.dtype != "float32" or (not named.own and not dataset.spec.is_image):
        wanted = "numbers" if named.own else "images"
        raise UserError(f"{what} takes {wanted}, but inputs of {dataset.name} are {dataset.spec}")
    features = functools.partial(named.item, **named.arguments)
    mapped = Featured(config.features, features, dataset.preprocess)
    return dataclasses.replace(dataset, preprocess=mapped)
