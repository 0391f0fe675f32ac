"""Strategies against attacks: the grid, its runs, and what is reported of them."""

import io
import json
import re
import shlex
import shutil
from pathlib import Path

import pandas as pd
import pytest

from fog_flower.errors import UserError
from simulations.cli import compare as compare_command
from simulations.cli.sweep_display import print_plan
from simulations.cli.terminal import Terminal
from simulations.experiments.attack_grid import (
    COMPARE_SCALE,
    Federation,
    comparison,
    parse_attacks,
    parse_federations,
)
from simulations.overrides import configure_settings, parse_settings
from simulations.reports.attack_grid import write_comparison
from simulations.reports.attack_grid.commands import compare_commands
from simulations.reports.attack_grid.grid_goals import goal_table, measured_cells, short_table
from simulations.reports.attack_grid.grid_records import (
    WORST_CLASS,
    ComparisonRecords,
    load_comparison,
)
from simulations.reports.attack_grid.grid_tables import decision_table, worst_table
from simulations.reports.attack_grid.kept_tables import without_kept
from simulations.reports.formats import points
from simulations.reports.save_figure import save_figure
from simulations.sweep.check_code import check_all_code
from simulations.sweep.execute import execute
from simulations.sweep.sweep_folder import note_start, recorded_status, set_aside_changed
from simulations.sweep.sweep_plan import STAGING, parse_seeds, plan_sweep
from tests.runs import column, ending_in_round, figures


@pytest.fixture
def overrides(overrides):
    return overrides | {"local-validation-examples": 0, "reference-examples": 60, "end-nodes": 1}


def test_federations_and_attacks():
    assert parse_federations("7:3, 3:1,7:3") == (Federation(7, 3), Federation(3, 1))
    assert parse_attacks("alie=2.5,nan") == ("alie=2.5", "nan")
    for text in ("7", "7:8", "0:0", "a:b", "7:-1"):
        with pytest.raises(UserError, match="--malicious"):
            parse_federations(text)
    for text in ("nope", "alie=x", "alie=0"):
        with pytest.raises(UserError, match="--attacks"):
            parse_attacks(text)


def test_every_cell_says_what_it_is():
    names = (
        "gate,gate=open,FedAvg,honest,gate+FedMedian,gate=zeno+FedAdam,Krum,FedTrimmedAvg,FLTrust"
    )
    experiment, left_out = comparison(names, "sign-flip,alie=2.5", "7:2,7:3,7:0")
    for cell in experiment.cells:  # and its runs do it
        config = configure_settings({**COMPARE_SCALE.settings["any"], **cell.settings})
        nodes, malicious, attack, strategy = cell.tags.values()
        assert (config.fog_nodes, len(config.malicious_nodes)) == (nodes, malicious)
        assert (config.gate != "off") == str(strategy).startswith("gate")
        strength = f"={config.attack_strength:g}" if config.attack_strength else ""
        done = "honest" if strategy == "honest" else f"{config.attack}{strength}"
        assert done == attack
        assert (config.attack == "crash") == (strategy == "honest")
    described = [tuple(cell.tags.values()) for cell in experiment.cells]
    assert len(set(described)) == len(experiment.cells)
    assert (7, 3, "alie=2.5", "gate=learned") in described
    assert (7, 2, "sign-flip", "Krum") in described
    assert (7, 2, "sign-flip", "gate=zeno+FedAdam") in described
    assert left_out == [
        "Krum is not defined for 3 malicious of 7 fog nodes: it needs 9",
        "attack sign-flip with 7:0: nobody is malicious, so it is made as `none`",
        "honest is FedAvg where no fog node is malicious",
        "attack alie=2.5 with 7:0: nobody is malicious, so it is made as `none`",
    ]
    # the honest are the same whatever the attack, and without malicious nodes there is none
    assert [d for d in described if d[3] == "honest"] == [
        (7, 2, "honest", "honest"),
        (7, 3, "honest", "honest"),
    ]


