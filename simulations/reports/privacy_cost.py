"""Cost of privacy: accuracy at every epsilon, and the gate's decisions if there are attackers."""

import functools
import itertools
import math
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd

from fog_flower.privacy.ledger import UPDATES
from simulations.experiments import Cell
from simulations.experiments.epsilon import EPSILONS, NOT_PRIVATE
from simulations.reports import formats
from simulations.reports.decisions import decisions_of
from simulations.reports.epsilon_lines import ORDER, draw_line, label_epsilons, places_of, styles
from simulations.reports.ledger_rows import promise_of
from simulations.reports.part import Part
from simulations.reports.save_figure import save_figure
from simulations.reports.statistics import Summary, summarise_accuracy
from simulations.reports.sweep_records import CLOUD, TEST, SweepRecords
from simulations.reports.trilemma_picture import draw_trilemma
from simulations.reports.what_it_saw import what_it_saw

_TITLES = {
    "epsilon": "What a promise costs in accuracy",
    "trilemma": "Privacy, robustness and accuracy",
}
DODGE = 0.05  # horizontal offset between lines, so that they do not cover each other


def privacy_cost_part(records: SweepRecords) -> Part:
    """Return tables of accuracies, refusals and promises, a row per series of cells, and a picture.

    Parameters
    ----------
    records : SweepRecords
        Records of ``epsilon`` or ``trilemma``, whose cells have the tag ``epsilon``.
    """
    rows = pd.DataFrame([_row(records, cell) for cell in records.cells])
    found = {cell.name: summarise_accuracy(records.final(cell, TEST)) for cell in records.cells}
    tables = {"Test accuracy, %": _wide(rows, lambda row: _accuracy(row, found[row["cell"]]))}
    if len(records.updates) and rows["malicious"].any():
        tables["Honest updates that the gate refused, %"] = _wide(rows, _refused("honest"))
        tables["Malicious updates that the gate refused, %"] = _wide(rows, _refused("malicious"))
    tables["What the ledger promises of dW, epsilon"] = _wide(rows, _promised)
    title = f"{_TITLES[records.experiment.name]}: {records.experiment.varies}"
    attacked = bool(rows["malicious"].any()) and not rows["malicious"].all()
    draw = draw_trilemma if attacked else _draw
    return Part(title, tables, what_it_saw(records), rows, functools.partial(draw, rows))


def _row(records: SweepRecords, cell: Cell) -> dict[str, Any]:
    test, validation = (summarise_accuracy(records.final(cell, m)) for m in (TEST, CLOUD))
    of_cell = records.runs["cell"] == cell.name
    runs = records.runs[of_cell]
    places = itertools.compress(records.places, of_cell)
    malicious = int(str(cell.settings.get("malicious-nodes", 0)))
    of_honest, of_malicious = decisions_of(records, cell, malicious)
    return {
        "cell": cell.name,
        "series": cell.label,
        "epsilon": str(cell.tags["epsilon"]),
        "malicious": malicious,
        **test.columns("test", "test_"),
        **validation.columns("validation", "validation_"),
        "seeds": test.n,
        "collapsed": records.collapsed[cell.name],
        "not usable": int((~runs["usable"]).sum()),
        "honest_refused": float(of_honest.mean()),
        "malicious_refused": float(of_malicious.mean()),
        **dict(zip(("promised", "seeded"), promise_of(places, UPDATES), strict=True)),
    }


def _wide(rows: pd.DataFrame, tell: Any) -> pd.DataFrame:
    """Return a table with a row for each series and a column for each epsilon."""
    lines = []
    for series, part in rows.groupby("series", sort=False):
        by_epsilon = {row["epsilon"]: row for row in part.to_dict("records")}
        line: dict[str, object] = {"": series}
        for epsilon in EPSILONS:
            head = "not private" if epsilon == NOT_PRIVATE else f"epsilon {epsilon}"
            line[head] = tell(by_epsilon[epsilon]) if epsilon in by_epsilon else formats.NONE
        lines.append(line)
    return pd.DataFrame(lines)


def _accuracy(row: dict[Hashable, Any], found: Summary) -> str:
    told = f"{formats.accuracy(found)}, n={found.n}"
    told += f", {row['not usable']} lost" if row["not usable"] else ""
    return told + (f", {row['collapsed']} collapsed" if row["collapsed"] else "")


def _refused(who: str) -> Any:
    return lambda row: formats.percent(row[f"{who}_refused"])


def _promised(row: dict[Hashable, Any]) -> str:
    epsilon = row["promised"]
    if math.isnan(epsilon):
        return formats.NONE
    told = "nothing" if math.isinf(epsilon) else f"{epsilon:.2f}"
    return f"{told}, seeded" if row["seeded"] else told


def _draw(rows: pd.DataFrame, path: Path) -> Path:
    """Draw accuracy over epsilon, with a line for each series and intervals over seeds."""
    figure, axes = plt.subplots(figsize=(7.0, 4.8), layout="constrained")
    groups = list(rows.groupby("series", sort=False))
    for number, ((series, part), style) in enumerate(zip(groups, styles(), strict=False)):
        known = part.set_index("epsilon").reindex(ORDER)
        known = known[["test", "test_low", "test_high"]].set_axis(["value", "low", "high"], axis=1)
        places = places_of(number, len(groups), DODGE)
        dashes = ["-", "--"][number % 2]
        draw_line(axes, places, known, label=series, linestyle=dashes, **style)
    label_epsilons(axes)
    axes.set_ylabel("test accuracy, %")
    axes.set_ylim(0, 100)
    figure.legend(loc="outside upper left", frameon=False, ncols=1 + (rows["series"].nunique() > 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    return save_figure(figure, path, dpi=120)
