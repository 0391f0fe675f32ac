"""What an attack found."""

import dataclasses
import math
from typing import Any

HOLDS, REFUTED, NO_CLAIM = "holds", "refuted", "nothing is promised"


@dataclasses.dataclass(frozen=True)
class AuditFinding:
    """What an attack found, beside what was promised.

    Attributes
    ----------
    audit : str
        E.g. ``shipments``.
    attack : str
        What the attacker did, and knew.
    measure : str
        Of what ``value`` is, with its unit.
    value : float
        NaN where the attack cannot be made.
    low, high : float
        Its 95% interval; NaN where there is none. Of a lower bound of epsilon, ``value`` is it.
    claimed : float
        The epsilon that the ledger promises; infinite: nothing.
    bound : bool
        Whether ``value`` is a lower bound of epsilon.
    """

    audit: str
    attack: str
    measure: str
    value: float
    low: float = math.nan
    high: float = math.nan
    claimed: float = math.inf
    bound: bool = False

    @property
    def verdict(self) -> str:
        """Whether the promise survived; empty where the measure says nothing of it."""
        if math.isnan(self.value):
            return ""
        if not math.isfinite(self.claimed):
            return NO_CLAIM
        if not self.bound:
            return ""
        return REFUTED if self.value > self.claimed else HOLDS

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON takes it: what is not finite is null."""
        row = dataclasses.asdict(self) | {"verdict": self.verdict}
        odd = [k for k, v in row.items() if isinstance(v, float) and not math.isfinite(v)]
        return row | dict.fromkeys(odd)


def not_applicable(audit: str, why: str) -> AuditFinding:
    """Return the finding that an attack cannot be made, and why."""
    return AuditFinding(audit, why, "not applicable", math.nan)


def bounded(name: str, attack: str, bound: float, claimed: float) -> AuditFinding:
    """Return the finding of a lower bound of epsilon."""
    measure = "epsilon, at least"
    return AuditFinding(name, attack, measure, bound, bound, claimed=claimed, bound=True)
