"""Maps inputs as a data set stores them to inputs of a model."""

import dataclasses
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fog_flower.tasks.examples import Array, Spec

LEVELS = 256
CHUNK = 4096  # images; bincount copies what it counts to 8-byte integers


class Preprocess(Protocol):
    """Maps stored inputs to inputs of a model."""

    def __call__(self, inputs: Array) -> Array:
        """Return a model's inputs for stored inputs [n, ...]."""
        ...

    def spec(self, inputs: Array) -> Spec:
        """Return the spec of one of them as a model sees it."""
        ...

    def problem(self, inputs: Array) -> str:
        """Return in one line what is wrong with stored inputs; empty if nothing is."""
        ...

    def fitted(self, inputs: Array) -> "Preprocess":
        """Return a copy with constants of these inputs; itself if it has none."""
        ...

    @property
    def deviation(self) -> npt.NDArray[np.float64]:
        """One unit of a model's input, in stored units divided by the largest stored value."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return the constants, for the records."""
        ...


@dataclasses.dataclass(frozen=True)
class PixelNormaliser:
    """Maps uint8 images to standardised float32 images (paper, section 3).

    Attributes
    ----------
    mean, deviation : float64 [channels]
        Of pixels in [0, 1], per channel.
    """

    mean: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64]

    def __call__(self, inputs: Array) -> npt.NDArray[np.float32]:
        """Return (image / 255 - mean) / deviation, float32, for images uint8 [n, h, w, c]."""
        # Each channel has 256 possible results: a table is exact and needs no float64 images.
        levels = np.arange(LEVELS)[:, None] / (LEVELS - 1)
        table = ((levels - self.mean) / self.deviation).astype(np.float32)
        result = np.empty(inputs.shape, np.float32)
        for channel in range(inputs.shape[-1]):
            result[..., channel] = table[:, channel][inputs[..., channel]]
        return result

    def spec(self, inputs: Array) -> Spec:
        """Return the same shape, float32."""
        return Spec(tuple(inputs.shape[1:]), "float32")

    def problem(self, inputs: Array) -> str:
        """Return what is wrong with images; empty if nothing is."""
        channels = len(self.mean)
        if inputs.dtype != np.uint8 or inputs.ndim != 4 or inputs.shape[-1] != channels:
            return (
                f"images must be uint8 [n, height, width, {channels}], not {inputs.dtype} "
                f"{list(inputs.shape)}"
            )
        return ""

    def fitted(self, inputs: Array) -> "PixelNormaliser":
        """Return the normaliser with mean and deviation of these images."""
        return fit_normaliser(inputs)

    def describe(self) -> dict[str, Any]:
        """Return mean and deviation."""
        return {"mean": self.mean.tolist(), "deviation": self.deviation.tolist()}


def fit_normaliser(images: Array) -> PixelNormaliser:
    """Measure mean and standard deviation per channel of images uint8 [n, h, w, c].

    They are computed from exact histograms, so that every process gets the same bits. A constant
    channel gets standard deviation 1, because there is nothing to scale.
    """
    levels = np.arange(LEVELS) / (LEVELS - 1)
    means, deviations = [], []
    for channel in range(images.shape[-1]):
        counts = np.zeros(LEVELS, np.int64)
        for start in range(0, len(images), CHUNK):
            pixels = images[start : start + CHUNK, ..., channel].reshape(-1)
            counts += np.bincount(pixels, minlength=LEVELS)
        mean = float(levels @ counts / counts.sum())
        deviation = float(np.sqrt((levels - mean) ** 2 @ counts / counts.sum()))
        means.append(mean)
        deviations.append(deviation or 1.0)
    return PixelNormaliser(np.array(means), np.array(deviations))


def middle_grey(channels: int) -> PixelNormaliser:
    """Return the normaliser of images without known constants, which maps them to -1 to 1."""
    return PixelNormaliser(np.full(channels, 0.5), np.full(channels, 0.5))


@dataclasses.dataclass(frozen=True)
class ColumnNormaliser:
    """Standardises rows of numbers, column by column.

    Attributes
    ----------
    mean, deviation : float64 [...]
        Of one row's shape, or numbers for all columns; 0 and 1 leave rows unchanged.
    """

    mean: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64]

    def __call__(self, inputs: Array) -> npt.NDArray[np.float32]:
        """Return (row - mean) / deviation, float32."""
        return ((inputs - self.mean) / self.deviation).astype(np.float32)

    def spec(self, inputs: Array) -> Spec:
        """Return the same shape, float32."""
        return Spec(tuple(inputs.shape[1:]), "float32")

    def problem(self, inputs: Array) -> str:
        """Return what is wrong with rows; empty if nothing is."""
        if inputs.dtype.kind not in "fiu" or inputs.ndim < 2 or 0 in inputs.shape[1:]:
            one = "; one number each: x[:, None]" if inputs.ndim == 1 else ""
            return f"rows must be numbers [n, ...], not {inputs.dtype} {list(inputs.shape)}{one}"
        finite = np.asarray(np.isfinite(inputs).reshape(len(inputs), -1).all(axis=1))
        if not finite.all():
            return (
                f"rows must be finite: {int((~finite).sum()):,} of {len(finite):,} are not, the "
                f"first at {int(finite.argmin())}; fill in or drop what is missing"
            )
        if np.abs(inputs).max(initial=0.0) > np.finfo(np.float32).max:
            return "rows must fit into float32: scale them"
        return ""

    def fitted(self, inputs: Array) -> "ColumnNormaliser":
        """Return the normaliser with mean and deviation of these rows."""
        deviation = inputs.std(axis=0, dtype=np.float64)
        return ColumnNormaliser(
            inputs.mean(axis=0, dtype=np.float64), np.where(deviation > 0.0, deviation, 1.0)
        )

    def describe(self) -> dict[str, Any]:
        """Return mean and deviation."""
        return {"mean": self.mean.tolist(), "deviation": self.deviation.tolist()}


@dataclasses.dataclass(frozen=True)
class Tokens:
    """Passes token sequences on unchanged, as int32.

    Attributes
    ----------
    vocabulary : int
        Tokens are 0 to ``vocabulary`` - 1.
    """

    vocabulary: int

    def __call__(self, inputs: Array) -> npt.NDArray[np.int32]:
        """Return the tokens as int32."""
        return np.asarray(inputs, np.int32)

    def spec(self, inputs: Array) -> Spec:
        """Return the same shape, int32."""
        return Spec(tuple(inputs.shape[1:]), "int32", self.vocabulary)

    def problem(self, inputs: Array) -> str:
        """Return what is wrong with sequences; empty if nothing is."""
        if inputs.dtype.kind not in "iu" or inputs.ndim != 2 or 0 in inputs.shape[1:]:
            return f"tokens must be integers [n, length], not {inputs.dtype} {list(inputs.shape)}"
        lowest, highest = int(inputs.min(initial=0)), int(inputs.max(initial=0))
        if lowest < 0 or highest >= self.vocabulary:
            return (
                f"tokens must be 0 to {self.vocabulary - 1}, but reach from {lowest} to {highest}"
            )
        return ""

    def fitted(self, inputs: Array) -> "Tokens":  # noqa: ARG002
        """Return itself: there is nothing to fit."""
        return self

    @property
    def deviation(self) -> npt.NDArray[np.float64]:
        """One."""
        return np.ones(1)

    def describe(self) -> dict[str, Any]:
        """Return nothing: there are no constants."""
        return {}
