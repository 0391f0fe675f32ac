"""Examples (inputs and targets), and the spec of an input."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Indices = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Spec:
    """Shape and dtype of one input, as a model sees it.

    Attributes
    ----------
    shape : tuple of int
        Without the batch: ``(32, 32, 3)`` for an image, ``(14,)`` for a row, ``(80,)`` for tokens.
    dtype : str
        ``float32``, or ``int32`` for tokens.
    vocabulary : int
        Tokens are from 0 to ``vocabulary`` - 1; 0 if inputs are not tokens.
    """

    shape: tuple[int, ...]
    dtype: str
    vocabulary: int = 0

    @property
    def is_image(self) -> bool:
        """Whether it is an image: height x width x channels."""
        return len(self.shape) == 3 and self.dtype == "float32"

    @property
    def is_tokens(self) -> bool:
        """Whether it is a sequence of tokens, which are not quantities."""
        return self.vocabulary > 0

    def describe(self) -> dict[str, Any]:
        """Return shape and dtype, and the vocabulary of tokens, for records."""
        found = {"input_shape": list(self.shape), "input_dtype": self.dtype}
        return found | ({"vocabulary": self.vocabulary} if self.vocabulary else {})

    def sample(self, count: int) -> Array:
        """Return random inputs [count, ...] to test a model with, the same every time."""
        rng = np.random.default_rng(0)
        if self.is_tokens:
            tokens = rng.integers(0, self.vocabulary, (count, *self.shape))
            tokens.flat[-1] = self.vocabulary - 1
            return tokens.astype(self.dtype)
        return rng.normal(size=(count, *self.shape)).astype(self.dtype)

    def __str__(self) -> str:
        kind = f"tokens below {self.vocabulary}, " if self.vocabulary else ""
        return f"{kind}{self.dtype} [{', '.join(map(str, self.shape))}]"


@dataclasses.dataclass(frozen=True)
class Examples:
    """Inputs and their targets.

    Attributes
    ----------
    inputs : array [n, ...]
        As the data set stores them, e.g. uint8 images.
    targets : array [n, ...]
    """

    inputs: Array
    targets: Array

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets):
            raise ValueError(f"{len(self.inputs)} inputs, but {len(self.targets)} targets")
        if len(self.targets) == 0:
            raise ValueError("there are no examples")

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, indices: Indices) -> "Examples":
        """Return a copy of the examples at ``indices`` [k]."""
        return Examples(np.asarray(self.inputs[indices]), np.asarray(self.targets[indices]))
