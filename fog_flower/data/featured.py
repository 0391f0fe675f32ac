"""Preprocessing that ends in a fixed map of features."""

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
from fog_flower.tasks.examples import Array, Spec

CHUNK = 1000  # inputs that are mapped at once: a map may need many times their memory


@dataclasses.dataclass(frozen=True)
class Featured:
    """A data set's own preprocessing, then a map.

    Attributes
    ----------
    name : str
        Of the map, as configured.
    features : callable
        From float32 inputs [n, ...] to features [n, ...]; the same every time.
    first : Preprocess
    """

    name: str
    features: Callable[[Array], Array]
    first: Preprocess
    _specs: dict[tuple[object, ...], Spec] = dataclasses.field(
        init=False, default_factory=dict, repr=False, compare=False
    )

    def __call__(self, inputs: Array) -> npt.NDArray[np.float32]:
        """Return features, float32.

        Raises
        ------
        UserError
            If the map fails, or returns no finite numbers, one row for each input.
        """
        parts = [
            self._mapped(inputs[start : start + CHUNK]) for start in range(0, len(inputs), CHUNK)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, *self.spec(inputs).shape), "f4")

    def spec(self, inputs: Array) -> Spec:
        """Return what the map makes of one input; one is mapped the first time."""
        kind = inputs.shape[1:], inputs.dtype.str
        if kind not in self._specs:
            found = self._mapped(np.zeros((1, *inputs.shape[1:]), inputs.dtype))
            self._specs[kind] = Spec(tuple(found.shape[1:]), "float32")
        return self._specs[kind]

    def problem(self, inputs: Array) -> str:
        """Say what is wrong with stored inputs."""
        return self.first.problem(inputs)

    def fitted(self, inputs: Array) -> "Featured":
        """Return the same with constants of these inputs in what comes before the map."""
        return dataclasses.replace(self, first=self.first.fitted(inputs))

    @property
    def deviation(self) -> npt.NDArray[np.float64]:
        """One: features have no stored unit."""
        return np.ones(1)

    def describe(self) -> dict[str, Any]:
        """Return the constants of what comes before the map, and its name."""
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
    """Return the data set, of which a model sees the configured features.

    Raises
    ------
    UserError
        If there is no such map, its arguments do not fit, or it does not fit the inputs.
    """
    if config.features == NONE:
        return dataset
    named, what = FEATURES.load(config.features), f"features={config.features!r}"
    if not callable(named.item) or inspect.isclass(named.item):
        raise UserError(f"{what}: is not a function; name a function of images")
    try:
        inspect.signature(named.item).bind(None, **named.arguments)
    except TypeError as error:
        raise UserError(f"{what}: {error}; it is called with images and these arguments") from error
    if dataset.spec.dtype != "float32" or (not named.own and not dataset.spec.is_image):
        wanted = "numbers" if named.own else "images"
        raise UserError(f"{what} takes {wanted}, but inputs of {dataset.name} are {dataset.spec}")
    features = functools.partial(named.item, **named.arguments)
    mapped = Featured(config.features, features, dataset.preprocess)
    return dataclasses.replace(dataset, preprocess=mapped)
