"""Reports from records alone: tables, figures, claims, and the page in a real browser."""

import io
import json
import re
import shutil
import types
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from fog_flower.errors import UserError
from fog_flower.records.files import write_json
from simulations.experiments import EXPERIMENTS
from simulations.reports import literature
from simulations.reports.claims import judge_claims
from simulations.reports.cost_forecast import GPU_STEP, estimate_table, missing
from simulations.reports.decisions import decisions_of
from simulations.reports.experiment_report import write_report
from simulations.reports.figures_3_to_6 import _band
from simulations.reports.looks import line_look
from simulations.reports.paired_tests import analyse
from simulations.reports.save_figure import save_figure
from simulations.reports.statistics import Comparison
from simulations.reports.sweep_records import LOCAL, TEST, load_records
from simulations.sweep.execute import execute
from simulations.sweep.sweep_folder import left_out
from simulations.sweep.sweep_plan import plan_sweep
from tests.browser import browser_of
from tests.made_up_sweep import default_final, make_failed_sweep, make_sweep

TABLE2 = EXPERIMENTS["table2"]
REDUCED = TABLE2.scale("reduced")
MARGIN = 0.015


def report(folder: Path, results: Path, beside: tuple[Path, ...] = ()) -> dict[str, Path]:
    return dict(write_report(TABLE2, REDUCED, folder, results, MARGIN, beside))


@pytest.fixture
def no_pictures(monkeypatch):
    """Draw nothing: each picture is one pixel, where a test looks at texts and tables alone."""
    pixel = io.BytesIO()
    plt.imsave(pixel, np.zeros((1, 1)), format="png")

    def save(_figure, path, **_):
        Path(path).write_bytes(pixel.getvalue())

    monkeypatch.setattr(Figure, "savefig", save)


@pytest.fixture(scope="module")
def ten_seeds(tmp_path_factory):
    """Ten seeds; one run diverged, one failed."""
    base = tmp_path_factory.mktemp("ten")
    make_sweep(
        base / "reduced",
        range(10),
        diverged={("mlp-fog-3", 4)},
        failed={("cnn-fog-7", 9)},
    )
    return base / "reduced", base / "results", report(base / "reduced", base / "results")


def test_everything_is_written_where_it_should_be(ten_seeds):
    _, results, files = ten_seeds
    names = {str(path.relative_to(results)) for path in results.rglob("*") if path.is_file()}
    assert {"tables/table2.md", "tables/table2.csv", "reports/table2.html"} <= names
    assert {"figures/table2-overview.png", "figures/table2-overview.svg"} <= names
    for number in (3, 4, 5, 6):
        assert {f"figures/table2-figure-{number}.{kind}" for kind in ("png", "svg")} <= names
    assert all(path.is_file() for path in files.values())


def test_the_rows_are_right(ten_seeds):
    _, _, files = ten_seeds
    rows = pd.read_csv(files["Table 2, rows"]).set_index(["cell", "metric"])
    assert len(rows) == 8 * 4
    row = rows.loc[("mlp-fog-5", "test_accuracy")]
    values = [default_final("mlp-fog-5", seed) for seed in range(10)]
    assert row["mean"] == pytest.approx(np.mean(values))
    assert row["sd"] == pytest.approx(np.std(values, ddof=1))
    assert (row["seeds"], row["diverged"], row["failed"]) == (10, 0, 0)
    assert row["ci_low"] < row["mean"] < row["ci_high"]
    assert "not SVHN" in row["data"]
    paper = rows.loc[("mlp-fog-5", "local_validation_accuracy")]
    assert paper["paper"] == 0.8120
    assert paper["difference_to_paper"] == pytest.approx(paper["mean"] - 0.8120)


@pytest.mark.parametrize(
    "name", [name for name, one in EXPERIMENTS.items() if len(one.scales) == 1]
)
def test_a_sweep_whose_runs_have_all_failed_has_a_report(tmp_path, name):
    experiment = EXPERIMENTS[name]
    (scale,) = experiment.scales.values()
    make_failed_sweep(tmp_path / "sweep", experiment)
    files = dict(write_report(experiment, scale, tmp_path / "sweep", tmp_path, MARGIN, ()))
    assert "failed" in files["table"].read_text()


def test_diverged_and_failed_runs_are_counted_and_not_averaged(ten_seeds):
    _, _, files = ten_seeds
    rows = pd.read_csv(files["Table 2, rows"]).set_index(["cell", "metric"])
    diverged = rows.loc[("mlp-fog-3", "test_accuracy")]
    assert (diverged["seeds"], diverged["diverged"], diverged["failed"]) == (9, 1, 0)
    failed = rows.loc[("cnn-fog-7", "test_accuracy")]
    assert (failed["seeds"], failed["diverged"], failed["failed"]) == (9, 0, 1)
    assert "1 run diverged and 1 failed" in files["Table 2"].read_text()


