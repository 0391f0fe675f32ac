"""The demo: three runs, a sentence, a table, a picture, a page; and what is shown meanwhile."""

import io
import json
import re
from pathlib import Path

import pytest

from simulations.cli.demo_display import DemoDisplay, print_demo
from simulations.cli.drawing import DrawingLines, drawing
from simulations.cli.terminal import Terminal
from simulations.experiments.demo import SCALE, demo, told
from simulations.reports.demo.demo_page import note_times, write_demo
from simulations.sweep.execute import execute
from simulations.sweep.sweep_plan import plan_sweep
from tests.runs import updates

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def made(tmp_path, overrides):
    """The demo on small data: its folder, what was found, and what the terminal showed."""
    folder, shown = tmp_path / "demo", io.StringIO()
    terminal = Terminal(file=shown, width=200)
    overrides |= {"features": "none", "learning-rate": 0.1, "local-validation-examples": 0}
    plan = plan_sweep(demo(), SCALE, (0,), "", overrides, folder)
    with DemoDisplay(terminal, plan) as display:
        statuses = execute(plan, SCALE.engine, display.update, drawn=display.drawn)
    assert statuses == ["finished"] * 3
    assert display.made == 3
    note_times(folder, 1.0, 100.0, 1)
    found = write_demo(folder)
    print_demo(terminal, found)
    return folder, found, shown.getvalue()


def test_the_demo_shows_what_one_attacker_does_and_the_gate_against_it(made):
    folder, found, shown = made
    table = found.table.set_index("run")
    accuracy = {
        name: float(text.partition("%")[0]) for name, text in table["test accuracy"].items()
    }
    unharmed, attacked, gated = (told(0, "FedAvg"), told(1, "FedAvg"), told(1, "gate=learned"))
    assert list(table.index) == [unharmed, attacked, gated]
    assert accuracy[attacked] < accuracy[gated] - 10
    decided = updates(next(folder.glob("4-1/*/gate*/seed-0")))
    malicious = [row["accepted"] for row in decided if row["fog_node"] == "3"]
    refused = f"{malicious.count('False')} of 2"
    assert table.loc[gated, "attacker's updates refused"] == refused
    assert f"refused {refused} updates of this node" in found.finding
    assert table.loc[attacked, "attacker's updates refused"] == "there is no gate"
    for run in accuracy:
        assert table.loc[run, "test accuracy"] in found.finding
        assert f"{run}: round 2/2, test " in shown  # in a log, a line as rounds end
        assert table.loc[run, "test accuracy"] in shown
    assert "shipment: inputs" in shown  # the ledger's first line
    assert "loading and checking" in shown
    assert sum(float(seconds) for seconds in found.time["seconds"]) == pytest.approx(100, abs=2)

    text = found.page.read_text()
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", text)
    body = text.partition("<body>")[2]
    assert body.index(found.finding.split(";")[0]) < body.index("<img ") < body.index("<table")
    assert body.index("The ledger") < body.index("Where the time went</h2>")
    assert body.index("How it was made</h2>") < body.index("not how well")
    ledger = json.loads(next(folder.glob("4-1/*/gate*/seed-0/privacy.json")).read_text())
    assert list(found.ledger["release"]) == [row["release"] for row in ledger["releases"]]


def test_a_log_says_from_the_start_how_many_digits_are_drawn():
    shown = io.StringIO()
    with drawing(Terminal(file=shown)) as report:
        assert isinstance(report, DrawingLines)
        for done in (0, 50, 512, 600, 1024, 5120):
            report(done, 5120)
    assert shown.getvalue().splitlines() == [
        f"drawing digits: {done} of 5,120" for done in ("0", "512", "1,024", "5,120")
    ]


def test_make_run_is_the_demo():
    assert "fog-flower demo" in (ROOT / "Makefile").read_text().partition("\nrun:")[2]
