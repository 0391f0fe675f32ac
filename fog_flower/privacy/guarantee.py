"""The privacy guarantee of a mechanism for data that leaves a tier."""

import dataclasses
import math
from collections.abc import Sequence

INPUTS, TARGETS, BOTH = "inputs", "targets", "inputs and targets"


@dataclasses.dataclass(frozen=True)
class Guarantee:
    """(epsilon, delta) differential privacy of one kind of release (Dwork & Roth 2014).

    Attributes
    ----------
    mechanism : str
        The mechanism with its constants, in words.
    epsilon, delta : float
        Over the whole run; epsilon is infinite if nothing is promised.
    part : str
        The part of an example that is covered: ``inputs``, ``targets`` or both.
    relation : str
        How neighbouring data sets differ: ``replace`` one's value, or ``add or remove`` one.
    uncovered : tuple of str
        What it does not cover.
    unit : str
        What ``part`` is a part of.
    """

    mechanism: str
    epsilon: float = math.inf
    delta: float = 0.0
    part: str = BOTH
    relation: str = "replace"
    uncovered: tuple[str, ...] = ()
    unit: str = "example"

    @property
    def promises(self) -> bool:
        """Whether epsilon is finite."""
        return math.isfinite(self.epsilon)

    def without(self, *uncovered: str) -> "Guarantee":
        """Return a guarantee that names what else it does not cover."""
        told = tuple(dict.fromkeys((*self.uncovered, *uncovered)))
        return dataclasses.replace(self, uncovered=told)


def composed(one: Guarantee, other: Guarantee) -> Guarantee:
    """Return the guarantee of what is computed from two releases: epsilons and deltas add up.

    What promises an epsilon of 0 tells nothing, and two with the same words are one release.
    """
    if other.epsilon == 0.0 or one.mechanism == other.mechanism:
        return one
    if not (one.promises and other.promises):
        return Guarantee("none", part=one.part)
    return dataclasses.replace(
        one,
        mechanism=f"{one.mechanism}; {other.mechanism}",
        epsilon=one.epsilon + other.epsilon,
        delta=one.delta + other.delta,
        uncovered=tuple(dict.fromkeys((*one.uncovered, *other.uncovered))),
    )


def best_of(guarantees: Sequence[Guarantee], part: str) -> Guarantee:
    """Return the guarantee of mechanisms applied in sequence, for one part of an example.

    A mechanism after a private one is post-processing and costs nothing. One before it that takes
    each example by itself does not weaken it. So the best of their guarantees holds.
    """
    covering = [one for one in guarantees if one.part in (part, BOTH)]
    if not covering:
        return Guarantee("none", part=part)
    best = min(covering, key=lambda one: one.epsilon)
    told = ", then ".join(one.mechanism for one in covering)
    uncovered = tuple(dict.fromkeys(text for one in covering for text in one.uncovered))
    return dataclasses.replace(best, mechanism=told, part=part, uncovered=uncovered)