def test_a_cloud_that_trains_stands_beside_one_that_does_not():
    names = "gate=trusted,gate+cloud,gate=learned+Krum+cloud,FedAvg+cloud,"
    names += "honest,honest+cloud,cloud-alone"
    experiment, left_out = comparison(names, "sign-flip,nan", "7:2", 500)
    assert left_out == []
    cells = {cell.name: cell for cell in experiment.cells}
    assert len(cells) == 2 * 4 + 3  # what there is to reach is the same whatever the attack
    for name, cell in cells.items():
        settings = {**COMPARE_SCALE.settings["any"], **cell.settings}
        config = configure_settings(settings)
        trains = "cloud" in name
        assert config.cloud_examples == (500 if trains else 0)
        assert (
            config.gate
            == {
                "gate=trusted": "trusted",
                "gate=learned+cloud": "learned",
                "gate=learned+Krum+cloud": "learned",
                "FedAvg+cloud": "open",
                "honest": "off",
                "honest+cloud": "open",
                "cloud-alone": "cloud-alone",
            }[str(cell.tags["strategy"])]
        )
        assert config.strategy == ("Krum" if "Krum" in name else "FedAvg")
    experiment, left_out = comparison("gate+cloud,cloud-alone,honest", "sign-flip", "3:3")
    assert [cell.label for cell in experiment.cells] == ["gate=learned+cloud", "cloud-alone"]
    assert left_out == ["honest is nobody where all fog nodes are malicious"]
    _, left_out = comparison(names, "none", "7:0")
    assert left_out == [
        "honest is FedAvg where no fog node is malicious",
        "honest+cloud is FedAvg+cloud where no fog node is malicious",
    ]


def test_with_a_cloud_the_better_of_two_is_to_be_reached(tmp_path, overrides):
    names = "gate=open,FedAvg+cloud,gate=learned+cloud,honest,honest+cloud,cloud-alone"
    experiment, _ = comparison(names, "nan", "3:1", 60)
    settings = overrides | {"gate-args": "", "num-server-rounds": 1}
    plan = plan_sweep(experiment, COMPARE_SCALE, (0, 1, 2), "", settings, tmp_path)
    assert execute(plan, "inline", lambda _: None) == ["finished"] * 18
    text = dict(write_comparison(tmp_path))["table"].read_text()
    without_kept(plan)  # the tables that are there now are this plan's: it goes on from them
    runs = load_comparison(tmp_path).runs
    means = runs.groupby("strategy")["test_accuracy"].mean()
    for name, words in (("honest", "the honest nodes alone"), ("cloud-alone", "the cloud alone")):
        assert f"; {words}: {100 * means[name]:.2f}" in text
    better = means["gate=learned+cloud"] - means[["honest", "cloud-alone"]].max()
    assert "gate=learned+cloud minus the better one" in text
    assert f"{points(better)} (" in text
    assert "gate=open minus honest" in text
    records = load_comparison(tmp_path)
    cells = measured_cells(records)
    reached = goal_table(cells, records).set_index(["strategy", "cells"])
    goals = reached.loc["gate=learned+cloud"]["goal"]
    assert goals["all"] == "-1.00 to the better one alone"
    assert goals["at least half honest"].startswith("+2.00 to the better")
    assert reached.loc["gate=learned+cloud", "all"]["reached"] == f"{int(better >= -0.01)} of 1"
    missed = short_table(cells)
    assert (len(missed[missed["gate"] == "gate=learned+cloud"]) > 0) == (better < 0.02)


def test_a_gate_has_arguments_of_its_own_and_what_is_the_same_is_made_once():
    names = "gate,gate+FedAvg,gate=trusted,gate=learned(slack=0,error=0.05)+Krum,gate=learned"
    experiment, _ = comparison(names, "sign_flip,SIGN-FLIP,sign-flip", "7:2")
    cells = {str(cell.tags["strategy"]): cell.settings for cell in experiment.cells}
    assert list(cells) == ["gate=learned", "gate=trusted", "gate=learned(slack=0,error=0.05)+Krum"]
    own = cells["gate=learned(slack=0,error=0.05)+Krum"]
    assert (own["gate"], own["gate-args"], own["strategy"]) == (
        "learned",
        "slack=0,error=0.05",
        "Krum",
    )
    assert "gate-args" not in cells["gate=learned"]
    assert {cell.tags["attack"] for cell in experiment.cells} == {"sign-flip"}