def test_the_statistics_see_what_was_made_up(ten_seeds):
    folder, _, _ = ten_seeds
    analysis = analyse(load_records(TABLE2, REDUCED, folder), TEST, MARGIN)
    by_name = {c.first: c for c in analysis.fog}
    assert by_name["mlp-fog-7"].difference == pytest.approx(-0.04, abs=0.003)
    assert by_name["mlp-fog-7"].p_adjusted < 0.001
    assert by_name["mlp-fog-7"].p_equivalent_adjusted > 0.05
    assert by_name["mlp-fog-3"].p_equivalent_adjusted < 0.05
    assert by_name["mlp-fog-3"].n == 9
    assert all(c.difference == pytest.approx(0.2, abs=0.004) for c in analysis.models)
    assert [t.slope for t in analysis.trends] == pytest.approx([-0.0075] * 2, abs=0.001)
    for comparison in (*analysis.fog, *analysis.models):
        assert comparison.p_adjusted >= comparison.p


def test_the_claims_speak_of_the_paper_s_table_and_of_ours(ten_seeds):
    folder, _, files = ten_seeds
    records = load_records(TABLE2, REDUCED, folder)
    analyses = [analyse(records, metric, MARGIN) for metric in (LOCAL, TEST)]
    improves, similar, cnn, overfitting, quoted, falls = judge_claims(records, *analyses, MARGIN)
    assert (improves.paper_verdict, improves.our_verdict) == ("in part", "contradicted")
    assert "below in 6 of 6 cells" in improves.ours_say
    assert "MLP 3 nodes +5.16" in improves.paper_says
    assert "CNN 7 nodes -7.74" in improves.paper_says
    assert similar.our_verdict == "in part"
    assert (cnn.paper_verdict, cnn.our_verdict) == ("in part", "supported")
    # Made up: losses in training and validation, in percent of the former 10, 0.2 apart.
    assert overfitting.our_verdict == "in part"
    assert overfitting.paper_verdict == "cannot be told"
    assert "95% CI within 1% in 4 and outside of it in 4 of 8 cells" in overfitting.ours_say
    assert quoted.paper_verdict == "not supported"
    assert (falls.paper_verdict, falls.our_verdict) == ("supported", "supported")
    assert "blur, not differential privacy" in files["claims"].read_text()


def test_what_it_cost_by_hand(ten_seeds):
    _, _, files = ten_seeds
    text = files["costs"].read_text()
    table = [[cell.strip() for cell in line.split("|")] for line in text.splitlines()]
    row, estimate = [row for row in table if "mlp-fog-5" in row]
    # 60 images in 4 of 10 s; a third of the 3 s of evaluation is the test images'
    expected = ["10", "0.00", "15", "40.0%", "30.0%", "0.0%", "10.0%", "20.0%", "10.00"]
    assert row[2:-1] == expected
    assert "79 | 0.22 in all" in " ".join(text.split())
    # 3 rounds of 5 nodes with 2 batches of 12 images; 12 s of training; 500 s here
    assert estimate[2:-1] == ["0.00", "0.1", "30", "400.0", "0.0"]
    assert "2 cores of made up, 3.5 GiB" in text


def compute_in_bfloat16(run):
    facts = json.loads((run / "run.json").read_text())
    facts["nodes"]["precision"] = "bfloat16"
    write_json(run / "run.json", facts)


@pytest.mark.usefixtures("no_pictures")
def test_what_was_not_computed_in_float32_is_said(tmp_path):
    make_sweep(tmp_path / "reduced", [0])
    for cell in ("cnn-fog-3", "cnn-centralized"):
        compute_in_bfloat16(tmp_path / "reduced" / cell / "seed-0")
    text = report(tmp_path / "reduced", tmp_path / "results")["Table 2"].read_text()
    assert "Computed in bfloat16: cnn-centralized, cnn-fog-3." in text
    assert "float32" not in text


@pytest.mark.usefixtures("no_pictures")
def test_a_cell_of_two_precisions_says_which_seeds(tmp_path):
    make_sweep(tmp_path / "reduced", [0, 1, 2])
    for seed in (1, 2):
        compute_in_bfloat16(tmp_path / "reduced" / "cnn-fog-3" / f"seed-{seed}")
    text = report(tmp_path / "reduced", tmp_path / "results")["Table 2"].read_text()
    assert "Computed in bfloat16: cnn-fog-3 (only seed 1, 2)." in text


def test_an_estimate_takes_each_run_by_its_own_speed(tmp_path):
    make_sweep(tmp_path / "reduced", [0, 1])
    for path in (tmp_path / "reduced" / "mlp-fog-5").glob("*/run.json"):
        write_json(path, {**json.loads(path.read_text()), "seconds": 36000.0})
    rounds = tmp_path / "reduced" / "mlp-fog-5" / "seed-1" / "rounds.csv"
    table = pd.read_csv(rounds)
    table["train_seconds"] *= 5
    table.to_csv(rounds, index=False)
    estimate = estimate_table(load_records(TABLE2, REDUCED, tmp_path / "reduced"))
    row = estimate.set_index("cell").loc["mlp-fog-5"]
    # 30 batches in 12 and in 60 s; 500 hours x the seconds of a GPU / 12 s and / 60 s
    assert row["training, ms a batch"] == "1200.0"
    on_gpu = 30 * GPU_STEP["mlp"]
    assert row["hours, on one GPU"] == f"{500 * (on_gpu / 12 + on_gpu / 60) / 2:.1f}"


