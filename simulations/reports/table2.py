"""Report of Table 2: the table, Figures 3 to 6, statistics, claims, costs, and one page."""

import dataclasses
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from simulations.experiments.experiment import DATASET
from simulations.reports.accuracy_table import (
    accuracy_rows,
    differing,
    interval_notes,
    readable,
    rows_beside,
)
from simulations.reports.claims import judge_claims
from simulations.reports.cost_forecast import NOTES as ESTIMATE_NOTES
from simulations.reports.cost_forecast import SEEDS, estimate_table, missing, spread
from simulations.reports.cost_table import NOTE, cost_table, machines
from simulations.reports.figures_3_to_6 import draw_figures, figures_of
from simulations.reports.ledger_block import ledger_block
from simulations.reports.overview import draw_overview
from simulations.reports.own_data import NOTE as OWN_DATA
from simulations.reports.own_data import own_data_table
from simulations.reports.page import Page, Section, ledger_section, write_page
from simulations.reports.paired_tests import Analysis, analyse, comparison_table, trend_table
from simulations.reports.part import Files, Part
from simulations.reports.sweep_records import LOCAL, METRICS, TEST, SweepRecords
from simulations.reports.table2_findings import table2_finding, table2_in_short
from simulations.reports.what_it_saw import what_it_saw
from simulations.sweep.sweep_folder import sweep_folder
from simulations.sweep.sweep_plan import seeds_as_typed

ASSUMPTIONS = (
    "Cells are compared within seeds: runs of one seed share images, split, initial weights and "
    "noise where they can. Seeds are the unit of observation, taken as independent.",
    "From 3 seeds on; of fewer there is no interval, no test and no effect size.",
    "A collapsed run (test accuracy in the end below half of its best) is a result with a count of "
    "its own, and in no mean, interval or test. What is left of a cell that loses runs in this way "
    "says what it reaches when it does not.",
    "The t tests and intervals assume normally distributed differences; 'p normal' (Shapiro-Wilk) "
    "speaks against that where it is small, and Wilcoxon's signed ranks, which assume only "
    "symmetry, stand beside them.",
    "p values of differences and trends are adjusted after Holm over all of them for one metric; "
    "those of equivalence over the six comparisons of fog with centralized.",
    "The trend has Page's test within seeds, two-sided, which takes ranks alone; the slope says "
    "the same in numbers.",
    "A large p of difference is no evidence of sameness: equivalence has a test of its own (two "
    "one-sided tests).",
    "Intervals of the effect size d are BCa bootstrap intervals over seeds, from 5 seeds on.",
)

PRIVACY = (
    "The paper measures no privacy, and neither do these runs: 1% noise is a blur, not "
    "differential privacy."
)
OVERVIEW = "Test accuracy of each cell, and the validation accuracy that the paper printed"
PER_EPOCH = "training accuracy of each node and mean validation accuracy per epoch"


def write_table2(
    records: SweepRecords,
    results: Path,
    stem: str,
    margin: float,
    beside: Sequence[SweepRecords],
) -> Files:
    """Write tables, figures, statistics, claims, costs and the page.

    The sweeps in ``beside``, with other settings, only add rows to accuracies and costs.
    """
    seen = what_it_saw(records)
    rows = rows_beside(records, beside) if beside else accuracy_rows(records)
    figures = draw_figures(records, results / "figures", stem)
    overview = draw_overview(records, rows, results / "figures" / f"{stem}-overview.png")
    analyses = {metric: analyse(records, metric, margin) for metric in (TEST, LOCAL)}
    ledger = ledger_block([place for one in (records, *beside) for place in one.places])
    accuracy = _accuracy(rows, beside, own_data_table(records))
    statistics = _statistics(analyses, margin)
    claims = _claims(records, analyses, margin)
    costs = _costs(records, beside)

    files = accuracy.write(results, stem, seen, ledger)
    files += [("overview", overview), *figures.items()]
    for part in (statistics, claims, costs):
        files += part.write(results, stem, seen)
    per_epoch = {f"{name}: {PER_EPOCH}": path for name, path in figures.items()}
    drawn = []
    if figures:
        heading, absent = figures_of(figures)
        drawn = [Section(heading, pictures=per_epoch, notes=absent)]
    sections = [_section(accuracy), *drawn, *map(_section, (claims, costs, statistics))]
    sections.append(ledger_section(ledger))
    page = Page(
        title="Privacy preserving deep learning in fog computing: Table 2, repeated",
        finding=table2_finding(records, rows),
        table=table2_in_short(rows),
        pictures={OVERVIEW: overview},
        sections=sections,
        made=seen,
        facts=records.facts,
        commands=[_command(one) for one in (records, *beside)],
        report=_report(records, beside),
        seen=seen[0],
    )
    return [*files, ("page", write_page(page, results / "reports" / f"{stem}.html"))]