def test_a_strategy_has_arguments_of_its_own():
    names = "Krum,Krum(num_malicious_nodes=0),gate+FedAdam(eta=0.5),mine:Own(a=1,b=2)"
    experiment, _ = comparison(names, "sign-flip", "7:2")
    told = {
        str(cell.tags["strategy"]): (cell.settings["strategy"], cell.settings["strategy-args"])
        for cell in experiment.cells
    }
    assert told == {
        "Krum": ("Krum", "num_malicious_nodes=2"),
        "Krum(num_malicious_nodes=0)": ("Krum", "num_malicious_nodes=0"),
        "gate=learned+FedAdam(eta=0.5)": ("FedAdam", "eta=0.5,tau=0.001"),
        "mine:Own(a=1,b=2)": ("mine:Own", "a=1,b=2"),
    }
    with pytest.raises(UserError, match="close the parenthesis"):
        comparison("Krum(", "sign-flip", "7:2")


@pytest.mark.parametrize("name", ["gate=nope", "gate=off", "gate=nope+FedAdam"])
def test_a_gate_that_is_not_there_is_an_error(name):
    with pytest.raises(UserError, match=r"gate=.*there is no gate .*greedy"):
        comparison(name, "nan", "3:1")


def test_robust_rules_are_told_how_many_are_malicious():
    experiment, _ = comparison("Krum,MultiKrum,FedTrimmedAvg", "nan", "7:2")
    told = {cell.label: cell.settings["strategy-args"] for cell in experiment.cells}
    assert told["Krum"] == "num_malicious_nodes=2"
    assert told["MultiKrum"] == "num_malicious_nodes=2,num_nodes_to_select=5"
    beta = float(told["FedTrimmedAvg"].partition("=")[2])
    assert int(beta * 7) == 2


def test_the_plan_shows_every_setting_and_what_strategies_get_by_themselves(tmp_path):
    grid, _ = comparison("gate,Krum,Krum(num_malicious_nodes=1),FedAvg+cloud", "nan", "7:2")
    plan = plan_sweep(grid, COMPARE_SCALE, (0,), "", {"batch-size": 16}, tmp_path)
    shown = io.StringIO()
    print_plan(Terminal(file=shown, width=240), plan, "inline")
    text = " ".join(shown.getvalue().split())
    assert text.count("strategy-args=num_malicious_nodes=2") == 1
    assert "strategy-args=num_malicious_nodes=1" not in text  # its name says so
    assert "cloud-examples=3000" in text
    told = text.partition("settings of every run, where they are not the default: ")[2].split()
    assert {"dataset=rendered-digits", "normalisation=fitted", "batch-size=16"} <= {*told}


def test_the_page_names_the_commands_that_make_its_runs(tmp_path):
    """Typed again, they plan the same runs with the same settings."""
    grid, _ = comparison("gate,Krum,FedAvg+cloud,honest", "nan,alie=2.5", "7:2,7:0", 500)
    typed = {"batch-size": 16, "partition": "dirichlet:0.1", "num-server-rounds": 2}
    plan = plan_sweep(grid, COMPARE_SCALE, (0, 1, 2), "", typed, tmp_path)
    config = plan.runs[0].config.to_run_config()
    arguments = {cell.name: cell.settings for cell in grid.cells}
    rows = [
        {
            **run.cell.tags,
            "seed": run.seed,
            "arguments": f"cloud-examples={arguments[run.cell.name].get('cloud-examples', '')}",
        }
        for run in plan.runs
    ]
    for row in rows:
        row["arguments"] *= row["arguments"][-1].isdigit()
    records = ComparisonRecords(
        pd.DataFrame(rows), pd.DataFrame(), pd.DataFrame(), [{"config": config}]
    )
    again = set()
    for command in compare_commands(records, tmp_path):
        words = shlex.split(command)
        options = dict(zip(words[2:12:2], words[3:12:2], strict=True))
        settings = parse_settings(words[12:])
        cloud = settings.pop("cloud-examples")
        made, _ = comparison(
            options["--strategies"], options["--attacks"], options["--malicious"], cloud
        )
        seeds = parse_seeds(options["--seeds"])
        found = plan_sweep(made, COMPARE_SCALE, seeds, "", settings, tmp_path)
        again |= {(run.name, tuple(run.config.to_run_config().items())) for run in found.runs}
    assert again == {(run.name, tuple(run.config.to_run_config().items())) for run in plan.runs}