def test_an_estimate_by_hand(tmp_path):
    make_sweep(tmp_path / "reduced", [0])
    shutil.rmtree(tmp_path / "reduced" / "cnn-fog-7")
    for path in (tmp_path / "reduced").glob("*/*/run.json"):
        write_json(path, {**json.loads(path.read_text()), "seconds": 3600.0})
    records = load_records(TABLE2, REDUCED, tmp_path / "reduced")
    table = estimate_table(records).set_index("cell")
    assert list(table.loc["mlp-fog-5"])[:3] == ["1.00", "50.0", "30"]
    # 30 batches of 0.91 ms instead of 12 s: 50 hours x 0.0273 / 12
    assert table.loc["mlp-fog-5", "hours, on one GPU"] == f"{50 * 0.0273 / 12:.1f}"
    assert table.loc["all"].iloc[1] == "350.0"  # seven cells
    assert missing(records) == ["Without cnn-fog-7: not recorded yet."]


@pytest.mark.usefixtures("no_pictures")
def test_an_estimate_says_how_far_apart_the_recorded_hours_are(tmp_path):
    make_sweep(tmp_path / "reduced", [0, 1, 2])
    for path in (tmp_path / "reduced").glob("*/*/run.json"):
        hours = 1 + int(path.parent.name[-1])
        write_json(path, {**json.loads(path.read_text()), "seconds": 3600.0 * hours})
    files = report(tmp_path / "reduced", tmp_path / "results")
    # eight cells, 50 seeds, of 1 to 3 hours
    words = "as fast as the fastest recorded of their cell, 400 hours; as the slowest, 1,200."
    assert words in files["costs"].read_text()


def test_what_an_estimate_rests_on_is_what_was_measured():
    measured = Path(__file__).parents[1] / "results"
    steps = pd.read_csv(measured / "bench" / "step-time.csv").query("precision == 'float32'")
    medians = steps.groupby("model")["milliseconds"].median()
    assert {model: round(ms / 1000, 5) for model, ms in medians.items()} == GPU_STEP


@pytest.mark.usefixtures("no_pictures")
def test_costs_that_were_not_recorded_are_not_invented(tmp_path):
    base = tmp_path / "reduced"
    make_sweep(base, [0])
    for path in base.glob("*/*/run.json"):
        facts = json.loads(path.read_text())
        write_json(path, {k: v for k, v in facts.items() if k != "peak_memory_gib"})
    assert "not recorded" in report(base, tmp_path / "results")["costs"].read_text()


@pytest.mark.usefixtures("no_pictures")
def test_a_single_seed_has_no_interval_and_says_so(tmp_path):
    make_sweep(tmp_path / "reduced", [3])
    files = report(tmp_path / "reduced", tmp_path / "results")
    assert "1 (no CI)" in files["Table 2"].read_text()
    statistics = files["statistics"].read_text()
    assert "no CI" in statistics
    assert "nan" not in statistics.lower().replace("finance", "")
    assert "cannot be told" in files["claims"].read_text()
    rows = pd.read_csv(files["Table 2, rows"])
    assert rows["sd"].isna().all()


@pytest.mark.usefixtures("no_pictures")
def test_a_sweep_that_is_not_complete_is_reported_as_such(tmp_path):
    make_sweep(tmp_path / "reduced", range(3))
    for cell in ("cnn-fog-3", "cnn-fog-5", "cnn-fog-7", "mlp-centralized"):
        shutil.rmtree(tmp_path / "reduced" / cell)
    shutil.rmtree(tmp_path / "reduced" / "mlp-fog-5" / "seed-1")
    files = report(tmp_path / "reduced", tmp_path / "results")
    assert "Not complete; seeds of each cell: mlp-centralized " in files["Table 2"].read_text()
    assert "No ledger was recorded for any of 11 runs." in files["Table 2"].read_text()
    assert "No ledger was recorded for any of 11 runs." in files["page"].read_text()
    assert (
        "mlp-fog-5 2, mlp-fog-7 3, cnn-centralized 3, cnn-fog-3 0" in files["Table 2"].read_text()
    )
    assert "Figure 6" not in files
    assert "Figure 5" in files
    page = files["page"].read_text()
    assert ">Figures 4 and 5</h2>" in page
    assert "Figure 3 is not drawn: not all of its cells have run (mlp-centralized)." in page
    assert "--scale reduced --out " in page
    cells = "mlp-fog-3,mlp-fog-5,mlp-fog-7,cnn-centralized"
    assert f" --seeds 0-2 --only {cells}</code>" in page


def test_pictures_of_one_seed_claim_no_mean_and_no_spread(tmp_path):
    make_sweep(tmp_path / "reduced", [3])
    files = report(tmp_path / "reduced", tmp_path / "results")
    curves, overview = (
        files[name].with_suffix(".svg").read_text() for name in ("Figure 5", "overview")
    )
    assert "line: the accuracies of the seed" in curves
    assert "mean over seeds" not in curves + files["page"].read_text().partition("<body>")[2]
    assert "ours: test accuracy (1 seed)" in overview
    assert "the paper: validation accuracy" in overview
    statistics = files["statistics"].read_text()
    assert "difference, points" in statistics
    assert "p normal" not in statistics.partition("Cells are compared")[0]  # none has a figure


