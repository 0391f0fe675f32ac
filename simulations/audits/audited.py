"""Lower bounds of epsilon that audits found for the releases of a recorded run."""

import dataclasses
import itertools
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fog_flower.privacy.ledger import UPDATES
from fog_flower.records.reading import read_run
from fog_flower.records.same_run import first_difference
from fog_flower.renamed import completed
from simulations.audits.finding import FILE, REFUTED
from strategies.ledger import EACH_W

AUDIT = "audit"  # in a run's folder: the findings on this run
ELSEWHERE = Path("results", "audit")
INPUTS, TARGETS = "shipment: inputs", "shipment: targets"
SAME = 0.02  # relative difference of two epsilons of one promise: canaries are a few more examples
_LABELS, _FINAL = "two labels", "final W"  # prefixes of attacks


@dataclasses.dataclass(frozen=True)
class AuditedBound:
    """The largest of the lower bounds of epsilon that attacks on a release gave.

    Attributes
    ----------
    epsilon : float
        A one-sided 95% bound: the interval is from here to infinity. The largest of several bounds
        exceeds the truth more often than in 5%.
    refuted : bool
        Whether an audit refuted what is promised.
    """

    epsilon: float
    refuted: bool

    def __str__(self) -> str:
        return f"{self.epsilon:.3g} to inf" + (", refuted" if self.refuted else "")


def audits_of(run: Path, *others: Path) -> list[Path]:
    """Return the ``audit.json`` of a recorded run.

    Parameters
    ----------
    run : Path
        Folder of the run. Its own audits are in the folder ``audit`` below it.
    others : Path
        Folders below which there may be audits of the same settings.
    """
    config = read_run(run).get("config")
    if not config:
        return []
    below = itertools.chain.from_iterable(sorted(place.rglob(FILE)) for place in others)
    found = dict.fromkeys(path.resolve() for path in (run / AUDIT / FILE, *below))
    return [path for path in found if path.exists() and _has_settings(path, config)]


def findings_in(audits: Iterable[Path]) -> list[dict[str, Any]]:
    """Return the findings of all audits in these files."""
    told = [json.loads(path.read_text())["audits"].values() for path in audits]
    return [found for one in itertools.chain.from_iterable(told) for found in one["findings"]]


def bound_of(
    release: str, findings: Iterable[Mapping[str, Any]], promised: float | None
) -> AuditedBound | None:
    """Return the bound for a release of the ledger; None if no finding bounds its epsilon.

    A bound for W is one for dW too, from which W is computed. Findings with a promise of their own,
    on a single epoch, on the sampling of batches, or on a federation with fewer examples, bound no
    release: only those that test the very epsilon that is ``promised`` (None: none is).
    """
    bounds = [
        found
        for found in findings
        if found.get("bound") and _is_on(release, found) and _tests(promised, found)
    ]
    if not bounds:
        return None
    refuted = any(found["verdict"] == REFUTED for found in bounds)
    return AuditedBound(max(float(found["value"]) for found in bounds), refuted)


def _is_on(release: str, found: Mapping[str, Any]) -> bool:
    audit, attack = found["audit"], str(found["attack"])
    of_final = audit == "membership" and attack.startswith(_FINAL)
    shipped, of_labels = audit == "shipments", attack.startswith(_LABELS)
    return {
        INPUTS: shipped and not of_labels,
        TARGETS: shipped and of_labels,
        UPDATES: audit == "one-run" or of_final,
        EACH_W: of_final,
    }.get(release, False)


def _tests(promised: float | None, found: Mapping[str, Any]) -> bool:
    claimed = found["claimed"]
    tested = math.inf if claimed is None else float(claimed)
    wanted = math.inf if promised is None else promised
    return tested == wanted or math.isclose(tested, wanted, rel_tol=SAME)


def _has_settings(path: Path, config: Mapping[str, Any]) -> bool:
    audited = json.loads(path.read_text()).get("config")
    return bool(audited) and first_difference(config, completed(audited)) is None
