"""Lower bounds of epsilon that audits found for the releases of a recorded run."""

import dataclasses
import itertools
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fog_flower.privacy.ledger import COUNTS, METRICS, UPDATES
from fog_flower.records.reading import read_run
from fog_flower.records.same_run import first_difference
from fog_flower.renamed import completed
from simulations.audits.finding import FILE, REFUTED
from simulations.audits.other_code import OTHER_VERSION, changed_own, is_other_version
from strategies.ledger import ALL_W, EACH_W

AUDIT = "audit"  # in a run's folder: the findings on this run
ELSEWHERE = Path("results", "audit")
INPUTS, TARGETS = "shipment: inputs", "shipment: targets"
SAME = 0.02  # relative difference of two epsilons of one promise: canaries are a few more examples
_LABELS, _COUNTS, _FINAL, _OF_FEDAVG = "two labels", "counts", "final W", "W of FedAvg"  # attacks


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
    other_version : bool
        Whether another version of fog-flower than the run's made one of the attacks.
    """

    epsilon: float
    refuted: bool
    other_version: bool = False

    def __str__(self) -> str:
        verdict = ", refuted" if self.refuted else ""
        return f"{self.epsilon:.3g} to inf{verdict}{', other version' * self.other_version}"


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
    return [found for path in audits for one in _read(path).values() for found in one["findings"]]


def findings_on(run: Path, *others: Path) -> list[dict[str, Any]]:
    """Return the findings of ``audits_of`` the run, without those on other code of the user's.

    A changed mechanism is another one, as a changed setting is. Each finding has ``OTHER_VERSION``.
    """
    record = read_run(run)
    return [
        {**found, OTHER_VERSION: is_other_version(one, record)}
        for path in audits_of(run, *others)
        for one in _read(path).values()
        if not changed_own(one, record)
        for found in one["findings"]
    ]


def on_other_code(run: Path, audits: Path) -> dict[str, str]:
    """Return the audits in an ``audit.json`` that ``findings_on`` leaves out, and the file changed.

    The file is one of the user's own code that the run was made with.
    """
    record = read_run(run)
    found = {name: changed_own(one, record) for name, one in _read(audits).items()}
    return {name: file for name, file in found.items() if file}


def _read(audits: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(audits.read_text())["audits"]
    return told


def bound_of(
    release: str, findings: Iterable[Mapping[str, Any]], promised: float | None
) -> AuditedBound | None:
    """Return the bound for a release of the ledger; None if no finding bounds its epsilon.

    A bound for W is one for dW too, from which W is computed. W that another strategy merged than
    that of the run is computed from dW as well, but the run does not release it. Findings with a
    promise of their own, on a single epoch, on the sampling of batches, or on a federation with
    fewer examples, bound no release: only those that test the very epsilon that is ``promised``
    (None: none is).
    """
    bounds = [
        found
        for found in findings
        if found.get("bound") and _is_on(release, found) and _tests(promised, found)
    ]
    if not bounds:
        return None
    refuted = any(found["verdict"] == REFUTED for found in bounds)
    other = any(found.get(OTHER_VERSION) for found in bounds)
    return AuditedBound(max(float(found["value"]) for found in bounds), refuted, other)


def _is_on(release: str, found: Mapping[str, Any]) -> bool:
    audit, attack = found["audit"], str(found["attack"])
    of_final = audit == "membership" and attack.startswith(_FINAL)
    of_fedavg = audit == "membership" and attack.startswith(_OF_FEDAVG)
    reported, of_counts = audit == "laplace", attack.startswith(_COUNTS)
    shipped, of_labels = audit == "shipments", attack.startswith(_LABELS)
    attacked: dict[str, bool] = {
        INPUTS: shipped and not of_labels,
        TARGETS: shipped and of_labels,
        UPDATES: audit == "one-run" or of_final or of_fedavg,
        EACH_W: of_final,
        ALL_W: audit == "central-dp",
        METRICS: reported and not of_counts,
        COUNTS: reported and of_counts,
    }
    return attacked.get(release, False)


def _tests(promised: float | None, found: Mapping[str, Any]) -> bool:
    claimed = found["claimed"]
    tested = math.inf if claimed is None else float(claimed)
    wanted = math.inf if promised is None else promised
    return tested == wanted or math.isclose(tested, wanted, rel_tol=SAME)


def _has_settings(path: Path, config: Mapping[str, Any]) -> bool:
    audited = json.loads(path.read_text()).get("config")
    return bool(audited) and first_difference(config, completed(audited)) is None