def test_no_two_lines_of_a_picture_are_alike_in_colour_or_in_grey():
    looks = [line_look(number) for number in range(30)]
    assert len({(str(look["color"]), str(look["linestyle"])) for look in looks}) == 30
    assert len({(str(look["linestyle"]), look["marker"]) for look in looks}) == 30


def test_a_run_that_lost_what_it_had_learnt_is_named_and_counts(tmp_path):
    make_sweep(tmp_path / "reduced", range(4))
    place = tmp_path / "reduced" / "mlp-fog-3" / "seed-1"
    rounds = pd.read_csv(place / "rounds.csv")
    rounds.loc[rounds["round"] == 2, "test_accuracy"] = 0.7
    rounds.loc[rounds["round"] == 3, "test_accuracy"] = 0.2
    rounds.to_csv(place / "rounds.csv", index=False)
    record = json.loads((place / "run.json").read_text())
    record["final"]["test_accuracy"] = 0.2
    write_json(place / "run.json", record)
    files = report(tmp_path / "reduced", tmp_path / "results")
    text = files["Table 2"].read_text()
    counts = pd.read_csv(files["Table 2, rows"]).groupby("cell")["collapsed"].max()
    assert counts[counts > 0].to_dict() == {"mlp-fog-3": 1}
    row = pd.read_csv(files["Table 2, rows"]).set_index(["cell", "metric"])
    kept = row.loc[("mlp-fog-3", "test_accuracy")]
    assert kept["seeds"] == 3
    assert kept["mean"] == pytest.approx(
        np.mean([default_final("mlp-fog-3", seed) for seed in (0, 2, 3)])
    )
    records = load_records(TABLE2, REDUCED, tmp_path / "reduced")
    by_name = {c.first: c for c in analyse(records, TEST, MARGIN).fog}
    assert (by_name["mlp-fog-3"].n, by_name["mlp-fog-5"].n) == (3, 4)
    svg = files["overview"].with_suffix(".svg").read_text()
    assert "1 of 4" in svg
    assert "collapsed" in svg
    said = files["claims"].read_text()
    # of six claims all but that of the centralized accuracies count it
    assert said.count("not in the tests: mlp-fog-3 (1 collapsed)") == 5
    assert (
        "Collapsed: mlp-fog-3, seed 1: test accuracy 20.00% after the last round, 70.00% after "
        "round 2."
    ) in text
    assert text.count("Collapsed") == 1


def test_a_run_that_an_attack_ruins_stays_in_the_mean(tmp_path):
    make_sweep(tmp_path / "reduced", range(1))
    place = tmp_path / "reduced" / "mlp-fog-3" / "seed-0"
    rounds = pd.read_csv(place / "rounds.csv")
    rounds.loc[rounds["round"] == 2, "test_accuracy"] = 0.7
    rounds.loc[rounds["round"] == 3, "test_accuracy"] = 0.2
    rounds.to_csv(place / "rounds.csv", index=False)
    assert load_records(TABLE2, REDUCED, tmp_path / "reduced").collapsed["mlp-fog-3"] == 1
    record = json.loads((place / "run.json").read_text())
    record["config"]["attack"] = "sign-flip"
    write_json(place / "run.json", record)
    records = load_records(TABLE2, REDUCED, tmp_path / "reduced")
    assert not records.collapses
    assert len(records.final("mlp-fog-3", TEST)) == 1


def test_of_two_seeds_no_report_has_a_spread_an_interval_or_an_effect(tmp_path):
    make_sweep(tmp_path / "reduced", range(2))
    files = report(tmp_path / "reduced", tmp_path / "results")
    for name in ("Table 2", "statistics", "claims"):
        tables = "".join(
            line for line in files[name].read_text().splitlines() if line.startswith("|")
        )
        assert not re.search(r"± ?\d|\.\d+ to [+-]?\d", tables), name
        assert "too few" not in tables
    assert " and " in files["Table 2"].read_text()
    assert files["claims"].read_text().count("**cannot be told**") >= 6
    statistics = pd.read_csv(files["statistics, rows"])
    assert statistics[["low", "high", "p", "effect"]].isna().all(axis=None)
    assert "no band with fewer than 3" in files["Figure 3"].with_suffix(".svg").read_text()


def test_bands_of_figures_end_at_0_and_1():
    low, high = _band(pd.Series([0.0, 0.1, 0.9]))
    assert (low, high > 0.5) == (0.0, True)
    assert _band(pd.Series([0.1, 1.0, 1.0]))[1] == 1.0
    assert all(np.isnan(_band(pd.Series([0.4, 0.6]))))


@pytest.mark.usefixtures("no_pictures")
def test_images_that_were_drawn_differently_are_told(tmp_path):
    make_sweep(tmp_path / "reduced", range(2))
    files = report(tmp_path / "reduced", tmp_path / "results")
    assert "drawn on" not in files["Table 2"].read_text()
    path = tmp_path / "reduced" / "cnn-fog-3" / "seed-1" / "run.json"
    record = json.loads(path.read_text())
    write_json(path, {**record, "data": {**record["data"], "sha256": "0"}})
    text = report(tmp_path / "reduced", tmp_path / "results")["Table 2"].read_text()
    assert "rendered-digits-60+30-seed1 were drawn on 2 kinds of processors" in text


