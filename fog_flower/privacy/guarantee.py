"""What a mechanism promises of what leaves a tier."""

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
        What it is, with its constants, in words.
    epsilon, delta : float
        Over the whole run; epsilon is infinite where nothing is promised.
    part : str
        Of an example, what is covered: ``inputs``, ``targets`` or both.
    relation : str
        What two neighbouring data sets are: ``replace`` one's value, or ``add or remove`` one.
    uncovered : tuple of str
        What it does not cover.
    unit : str
        Whose part it is.
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
        """Whether it promises anything."""
        return math.isfinite(self.epsilon)


def best_of(guarantees: Sequence[Guarantee], part: str) -> Guarantee:
    """Return what mechanisms that follow each other promise of one part of an example.

    What works on the output of a private mechanism is post-processing and costs nothing, and what
    comes before it takes nothing from it: so the best of them holds.
    """
    covering = [one for one in guarantees if one.part in (part, BOTH)]
    if not covering:
        return Guarantee("none", part=part)
    best = min(covering, key=lambda one: one.epsilon)
    told = ", then ".join(one.mechanism for one in covering)
    uncovered = tuple(dict.fromkeys(text for one in covering for text in one.uncovered))
    return dataclasses.replace(best, mechanism=told, part=part, uncovered=uncovered)
