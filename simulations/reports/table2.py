"""Table 2, Figures 3 to 6, the statistics, the claims, and one page with all of it."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from simulations.reports.accuracy_table import accuracy_rows, differing, readable, rows_beside
from simulations.reports.claims import judge_claims
from simulations.reports.cost_forecast import NOTES as ESTIMATE_NOTES
from simulations.reports.cost_forecast import SEEDS, estimate_table, missing, spread
from simulations.reports.cost_table import NOTE, cost_table, machines
from simulations.reports.figures_3_to_6 import draw_figures
from simulations.reports.overview import draw_overview
from simulations.reports.page import Page, Section, write_page
from simulations.reports.paired_tests import Analysis, analyse, comparison_table, trend_table
from simulations.reports.sweep_records import LOCAL, METRICS, TEST, SweepRecords
from simulations.reports.text_tables import write_rows, write_table
from simulations.reports.what_it_saw import what_it_saw

ASSUMPTIONS = (
    "Cells are compared within seeds: runs of one seed share images, split, initial weights and "
    "noise where they can. Seeds are the unit of observation, taken as independent.",
    "The t tests and intervals assume normally distributed differences; 'p normal' (Shapiro-Wilk) "
    "speaks against that where it is small, and Wilcoxon's signed ranks, which assume only "
    "symmetry, stand beside them.",
    "p values of differences and trends are adjusted after Holm over all of them for one metric; "
    "those of equivalence over the six comparisons of fog with centralized.",
    "A large p of difference is no evidence of sameness: equivalence has a test of its own (two "
    "one-sided tests).",
    "Intervals of the effect size d are BCa bootstrap intervals over seeds, from 5 seeds on.",
)

OVERVIEW = "Test accuracy of each cell, and the validation accuracy that the paper printed"
PER_EPOCH = "training accuracy of each node and mean validation accuracy per epoch"


def write_table2(
    records: SweepRecords,
    results: Path,
    stem: str,
    margin: float,
    beside: Sequence[SweepRecords] = (),
) -> list[tuple[str, Path]]:
    """Write tables, figures, statistics, claims and the page.

    The runs of ``beside``, with other settings, have rows among accuracies and costs alone.
    """
    notes = what_it_saw(records)
    rows = rows_beside(records, beside) if beside else accuracy_rows(records)
    accuracy = readable(rows)
    how_to_read = [
        *(f"Rows with other settings: {' '.join(what_it_saw(other))}" for other in beside),
        "Percent; mean ± standard deviation (95% CI) over seeds. The paper's figures are on SVHN "
        "at full scale and without spread; in brackets ours minus the paper's.",
    ]
    title = "Table 2: accuracy of centralized and fog training"
    files = [
        ("Table 2", write_table(results, stem, title, accuracy, [*notes, *how_to_read])),
        ("Table 2, rows", write_rows(results, stem, rows)),
    ]
    figures = draw_figures(records, results / "figures", stem)
    overview = draw_overview(records, rows, results / "figures" / f"{stem}-overview.png")
    captioned = {f"{name}: {PER_EPOCH}": path for name, path in figures.items()}
    files += [("overview", overview), *figures.items()]

    analyses = {metric: analyse(records, metric, margin) for metric in (TEST, LOCAL)}
    statistics = {
        f"{heading}: {METRICS[metric]}": table
        for metric, analysis in analyses.items()
        for heading, table in _tables(analysis, margin).items()
    }
    statistics_stem = f"{stem}-statistics"
    files.append(
        (
            "statistics",
            write_table(
                results,
                statistics_stem,
                "Statistics of Table 2",
                statistics,
                [*notes, *ASSUMPTIONS],
            ),
        )
    )
    tests = pd.DataFrame(
        {"metric": metric, **dataclasses.asdict(comparison)}
        for metric, analysis in analyses.items()
        for comparison in (*analysis.fog, *analysis.models)
    )
    files.append(("statistics, rows", write_rows(results, statistics_stem, tests)))

    claims = pd.DataFrame(
        {
            "claim": claim.sentence,
            "the paper's table": f"**{claim.paper_verdict}**: {claim.paper_says}",
            "our runs": f"**{claim.our_verdict}**: {claim.ours_say}",
        }
        for claim in judge_claims(records, analyses[LOCAL], analyses[TEST], margin)
    )
    privacy = (
        "The paper measures no privacy, and neither do these runs: 1% noise is a blur, not "
        "differential privacy."
    )
    files.append(
        (
            "claims",
            write_table(
                results,
                f"{stem}-claims",
                "The paper's claims, tested",
                {"": claims},
                [*notes, privacy],
            ),
        )
    )
    costs = {
        "": cost_table(records),
        **{f"With {differing(records, other)}": cost_table(other) for other in beside},
        f"What {SEEDS} seeds would cost": estimate_table(records),
    }
    everything = [fact for sweep in (records, *beside) for fact in sweep.facts]
    machine_notes = [f"Machine: {name}." for name in machines(everything)]
    cost_notes = [NOTE, *machine_notes, *ESTIMATE_NOTES, *spread(records), *missing(records)]
    cost_stem = f"{stem}-costs"
    files.append(
        ("costs", write_table(results, cost_stem, "What it cost", costs, [*notes, *cost_notes]))
    )
    page = Page(
        title="Privacy preserving deep learning in fog computing: Table 2, repeated",
        lead=notes,
        sections=[
            Section("Accuracy", tables=accuracy, notes=how_to_read, pictures={OVERVIEW: overview}),
            *([Section("Figures 3 to 6", pictures=captioned)] if figures else []),
            Section("The paper's claims, tested", tables={"": claims}, notes=[privacy]),
            Section("What it cost", tables=costs, notes=cost_notes),
            Section("Statistics", tables=statistics, notes=list(ASSUMPTIONS)),
        ],
        facts=records.facts,
        command=f"fog-flower sweep {records.experiment.name} --scale {records.scale.name}",
    )
    path = results / "reports" / f"{stem}.html"
    files.append(("page", write_page(page, path)))
    return files


def _tables(analysis: Analysis, margin: float) -> dict[str, pd.DataFrame]:
    return {
        f"Fog minus centralized (margin {100 * margin:g} points)": comparison_table(analysis.fog),
        "CNN minus MLP": comparison_table(analysis.models),
        "Trend over 3, 5, 7 fog nodes": trend_table(analysis.trends),
    }