def test_a_sweep_with_other_settings_has_rows_of_its_own(tmp_path):
    make_sweep(tmp_path / "reduced", range(2))
    alone = report(tmp_path / "reduced", tmp_path / "alone")
    cosine = {"learning-rate": 0.05, "learning-rate-schedule": "cosine"}
    make_sweep(
        tmp_path / "cosine", range(3), final=lambda cell, seed: 0.9 + seed / 100, overrides=cosine
    )
    make_sweep(tmp_path / "short", range(1), overrides={"num-server-rounds": 3})
    beside = (tmp_path / "cosine", tmp_path / "short")
    files = report(tmp_path / "reduced", tmp_path / "results", beside)
    rows = pd.read_csv(files["Table 2, rows"], keep_default_na=False)
    assert rows["settings"].value_counts().to_dict() == {
        "": 32,
        "learning-rate=0.05, learning-rate-schedule=cosine": 32,
        "num-server-rounds=3": 32,
    }
    text = files["Table 2"].read_text()
    (line,) = [
        line
        for line in text.partition("## CNN")[0].splitlines()
        if "| fog, 5 nodes; learning-rate=0.05, learning-rate-schedule=cosine " in line
    ]
    assert "| 91.00 ± 1.00 " in line
    assert "Rows with other settings: Data: " in text
    for name in ("statistics", "claims"):
        assert files[name].read_text() == alone[name].read_text()
    costs = files["costs"].read_text()
    assert "## With learning-rate=0.05, learning-rate-schedule=cosine\n" in costs
    _, _, short = costs.partition("## With num-server-rounds=3\n")
    assert "| mlp-fog-3       | 1      | 0.00 " in short.partition("##")[0]
    assert left_out(tmp_path / "reduced", []) == sorted(beside)
    assert left_out(tmp_path / "reduced", beside) == []
    assert files["overview"].read_bytes() != alone["overview"].read_bytes()


@pytest.mark.usefixtures("no_pictures")
def test_settings_of_our_own_stand_beside_under_their_scale(tmp_path):
    make_sweep(tmp_path / "reduced", range(1))
    make_sweep(tmp_path / "ours", range(1))
    plan = {"experiment": "table2", "scale": "ours", "overrides": {}}
    write_json(tmp_path / "ours" / "sweep.json", plan)
    full = TABLE2.scale("full")
    write_json(tmp_path / "reduced" / "sweep.json", {**plan, "scale": "full"})
    ours = (tmp_path / "ours",)
    files = dict(
        write_report(TABLE2, full, tmp_path / "reduced", tmp_path / "results", MARGIN, ours)
    )
    rows = pd.read_csv(files["Table 2, rows"], keep_default_na=False)
    assert rows["settings"].value_counts().to_dict() == {"": 32, "--scale ours": 32}
    assert "| fog, 5 nodes; --scale ours " in files["Table 2"].read_text()


def test_sweeps_of_one_model_beside_take_no_room_in_the_other_s_panel(tmp_path, monkeypatch):
    drawn = []

    def save(figure, path, **settings):
        drawn.append(figure)
        return save_figure(figure, path, **settings)

    monkeypatch.setattr("simulations.reports.overview.save_figure", save)
    make_sweep(tmp_path / "reduced", range(2))
    for rounds, model in enumerate(("mlp", "mlp", "cnn", "cnn"), start=3):
        make_sweep(tmp_path / f"{rounds}", range(1), overrides={"num-server-rounds": rounds})
        for cell in (tmp_path / f"{rounds}").glob("*-*"):
            if not cell.name.startswith(model):
                shutil.rmtree(cell)
    report(
        tmp_path / "reduced", tmp_path / "results", tuple(tmp_path / f"{n}" for n in range(3, 7))
    )
    (figure,) = drawn
    for panel in figure.axes:
        markers = [line for line in panel.lines if line.get_marker() in "sD^v"]
        places = np.concatenate([line.get_xdata() for line in markers])
        assert len({*places}) == 3 * 4  # three series, four cells
        assert places.max() < panel.get_xlim()[1]
    assert len(figure.legends[0].get_texts()) == 1 + 5


def test_one_cell_alone_is_told_in_whole_sentences_and_within_100_percent(tmp_path):
    make_sweep(tmp_path / "reduced", range(3), final=lambda cell, seed: 0.2 + 0.39 * seed)
    for cell in (tmp_path / "reduced").glob("*-*"):
        if cell.name != "mlp-fog-3":
            shutil.rmtree(cell)
    files = report(tmp_path / "reduced", tmp_path / "results")
    for name in ("claims", "Table 2", "statistics", "costs"):
        text = files[name].read_text()
        assert not re.search(r":\s*(\||;|$|\n)", text.replace(":--", "").replace("--:", ""))
        assert "0.0 hours" not in text
    rows = pd.read_csv(files["Table 2, rows"])
    assert rows["ci_low"].min() >= 0.0
    assert rows["ci_high"].max() == 1.0
    table = files["Table 2"].read_text()
    assert "A confidence interval that would leave 0 to 100% ends there." in table
    assert "to 100.00)" in table
    assert "30 seconds of computing" in table


