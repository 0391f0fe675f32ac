"""The result of one attack."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

FILE = "audit.json"  # the findings in a folder
HOLDS, REFUTED, NO_CLAIM = "holds", "refuted", "nothing is promised"
WEAK = "too few tries to refute"


@dataclasses.dataclass(frozen=True)
class AuditFinding:
    """The result of one attack, and the promise that it tests.

    Attributes
    ----------
    audit : str
        For example ``shipments``.
    attack : str
        What the attacker did and knew.
    measure : str
        What ``value`` measures, with its unit.
    value : float
        NaN if the attack is not applicable.
    low, high : float
        The 95% interval; NaN if there is none. A lower bound of epsilon has ``low`` = ``value``.
    claimed : float
        The epsilon that the ledger promises; infinite if it promises nothing.
    bound : bool
        Whether ``value`` is a lower bound of epsilon.
    most : float
        The largest bound that as many tries can show, if the attack succeeds in all of them. A
        promise above it could not have been refuted.
    """

    audit: str
    attack: str
    measure: str
    value: float
    low: float = math.nan
    high: float = math.nan
    claimed: float = math.inf
    bound: bool = False
    most: float = math.inf

    @property
    def verdict(self) -> str:
        """Whether the promise held; empty if the measure does not test it."""
        if math.isnan(self.value):
            return ""
        if not math.isfinite(self.claimed):
            return NO_CLAIM
        if not self.bound:
            return ""
        if self.value > self.claimed:
            return REFUTED
        return HOLDS if self.claimed < self.most else WEAK

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "AuditFinding":
        """Return what ``to_json`` told. Its verdict follows from its numbers, not from its words.

        A bound that does not say the most that its tries could show is taken to be the most, so
        that no promise counts as tested by it.
        """
        finite = {"value": math.nan, "low": math.nan, "high": math.nan, "claimed": math.inf}
        told: dict[str, Any] = {
            field.name: finite.get(field.name, math.inf)
            if row[field.name] is None
            else row[field.name]
            for field in dataclasses.fields(cls)
            if field.name in row
        }
        if row["bound"] and "most" not in row:
            told["most"] = row["value"]
        return cls(**told)

    def to_json(self) -> dict[str, Any]:
        """Return the finding as a dict for JSON, with None for numbers that are not finite."""
        row = dataclasses.asdict(self) | {"verdict": self.verdict}
        odd = [k for k, v in row.items() if isinstance(v, float) and not math.isfinite(v)]
        return row | dict.fromkeys(odd)


def not_applicable(audit: str, why: str) -> AuditFinding:
    """Return a finding that says why an audit is not applicable."""
    return AuditFinding(audit, why, "not applicable", math.nan)


def bounded(
    name: str, attack: str, bound: float, claimed: float, most: float = math.inf
) -> AuditFinding:
    """Return a finding that holds a lower bound of epsilon."""
    measure = "epsilon, at least"
    return AuditFinding(name, attack, measure, bound, bound, claimed=claimed, bound=True, most=most)