def test_a_rate_that_is_the_same_in_all_seeds_has_no_interval_of_width_0():
    told = {}
    for refused in ((0, 0, 0, 0), (0, 0, 0, 2), (0, 0)):
        seeds = range(len(refused))
        runs = pd.DataFrame(
            {"strategy": "gate=learned", "attack": "none", "seed": seeds, "status": "finished"}
        ).assign(honest_rejected=refused, honest_updates=10)
        runs = runs.assign(malicious_rejected=0, malicious_updates=0)
        updates = runs[["strategy", "attack", "seed"]].assign(is_malicious=False, reason="")
        records = ComparisonRecords(runs, pd.DataFrame(), updates, [])
        table = decision_table(records)
        told[refused] = table["honest refused"].item()
        assert table["precision"].item() == "-"  # nobody attacks
    assert told[0, 0, 0, 0] == "0.0% of 40 (the same in all 4 seeds)"
    assert told[0, 0, 0, 2] == "5.0% of 40 (0.00 to 20.91)"
    assert told[0, 0] == "0.0% of 20"


def test_a_comparison_from_runs_to_report_and_two_at_a_time(tmp_path, overrides):
    experiment, _ = comparison("gate,FedAvg,honest", "nan", "3:1")
    reports = {}
    for jobs in (1, 2):
        folder, told = tmp_path / f"jobs-{jobs}", []
        plan = plan_sweep(experiment, COMPARE_SCALE, (0, 1), "", overrides, folder)
        statuses = execute(
            plan,
            "inline",
            lambda progress, told=told: told.append(progress.round_text),
            jobs=jobs,
        )
        assert statuses == ["finished"] * 6
        assert any(text.startswith("round ") and "test " in text for text in told)
        reports[jobs] = dict(write_comparison(folder))
        for path in reports[jobs].values():
            assert path.stat().st_size > 200
    for run in sorted((tmp_path / "jobs-1").glob("*/**/rounds.csv")):
        twin = tmp_path / "jobs-2" / run.relative_to(tmp_path / "jobs-1")
        assert figures(run.parent) == figures(twin.parent)
    runs = load_comparison(tmp_path / "jobs-1").runs
    gate = runs[runs["strategy"] == "gate=learned"]
    assert (gate["malicious_rejected"] == 2).all()
    assert (gate["malicious_updates"] == 2).all()
    assert (gate["honest_updates"] == 4).all()
    assert runs[runs["strategy"] == "FedAvg"]["diverged"].all()
    text = reports[1]["table"].read_text()
    assert "1 of 3 fog nodes malicious; the honest nodes alone:" in text
    assert "2 diverged" in text
    assert "100.0% of 4" in text  # recall
    records = load_comparison(tmp_path / "jobs-1")
    goal, plain = goal_table(measured_cells(records), records).to_dict("records")
    assert (goal["strategy"], plain["strategy"]) == ("gate=learned", "FedAvg")
    assert (goal["goal"], goal["reached"]) == ("-1.00 to honest alone", "1 of 1")
    assert (plain["goal"], plain["reached"]) == ("-1.00 to honest alone", "0 of 1")
    assert goal["shown"] == "-"  # two seeds show nothing
    assert goal["trajectories"] == "2 of 2 runs"
    assert "The attack that costs most" in text
    page = reports[1]["page"].read_text().partition("<body>")[2]
    found = page.index("With 1 of 3 fog nodes malicious, test accuracy on ")
    assert found < page.index("<img ") < page.index("<table") < page.index("<h2")
    assert page.index("How it was made</h2>") < page.index("Settings: model=")
    assert "fog-flower compare --strategies gate=learned,FedAvg,honest --attacks nan" in page
    assert " gate-args=examples=0" in page
    assert "Further arguments: gate-args=examples=0 for all." in text
    assert "round by round" in page
    _the_kept_tables_say_the_same(tmp_path / "jobs-1", tmp_path / "kept")


OWN = """
from clients.attacks import ATTACKS
from flwr.serverapp.strategy import FedAvg
from strategies.gate import Decision


def far(attacker, strength=1.0):
    return ATTACKS.load("sign-flip").item(attacker, 5 * strength)


class Gate:
    def judge(self, trial):
        return [Decision(True, "a|b [red] $x^$")] * len(trial)


class MomentumClip(FedAvg):
    pass


class Fails(FedAvg):
    def aggregate_train(self, server_round, replies):
        if server_round == 3:  # later than it is tried before the run
            raise RuntimeError("cannot open [/data/site-a] a|b")
        return super().aggregate_train(server_round, replies)
"""