def test_figures_say_whose_validation_it_is_and_of_how_many_images(tmp_path):
    make_sweep(tmp_path / "reduced", range(1))
    for cell in ("mlp-centralized", "mlp-fog-3"):
        path = tmp_path / "reduced" / cell / "seed-0" / "run.json"
        record = json.loads(path.read_text())
        config = {**record["config"], "local-validation-examples": 500}
        data = {**record["data"], "validation_examples": 10_000}
        write_json(path, {**record, "config": config, "data": data})
    files = report(tmp_path / "reduced", tmp_path / "results")
    drawn = {name: path.with_suffix(".svg") for name, path in files.items() if "Figure" in name}
    texts = {name: path.read_text() for name, path in drawn.items()}
    told = {name for name, text in texts.items() if "500 images a round, of all 10,000" in text}
    assert told == {"Figure 3", "Figure 5"}
    local = {name for name, text in texts.items() if "mean of local models" in text}
    assert local == {"Figure 5", "Figure 6"}


def test_a_sweep_beside_must_fit_and_differ(tmp_path):
    make_sweep(tmp_path / "reduced", range(2))
    make_sweep(tmp_path / "same", range(2))
    with pytest.raises(UserError, match="same: its runs have the same settings as those in"):
        report(tmp_path / "reduced", tmp_path / "results", (tmp_path / "same",))
    plan = {"experiment": "table2", "scale": "full", "overrides": {"num-server-rounds": 3}}
    write_json(tmp_path / "same" / "sweep.json", plan)
    with pytest.raises(UserError, match="holds table2 at scale full, not table2 at scale reduced"):
        report(tmp_path / "reduced", tmp_path / "results", (tmp_path / "same",))
    with pytest.raises(UserError, match="nothing: is not the folder of a sweep"):
        report(tmp_path / "reduced", tmp_path / "results", (tmp_path / "nothing",))


def test_nothing_recorded_is_an_error_that_names_the_command(tmp_path):
    with pytest.raises(UserError, match="fog-flower sweep table2 --scale reduced"):
        report(tmp_path / "reduced", tmp_path / "results")


def test_the_same_records_make_the_same_files(ten_seeds, tmp_path):
    folder, results, files = ten_seeds
    report(folder, tmp_path / "again")
    for path in files.values():
        again = tmp_path / "again" / path.relative_to(results)
        assert again.read_bytes() == path.read_bytes(), path.name


@pytest.mark.usefixtures("no_pictures")
def test_another_folder_does_not_overwrite_the_default_s_files(tmp_path):
    make_sweep(tmp_path / "full", range(2))
    files = report(tmp_path / "full", tmp_path / "results")
    assert files["Table 2"].name == "table2-full.md"


def test_the_page_needs_nothing_else(ten_seeds):
    _, _, files = ten_seeds
    text = files["page"].read_text()
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", text)
    assert "<script" not in text
    assert text.count("data:image/svg+xml;base64,") == 5
    assert "not SVHN" in text


@pytest.mark.parametrize("width", [390, 1300])
def test_the_page_in_a_real_browser(ten_seeds, tmp_path, width):
    from selenium.webdriver.common.by import By

    with browser_of(width, tmp_path / "profile") as page:
        page.get(ten_seeds[2]["page"].as_uri())
        assert page.get_log("browser") == []
        pictures = page.find_elements(By.TAG_NAME, "img")
        assert len(pictures) == 5
        assert all(int(picture.get_property("naturalWidth")) > 100 for picture in pictures)
        # Nothing sticks out of the screen: what is wide scrolls in its own frame.
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        loaded = page.execute_script("return performance.getEntriesByType('resource').length")
        assert loaded <= 6  # the five pictures and the icon, all from data: addresses
        for link in page.find_elements(By.CSS_SELECTOR, "nav a"):
            target = link.get_attribute("href").rpartition("#")[2]
            assert page.find_element(By.ID, target).is_displayed()
        assert "fog, 7 nodes" in page.find_element(By.TAG_NAME, "body").text


def test_the_page_begins_with_what_was_found(ten_seeds):
    _, _, files = ten_seeds
    text = files["page"].read_text().partition("<body>")[2]
    found = text.index('<p class="finding">Test accuracy on rendered-digits')
    assert found < text.index("<img ") < text.index("<table") < text.index("<h2")
    made = text.index("How it was made</h2>")
    assert text.index("Scale: ") > made  # caveats and settings come last
    assert text.index("Runs: 80, of seeds 0 to 9") > made
    sentence = text[found:].partition("</p>")[0]
    values = [default_final("mlp-fog-5", seed) for seed in range(10)]
    assert f"fog, 5 nodes: {100 * np.mean(values):.2f}%" in sentence