def _command(records: SweepRecords) -> str:
    """Return the command that makes the runs of a sweep."""
    told = ["--seeds", seeds_as_typed(records.seeds)]
    if len(records.cells) < len(records.experiment.cells):
        told += ["--only", ",".join(cell.name for cell in records.cells)]
    changed = {key: value for key, value in records.overrides.items() if key != DATASET}
    told += [f"{key}={value}" for key, value in changed.items()]
    return shlex.join(["fog-flower", "sweep", *_named(records), *told])


def _report(records: SweepRecords, beside: Sequence[SweepRecords]) -> str:
    """Return the command that writes the page from the records."""
    others = [word for one in beside for word in ("--beside", _place(one))]
    return shlex.join(["fog-flower", "report", *_named(records), *others])


def _named(records: SweepRecords) -> list[str]:
    """Return the words that name a sweep, with its folder if it is not the usual one."""
    data = str(records.overrides.get(DATASET, ""))
    told = [records.experiment.name, "--scale", records.scale.name]
    told += ["--dataset", data] if data else []
    usual = sweep_folder(records.experiment.name, records.scale.name, data, "")
    if records.folder.parts[-2:] != usual.parts[-2:]:
        told += ["--out", _place(records)]
    return told


def _place(records: SweepRecords) -> str:
    return os.path.relpath(records.folder)


def _section(part: Part) -> Section:
    return Section(part.heading or part.title, part.tables, notes=part.notes)


def _accuracy(rows: pd.DataFrame, beside: Sequence[SweepRecords], own: pd.DataFrame) -> Part:
    notes = [
        *(f"Rows with other settings: {' '.join(what_it_saw(other))}" for other in beside),
        "Percent; mean ± standard deviation (95% CI) over seeds; of fewer than three seeds each "
        "one's. The paper's figures are on SVHN at full scale and without spread; in brackets ours "
        "minus the paper's.",
        *interval_notes(rows),
        *([OWN_DATA] if len(own) else []),
    ]
    return Part(
        label="Table 2",
        title="Table 2: accuracy of centralized and fog training",
        heading="Accuracy",
        tables={**readable(rows), **({"The final W on own data": own} if len(own) else {})},
        notes=notes,
        rows=rows,
    )


def _statistics(analyses: Mapping[str, Analysis], margin: float) -> Part:
    tables = {
        f"{heading}: {METRICS[metric]}": table
        for metric, analysis in analyses.items()
        for heading, table in _tables(analysis, margin).items()
    }
    rows = pd.DataFrame(
        {"metric": metric, **dataclasses.asdict(comparison)}
        for metric, analysis in analyses.items()
        for comparison in (*analysis.fog, *analysis.models)
    )
    return Part(
        label="statistics",
        suffix="-statistics",
        title="Statistics of Table 2",
        heading="Statistics",
        tables=tables,
        notes=ASSUMPTIONS,
        rows=rows,
    )


def _claims(records: SweepRecords, analyses: Mapping[str, Analysis], margin: float) -> Part:
    judged = pd.DataFrame(
        {
            "claim": claim.sentence,
            "the paper's table": f"**{claim.paper_verdict}**: {claim.paper_says}",
            "our runs": f"**{claim.our_verdict}**: {claim.ours_say}",
        }
        for claim in judge_claims(records, analyses[LOCAL], analyses[TEST], margin)
    )
    title = "The paper's claims, tested"
    return Part(title, {"": judged}, [PRIVACY], label="claims", suffix="-claims")


def _costs(records: SweepRecords, beside: Sequence[SweepRecords]) -> Part:
    tables = {
        "": cost_table(records),
        **{f"With {differing(records, other)}": cost_table(other) for other in beside},
        f"What {SEEDS} seeds would cost": estimate_table(records),
    }
    everything = [fact for sweep in (records, *beside) for fact in sweep.facts]
    made_on = [f"Machine: {name}." for name in machines(everything)]
    notes = [NOTE, *made_on, *ESTIMATE_NOTES, *spread(records), *missing(records)]
    return Part("What it cost", tables, notes, label="costs", suffix="-costs")


def _tables(analysis: Analysis, margin: float) -> dict[str, pd.DataFrame]:
    return {
        f"Fog minus centralized (margin {100 * margin:g} points)": comparison_table(analysis.fog),
        "CNN minus MLP": comparison_table(analysis.models),
        "Trend over 3, 5, 7 fog nodes": trend_table(analysis.trends),
    }