def test_the_users_own_stand_beside_each_other_each_in_a_cell(tmp_path, overrides, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "gatekept.py").write_text(OWN)
    names = "gate=gatekept:Gate+gatekept:MomentumClip,gatekept:MomentumClip,gatekept:Fails,"
    names += "FedAvg,honest"
    grid, _ = comparison(names, "gatekept:far,gatekept:far=2,crash", "3:1")
    assert len(grid.cells) == 3 * 4 + 1
    folder = tmp_path / "out [x] $a$"
    overrides = overrides | {"gate-args": "", "num-server-rounds": 3}
    plan = plan_sweep(grid, COMPARE_SCALE, (0,), "", overrides, folder)
    statuses = execute(plan, "inline", lambda _: None)
    assert statuses.count("failed") == 3
    (tmp_path / "gatekept.py").unlink()  # reports are made from the records alone
    text = dict(write_comparison(folder))["table"].read_text()
    runs = load_comparison(folder).runs
    cells = set(zip(runs["attack"], runs["strategy"], strict=True))
    assert cells == {(cell.tags["attack"], cell.tags["strategy"]) for cell in grid.cells}
    assert ("crash", "FedAvg") in cells
    assert ("honest", "honest") in cells
    assert "cannot open [/data/site-a] a\\|b" in text
    lost = text.partition("## Updates that never arrived")[2].partition("##")[0]
    assert re.search(r"1 of 3 +\| crash +\| FedAvg +\| malicious nodes +\| 3 of 3", lost)
    assert "far" not in lost
    # behind a gate is what a gate judged, not what begins with the word
    decisions = text.partition("## Decisions of the gate")[2].partition("##")[0]
    gates = {line.split("|")[1].strip() for line in decisions.splitlines() if "far" in line}
    assert gates == {"gate=gatekept:Gate+gatekept:MomentumClip"}
    page = (folder / "comparison.html").read_text()
    headings = re.findall(r"<h[23][^>]*>(.*?)</h[23]>", page)
    assert len(headings) == len(set(headings))
    for name in ("heat-map.svg", "curves.svg"):
        assert (folder / name).stat().st_size > 1000


