"""The ledgers of runs as few rows: one for all releases with the same guarantee."""

import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from simulations.audits.audited import AuditedBound, bound_of, findings_on
from strategies.ledger import LEDGER


@dataclasses.dataclass(frozen=True)
class LedgerRow:
    """Releases from and to the same tier, with the same guarantee, in the same runs.

    Attributes
    ----------
    release : str
        Names, joined by semicolons.
    source, to : str
        Tiers.
    unit : str
        Whose privacy is promised; empty if none is.
    mechanism : str
    epsilon, delta : float or None
        None: nothing is promised.
    seeded : bool
        Whether the promise can be broken by whoever knows the run's seed.
    uncovered : tuple of str
    audited : AuditedBound or None
    runs : int
        Number of runs.
    """

    release: str
    source: str
    to: str
    unit: str
    mechanism: str
    epsilon: float | None
    delta: float | None
    seeded: bool
    uncovered: tuple[str, ...]
    audited: AuditedBound | None
    runs: int

    @property
    def promises(self) -> bool:
        """Whether something that is sent has a finite epsilon."""
        return self.epsilon is not None and self.epsilon > 0

    @property
    def promised(self) -> str:
        """Epsilon and delta in words."""
        if self.epsilon is None:
            return "none"
        return f"{self.epsilon:.3g} at delta {self.delta:.1g}" if self.promises else "0"


def read_ledger(run: Path) -> dict[str, Any] | None:
    """Return the content of a run's ``privacy.json``; None if there is none."""
    path = run / LEDGER
    if not path.exists():
        return None
    told: dict[str, Any] = json.loads(path.read_text())
    return told


def ledger_rows(runs: Sequence[Path], *audits: Path) -> list[LedgerRow]:
    """Return the releases of runs, without those of runs that have no ledger.

    Parameters
    ----------
    runs : sequence of Path
        Folders.
    audits : Path
        Folders below which there may be audits with the settings of a run.
    """
    names: dict[str, None] = {}  # an ordered set
    found: dict[LedgerRow, list[int]] = {}
    for number, run in enumerate(runs):
        told = read_ledger(run)
        findings = findings_on(run, *audits) if told else []
        for release in told["releases"] if told else ():
            names.setdefault(release["release"])
            row = _row(release, bound_of(release["release"], findings, release["epsilon"]))
            found.setdefault(row, []).append(number)
    joined: dict[tuple[LedgerRow, tuple[int, ...]], list[str]] = {}
    for name in names:  # all rows of a release follow each other
        for row, numbers in found.items():
            if row.release == name:
                key = dataclasses.replace(row, release=""), tuple(numbers)
                joined.setdefault(key, []).append(name)
    return [
        dataclasses.replace(row, release="; ".join(told), runs=len(numbers))
        for (row, numbers), told in joined.items()
    ]


def promise_of(runs: Iterable[Path], release: str) -> tuple[float, bool]:
    """Return the largest epsilon for a release in the ledgers of runs, and whether it is seeded.

    It is infinite if a ledger promises nothing, and NaN if no ledger has such a release.
    """
    ledgers = [told for run in runs if (told := read_ledger(run))]
    rows = [_row(one) for told in ledgers for one in told["releases"] if one["release"] == release]
    epsilons = [math.inf if row.epsilon is None else float(row.epsilon) for row in rows]
    return max(epsilons, default=math.nan), any(row.seeded for row in rows)


def _row(release: dict[str, Any], audited: AuditedBound | None = None) -> LedgerRow:
    epsilon = release["epsilon"]
    return LedgerRow(
        release["release"],
        release["from"],
        release["to"],
        release["unit"] if epsilon else "",
        release["mechanism"],
        epsilon,
        release["delta"],
        bool(release["noise_can_be_drawn_again"] and epsilon),
        tuple(release["not_covered"]),
        audited,
        1,
    )
