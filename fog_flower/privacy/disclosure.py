"""What a fog node reports about its data besides dW: exactly, not at all, or with noise."""

import dataclasses
import math

from fog_flower.errors import UserError
from fog_flower.named import split_call
from fog_flower.suggestion import unknown_argument

SENT, DROPPED, EQUAL, LAPLACE = "sent", "dropped", "equal", "laplace"


@dataclasses.dataclass(frozen=True)
class Disclosure:
    """How a fog node reports numbers about its data.

    Attributes
    ----------
    how : str
        ``sent`` (exactly), ``laplace`` (with noise), ``dropped`` (metrics) or ``equal`` (counts).
    epsilon : float
        Of ``laplace``, over the whole run.
    largest_loss : float
        Of ``laplace``: each example's loss is clipped to it.
    """

    how: str = SENT
    epsilon: float = math.inf
    largest_loss: float = math.inf

    def __post_init__(self) -> None:
        """Check that noise has a positive, finite epsilon."""
        if self.how == LAPLACE and not 0.0 < self.epsilon < math.inf:
            raise ValueError(f"epsilon={self.epsilon!r} must be positive; 0.1 to 1 is usual")


def metrics(text: str) -> Disclosure:
    """Parse ``training-metrics``: ``sent``, ``dropped``, ``laplace(epsilon=1,largest_loss=5)``."""
    return _read(text, "training-metrics", DROPPED, {"epsilon": 1.0, "largest_loss": 5.0})


def counts(text: str) -> Disclosure:
    """Parse ``example-counts``: ``sent``, ``equal`` or ``laplace(epsilon=1)``."""
    return _read(text, "example-counts", EQUAL, {"epsilon": 1.0})


def hidden_by(told: Disclosure) -> str:
    """Return the setting of ``example-counts`` that hides counts; empty if they are sent."""
    return "" if told.how == SENT else f"example-counts={told.how}"


def _read(text: str, key: str, without: str, defaults: dict[str, float]) -> Disclosure:
    name, given = split_call(text, key)
    if name not in (SENT, without, LAPLACE):
        raise UserError(f"{key}={text!r}: must be {SENT}, {without} or {LAPLACE}(epsilon=1)")
    known = defaults if name == LAPLACE else {}
    for argument, value in given.items():
        if argument not in known:
            raise UserError(f"{key}={text!r}: {unknown_argument(argument, known)}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UserError(f"{key}={text!r}: {argument}={value!r} must be a number")
        if not 0.0 < value < math.inf:
            usual = f"{defaults[argument]:g} is usual"
            raise UserError(f"{key}={text!r}: {argument}={value!r} must be positive; {usual}")
    return Disclosure(name, **{**known, **given})