def test_what_a_killed_comparison_was_making_is_kept_as_what_it_is(tmp_path, overrides):
    grid, _ = comparison("gate+cloud,FedAvg", "sign-flip", "3:1", 60)
    settings = overrides | {"gate-args": "", "artifacts": "checkpoint", "num-server-rounds": 2}
    plan = plan_sweep(grid, COMPARE_SCALE, (0,), "", settings, tmp_path)
    with ending_in_round(2, KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        execute(plan, "inline", lambda _: None)
    said: list[str] = []
    execute(plan, "inline", lambda progress: said.append(progress.last))
    assert any("continues after round 1" in told for told in said)
    first, *_ = sorted(tmp_path.glob("*/**/run.json"))
    name = str(first.parent.relative_to(tmp_path))
    record = json.loads(first.read_text())
    tags = record.pop("cell")
    first.write_text(json.dumps(record))
    with pytest.raises(UserError, match="does not say which cell"):
        load_comparison(tmp_path)
    staged = tmp_path / STAGING / name  # it had finished, but was not moved yet
    note_start(plan, next(run for run in plan.runs if run.name == name))
    first.parent.rename(staged)
    assert execute(plan, "inline", lambda _: None) == ["finished", "finished"]
    assert json.loads(first.read_text()) == record | {"cell": tags}
    assert len(load_comparison(tmp_path).runs) == 2


def test_no_name_is_cut_in_a_heat_map(tmp_path, overrides, monkeypatch):
    drawn = []

    def save(figure, path, **settings):
        drawn.append((figure, path.name))
        return save_figure(figure, path, **settings)

    monkeypatch.setattr("simulations.reports.attack_grid.grid_pictures.save_figure", save)
    grid, _ = comparison("gate,FedAvg", "nan", "3:1")
    plan = plan_sweep(grid, COMPARE_SCALE, (0,), "", overrides, tmp_path)
    execute(plan, "inline", lambda _: None)
    for path in tmp_path.glob("*/**/run.json"):
        record = json.loads(path.read_text())
        cell = record["cell"]
        long = f"{cell['strategy']}+package.module:AStrategyWithALongName"
        cell |= {"strategy": long, "attack": "package.module:an_attack_with_a_long_name=2.5"}
        path.write_text(json.dumps(record))
    write_comparison(tmp_path)
    for figure, name in drawn:
        figure.canvas.draw()
        whole = figure.bbox
        texts = [axes.yaxis.label for axes in figure.axes] + [axes.title for axes in figure.axes]
        if name == "heat-map.png":
            texts += [label for axes in figure.axes for label in axes.get_xticklabels()]
            texts += [label for axes in figure.axes for label in axes.get_yticklabels()]
        assert any("WithALongName" in text.get_text() for text in texts) or name != "heat-map.png"
        if name == "heat-map.png":
            values = [text.get_text() for axes in figure.axes for text in axes.texts]
            assert values
            assert all(value.endswith("*") for value in values)  # of one seed
            assert figure.get_suptitle().endswith("* of one seed")
        if name == "raster.png":
            (cells,) = figure.axes[0].collections
            assert cells.get_coordinates()[0, :, 0].tolist() == [0.5, 1.5, 2.5]  # of rounds 1, 2
        for text in texts:
            box = text.get_window_extent()
            inside = box.x0 >= whole.x0 and box.x1 <= whole.x1 and box.y0 >= whole.y0
            assert inside or not text.get_text(), (name, text.get_text())


def _the_kept_tables_say_the_same(folder, kept):
    """What is committed of a comparison is enough to report on it again, and to add to it."""
    kept.mkdir()
    for name in ("comparison.csv", "rounds.csv.gz", "updates.csv.gz", "facts.json"):
        (kept / name).write_bytes((folder / name).read_bytes())
    text, told = (folder / "comparison.md").read_text().split("\n\nNo release of these 6 runs ")
    unknown = "No ledger was recorded for runs that are only in the kept tables."
    assert dict(write_comparison(kept))["table"].read_text() == f"{text}\n\n{unknown}\n"
    _kept_runs_are_not_made_again(kept)
    cell = "3-1/honest"
    shutil.copytree(folder / cell, kept / cell)  # made again here: counted once
    again = dict(write_comparison(kept))["table"].read_text()
    known, ledger = again.split("\n\nNo release of these 2 runs ")
    assert known == text
    assert ledger.startswith("promises any privacy: shipment: inputs; ")
    assert told.startswith("promises any privacy: shipment: inputs; ")
    assert ledger.endswith(f"\n\n{unknown}\n")


def _kept_runs_are_not_made_again(kept):
    config = json.loads((kept / "facts.json").read_text())[0]["config"]
    known = {k: v for k, v in config.items() if k not in ("results-dir", "run-name", "strategy")}
    grid, _ = comparison("gate,FedMedian", "nan", "3:1")
    same = plan_sweep(grid, COMPARE_SCALE, (0, 1, 2), "", known, kept)
    missing, count = without_kept(same)
    assert count == 2
    assert {run.name for run in missing.runs} == {
        "3-1/nan/gate=learned/seed-2",
        *(f"3-1/nan/FedMedian/seed-{seed}" for seed in range(3)),
    }
    other = plan_sweep(grid, COMPARE_SCALE, (0,), "", known | {"num-server-rounds": 9}, kept)
    with pytest.raises(UserError, match=r"num-server-rounds=\d+, not 9: choose another --out"):
        without_kept(other)


def test_a_strategy_that_has_changed_is_not_taken_for_the_one_recorded(
    tmp_path, overrides, monkeypatch
):
    monkeypatch.syspath_prepend(tmp_path)
    mine = tmp_path / "changing_strategy.py"
    mine.write_text("from flwr.serverapp.strategy import FedAvg as Mine\n")
    grid, _ = comparison("changing_strategy:Mine", "nan", "3:0")

    def planned(seeds):
        return plan_sweep(grid, COMPARE_SCALE, seeds, "", overrides, tmp_path / "out")

    edited_meanwhile = planned((0, 1))
    assert execute(planned((0,)), "inline", lambda _: None) == ["finished"]
    assert execute(planned((0,)), "inline", lambda _: None) == ["finished"]
    assert "0 of 3" in dict(write_comparison(tmp_path / "out"))["table"].read_text()
    mine.write_text("from flwr.serverapp.strategy import FedMedian as Mine\n")
    with pytest.raises(
        UserError, match=r"made with another changing_strategy\.py: --repeat-changed"
    ):
        execute(planned((0,)), "inline", lambda _: None)
    # What is imported is the file as it was when the sweep was planned, so that is recorded.
    assert execute(edited_meanwhile, "inline", lambda _: None) == ["finished"] * 2
    again = planned((0,))
    assert [recorded_status(again, run, repeat_changed=True) for run in again.runs] == [""]
    assert (set_aside_changed(again), set_aside_changed(again)) == (1, 0)
    assert execute(again, "inline", lambda _: None) == ["finished"]
    with pytest.raises(UserError, match=r"seed-1 was made with another changing_strategy\.py"):
        execute(planned((1,)), "inline", lambda _: None)


def test_all_strategies_that_are_not_there_are_named_before_the_plan(tmp_path, overrides):
    grid, _ = comparison("Krumm,FedAvg,nomodule:X", "nan", "3:1")
    plan = plan_sweep(grid, COMPARE_SCALE, (0,), "", overrides, tmp_path)
    with pytest.raises(UserError, match=r"strategy='Krumm'.*nomodule"):
        check_all_code(plan)


def test_the_backdoor_is_reported_by_what_the_trigger_does(tmp_path, overrides):
    grid, _ = comparison("FedAvg,honest", "backdoor", "3:1")
    plan = plan_sweep(grid, COMPARE_SCALE, (0, 1), "", overrides, tmp_path)
    assert execute(plan, "inline", lambda _: None) == ["finished"] * 4
    text = dict(write_comparison(tmp_path))["table"].read_text()
    assert "backdoor success, %" in text
    assert "honest nodes alone" in text
    by_itself = column(tmp_path / "3-1" / "honest" / "seed-0", "backdoor_success")[-1]
    assert f"{100 * by_itself:.2f}" in text.partition("honest nodes alone")[2]
    assert "The attack that costs most" not in text
    worst = text.partition("The attack that costs a class most")[2].partition("##")[0]
    lowest = column(tmp_path / "3-1" / "backdoor" / "FedAvg" / "seed-0", WORST_CLASS)[-1]
    other = column(tmp_path / "3-1" / "backdoor" / "FedAvg" / "seed-1", WORST_CLASS)[-1]
    assert f"{50 * (lowest + other):.2f} (backdoor)" in worst


def test_what_costs_most_is_printed_in_80_columns(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(compare_command, "terminal", Terminal(shown, width=80))
    folder = Path(__file__).parents[1] / "results" / "claim" / "eleventh" / "svhn"
    compare_command._print_worst(load_comparison(folder))
    lines = shown.getvalue().splitlines()
    assert lines[0].startswith("The attack that costs most")
    federations = worst_table(load_comparison(folder))[["malicious", "fog nodes"]].to_numpy()
    assert len(federations) > 1
    for malicious, nodes in federations:
        assert sum(f"{malicious} of {nodes}" in line for line in lines) == 1
    gates = [line for line in lines if "gate=learned, worst" in line]
    assert len(gates) == len(federations)
    assert all("(" in line and "…" not in line for line in gates)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("strategies", "attacks", "words"),
    [
        ("gate:my_gate:Median", "nan", "--strategies 'gate:my_gate:Median': .* gate=my_gate:Med"),
        ("gate=my_gate", "nan", "my_gate.py is here: name the class in it, gate=my_gate:Class"),
        ("FedAvg", "my_gate", "my_gate.py is here: .* function in it, --attacks my_gate:function"),
    ],
)
def test_a_part_of_ones_own_is_told_how_to_be_named(
    tmp_path, monkeypatch, strategies, attacks, words
):
    (tmp_path / "my_gate.py").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=words):
        comparison(strategies, attacks, "3:1")


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(UserError, match="there are no records in"):
        write_comparison(tmp_path)


def test_several_jobs_want_the_inline_engine(tmp_path, overrides):
    experiment, _ = comparison("gate", "nan", "3:1")
    plan = plan_sweep(experiment, COMPARE_SCALE, (0,), "", overrides, tmp_path)
    with pytest.raises(UserError, match="--jobs 2: --engine ray takes all cores"):
        execute(plan, "ray", lambda _: None, jobs=2)