@pytest.mark.usefixtures("no_pictures")
def test_the_other_experiments_from_real_runs(tmp_path, npz_path):
    common = {
        "dataset": f"npz:{npz_path}",
        "train-examples": 126,
        "validation-examples": 60,
        "test-examples": 60,
        "model": "tests.small_models:small_mlp",
    }
    for name in ("table1", "uploads", "precision"):
        experiment = EXPERIMENTS[name]
        scale = experiment.scale("reduced")
        folder = tmp_path / name / "reduced"
        short = {} if name == "uploads" else {"num-server-rounds": 2}  # its cells have their own
        only = "mlp" if name == "precision" else ""
        plan = plan_sweep(experiment, scale, (0,), only, common | short, folder)
        assert set(execute(plan, "inline", lambda progress: None)) == {"finished"}
        files = dict(write_report(experiment, scale, folder, tmp_path / "results", MARGIN))
        assert all(path.is_file() for path in files.values())
    sizes = pd.read_csv(tmp_path / "results" / "tables" / "table1.csv")
    assert list(sizes["images_per_fog_node"]) == ["42", "25 to 26", "18"]
    assert list(sizes["images_per_end_node"]) == ["7", "4 to 5", "3"]
    uploads = pd.read_csv(tmp_path / "results" / "tables" / "uploads.csv")
    assert set(uploads["cell"]) == {
        f"{model}-{upload}" for model in ("mlp", "cnn") for upload in ("per-epoch", "epoch-mean")
    }
    text = (tmp_path / "results" / "tables" / "precision.md").read_text()
    assert "mixed bfloat16" in text
    assert "| mlp-bfloat16 | mlp-float32 |" in " ".join(text.split())
    assert "(margin 1.5 points)" in text


@pytest.mark.usefixtures("no_pictures")
def test_what_privacy_costs_from_real_runs(tmp_path, npz_path):
    common = {
        "dataset": f"npz:{npz_path}",
        "features": "none",
        "train-examples": 490,
        "validation-examples": 60,
        "test-examples": 60,
        "num-server-rounds": 2,
        "learning-rate": 1.0,
    }
    tables = {}
    for name, scale, only in (
        ("epsilon", "full", "patches-epsilon-none,patches-epsilon-3"),
        ("trilemma", "reduced", "2-epsilon-none,2-epsilon-3"),
    ):
        experiment = EXPERIMENTS[name]
        folder = tmp_path / name / scale
        plan = plan_sweep(experiment, experiment.scale(scale), (0, 1), only, common, folder)
        assert set(execute(plan, "inline", lambda progress: None)) == {"finished"}
        write_report(experiment, experiment.scale(scale), folder, tmp_path / "results", MARGIN)
        stem = name if scale == "reduced" else f"{name}-{scale}"
        assert (tmp_path / "results" / "figures" / f"{stem}.png").is_file()
        rows = pd.read_csv(tmp_path / "results" / "tables" / f"{stem}.csv")
        tables[name] = rows.set_index("cell")
        text = (tmp_path / "results" / "tables" / f"{stem}.md").read_text()
        assert "not private" in text
        assert ", seeded |" in text.partition("What the ledger promises")[2].partition("Data:")[0]
        assert "**Noise was drawn from the run's seed:" in text.partition("## The ledger")[2]
    private = tables["epsilon"].loc["patches-epsilon-3"]
    assert private["promised"] == pytest.approx(3.0, abs=0.05)
    assert np.isinf(tables["epsilon"].loc["patches-epsilon-none", "promised"])
    assert private["seeds"] == 2
    gated = tables["trilemma"].loc["gate-2-epsilon-none"]
    assert gated["malicious"] == 2
    assert 0.0 <= gated["honest_refused"] <= 1.0
    assert tables["trilemma"].loc["FedAvg-2-epsilon-none", "malicious_refused"] == 0.0


def test_systems_of_the_literature_from_real_runs(tmp_path, npz_path):
    common = {
        "dataset": f"npz:{npz_path}",
        "model": "mlp-narrow",
        "train-examples": 126,
        "validation-examples": 60,
        "test-examples": 60,
        "num-server-rounds": 1,
    }
    experiment = EXPERIMENTS["literature"]
    scale, folder = experiment.scale("reduced"), tmp_path / "literature" / "reduced"
    only = "dense-fog-3,selective-0.1-fog-3,masked-fog-3,dense-mlp-fog-3,projection-fog-3"
    plan = plan_sweep(experiment, scale, (0,), only, common, folder)
    assert set(execute(plan, "inline", lambda progress: None)) == {"finished"}
    files = dict(write_report(experiment, scale, folder, tmp_path / "results", MARGIN))
    rows = pd.read_csv(files["rows"]).set_index("system")["bytes_share"]
    selective, masked = (
        next(share for name, share in rows.items() if part in name)
        for part in ("theta 0.1", "Phong")
    )
    assert 0.1 < selective < 0.2
    assert masked == pytest.approx(1.0, abs=0.01)
    assert 0.1 < rows["MLP, random projection alone"] < 0.2  # 384 of 3,072 inputs
    text = files["table"].read_text()
    assert "masks in the place of homomorphic encryption" in text
    assert "No release of these 5 runs promises any privacy: shipment: inputs;" in text
    assert "abadi" not in text.lower().partition("what is said")[0]  # not run
    (line,) = [line for line in text.splitlines() if line.startswith("| a tenth of dW is enough")]
    assert "cannot be told" in line  # from one seed
    one, other = (
        pd.read_csv(files["rows"]).set_index("cell")["test"][f"{name}-fog-3"]
        for name in ("selective-0.1", "dense")
    )
    assert f"{100 * (one - other):+.2f} (no CI)" in line


def test_an_update_that_never_arrived_was_not_refused():
    updates = pd.DataFrame(
        {
            "cell": "one",
            "fog_node": [0, 1, 2, 0, 1, 2],
            "accepted": [True, False, False, False, True, False],
            "reason": ["", "missing or late", "harms", "harms", "", "failed: out of memory"],
        }
    )
    records, cell = types.SimpleNamespace(updates=updates), types.SimpleNamespace(name="one")
    honest, malicious = decisions_of(records, cell, 1)
    assert (list(honest), list(malicious)) == ([False, True, False], [True])


def test_a_claim_holds_where_every_interval_is_above_the_margin():
    def found(*intervals):
        return [Comparison("a", "b", 3, sum(pair) / 2, *pair) for pair in intervals]

    kept, lost, unsure = (-0.009, 0.004), (-0.05, -0.02), (-0.02, 0.01)
    assert literature._verdict(found(kept, kept), 0.01) == "holds"
    assert literature._verdict(found(lost, lost), 0.01) == "does not hold"
    for pairs in ((kept, lost), (kept, unsure), (lost, unsure)):
        assert literature._verdict(found(*pairs), 0.01) == "cannot be told"
    assert literature._verdict([Comparison("a", "b", 2, 0.0)], 0.01) == "cannot be told"


def test_what_an_end_node_shares_from_real_runs_and_an_audit(tmp_path, npz_path):
    common = {
        "dataset": f"npz:{npz_path}",
        "model": "tests.small_models:small_mlp",
        "train-examples": 126,
        "validation-examples": 60,
        "test-examples": 60,
        "num-server-rounds": 1,
    }
    experiment = EXPERIMENTS["sharing"]
    scale, folder = experiment.scale("reduced"), tmp_path / "sharing" / "reduced"
    only = "share-1-noise-0.5,share-0.5-noise-0.5"
    plan = plan_sweep(experiment, scale, (0,), only, common, folder)
    assert set(execute(plan, "inline", lambda progress: None)) == {"finished"}
    finding = {"attack": "as shipped", "measure": "re-identified among 40", "value": 0.75}
    (folder / "share-1-noise-0.5" / "audit").mkdir()
    write_json(
        folder / "share-1-noise-0.5" / "audit" / "audit.json",
        {"audits": {"shipments": {"findings": [finding]}}},
    )
    files = dict(write_report(experiment, scale, folder, tmp_path / "results", MARGIN))
    lines = [line.split("|") for line in files["table"].read_text().splitlines()]
    (row,) = [
        [cell.strip() for cell in line] for line in lines if line[1:2] and line[1].strip() == "0.5"
    ]
    assert row[2] != "-" != row[3]
    assert row[4:6] == ["-", "-"]  # a quarter and a tenth were not run
    assert "75.0" in row
    text = files["table"].read_text()
    assert (
        "Not audited: noise 0.1. `fog-flower audit results/sharing/reduced/share-1-noise-0.1"
        in text
    )
    assert "The final W on each fog node's own data" in text
    runs = [json.loads(p.read_text()) for p in sorted(folder.glob("*/seed-0/run.json"))]
    half, whole = (run["data"]["shared_examples"] for run in runs)
    assert (half < 0.7 * whole, whole) == (True, 126)


def test_central_dp_from_real_runs(tmp_path, npz_path):
    common = {
        "dataset": f"npz:{npz_path}",
        "features": "none",
        "model": "tests.small_models:small_mlp",
        "fog-nodes": 6,
        "train-examples": 126,
        "validation-examples": 60,
        "test-examples": 60,
        "num-server-rounds": 1,
    }
    experiment = EXPERIMENTS["central-dp"]
    scale, folder = experiment.scale("reduced"), tmp_path / "central-dp" / "reduced"
    plan = plan_sweep(experiment, scale, (0,), "central-1,gated-1", common, folder)
    assert set(execute(plan, "inline", lambda progress: None)) == {"finished"}
    files = dict(write_report(experiment, scale, folder, tmp_path / "results", MARGIN))
    rows = pd.read_csv(files["rows"]).set_index("cell")
    assert rows.loc["central-1", "promised"] == pytest.approx(8.0, abs=0.05)
    assert np.isinf(rows.loc["gated-1", "promised"])  # one dW decides about others
    assert rows.loc["central-1", ["honest", "malicious"]].tolist() == [5, 1]
    assert rows.loc["central-1", ["honest_refused", "malicious_refused"]].tolist() == [0, 0]
    text = files["table"].read_text()
    assert "central-dp behind the gate, 1 of 60 malicious" in text
    assert "| nothing" in text
    assert "**Noise was drawn from the run's seed:" in text.partition("## The ledger")[2]
    assert "one fog node's dW, add or remove" in text
