"""Text that is not ours is shown as it is: in the terminal, in tables, on pages, in pictures."""

import io
import re

import pandas as pd
import pytest
from rich.table import Table

from fog_flower.records.columns import ROUND_COLUMNS, UPDATE_COLUMNS
from fog_flower.records.curves import draw_curves
from fog_flower.records.files import GrowingCsv, write_json
from simulations.cli.run_display import print_run
from simulations.cli.terminal import Terminal, progress_bar, styled
from simulations.reports.page import Page, Section, write_page
from simulations.reports.text_tables import write_markdown
from simulations.visible import counted, visible
from tests.made_up_sweep import make_sweep

FOREIGN = (
    "cannot open [/data/site-a]",
    "[red]alarm[/red]",
    "[/]",
    "[link=https://example.org]click[/link]",
    "[bold",
    ":smile: :warning:",
    "a [b] c",
    "100% {task.description} %s",
)
CONTROL = {
    "\x1b[31mred\x1b[0m": r"\x1b[31mred\x1b[0m",
    "two\nlines": r"two\nlines",
    "back\rward\x08": r"back\rward\x08",
    "\u202eright to left": r"\u202eright to left",
    "a\x00b\ud800": r"a\x00b\ud800",
}


def terminal(width=200):
    return Terminal(file=io.StringIO(), width=width)


def shown_by(screen):
    return screen.file.getvalue()


@pytest.mark.parametrize("text", FOREIGN)
def test_the_terminal_shows_markup_as_text(text):
    screen = terminal()
    table = Table("what", title=text, caption=text)
    table.add_row(text)
    screen.say(text)
    screen.print(table)
    screen.print(styled(text, "red"))
    assert shown_by(screen).count(text) == 5


@pytest.mark.parametrize(("text", "expected"), CONTROL.items())
def test_the_terminal_obeys_no_command_in_a_name(text, expected):
    screen = terminal()
    table = Table("what")
    table.add_row(text)
    screen.say(text)
    screen.print(table)
    screen.print(styled(text, "red"))
    assert shown_by(screen).count(expected) == 3
    assert not set(shown_by(screen)) & set("\x1b\r\x08\x00\u202e\ud800")


@pytest.mark.parametrize("text", FOREIGN)
def test_a_progress_bar_shows_markup_as_text(text):
    screen = Terminal(file=io.StringIO(), width=200)
    bar = progress_bar(screen, "run")
    bar.add_task(text, total=3)
    screen.print(bar.get_renderable())
    assert text in shown_by(screen)


@pytest.fixture
def run_of(tmp_path):
    """Return a function that makes up a run whose name, cause and reasons are not ours."""

    def make(text, **facts):
        make_sweep(tmp_path / "sweep", [0])
        (tmp_path / "runs").mkdir()
        name = text.replace("/", "_").replace("\x00", "_").replace("\ud800", "_")
        folder = (tmp_path / "sweep" / "mlp-fog-3" / "seed-0").rename(tmp_path / "runs" / name)
        settings = {"model": text, "strategy": text, "attack": "none", "partition": text}
        settings |= {"architecture": "fog", "end-nodes": 6, "gate": text, "merge": "mean"}
        settings |= {"noise-sigma": 0.01, "noise-unit": "pixel", "learning-rate": 0.1}
        settings |= {"fog-nodes": 3, "batch-size": 8, "num-server-rounds": 3, "upload": "per-epoch"}
        data = {"name": text, "train_examples": 60, "validation_examples": 20, "test_examples": 10}
        record = {"status": "failed", "cause": text, "seconds": 1.0, "config": settings}
        record |= {"final": {}, "data": data, "model_parameters": 10, **facts}
        write_json(folder / "run.json", record)
        return folder

    return make


@pytest.mark.parametrize("text", [*FOREIGN, *list(CONTROL)[:4]])
def test_a_run_is_shown_with_every_name_in_it(run_of, text):
    folder = run_of(text)
    rounds = pd.read_csv(folder / "rounds.csv").assign(note=text).to_dict("records")
    GrowingCsv(folder / "rounds.csv", ROUND_COLUMNS).extend(rounds)
    screen = terminal(width=400)
    print_run(screen, folder)
    lines = shown_by(screen).splitlines()
    for label in ("data", "topology", "model", "merging", "cause", "round 1: ", "records: "):
        (line,) = [one for one in lines if one.strip("│ ").startswith(label)]
        seen = text.replace("\r", " ") if label.startswith("round") else text
        assert visible(seen).replace("/", "_") in line.replace("/", "_"), label
    assert "\x1b" not in shown_by(screen)


def test_a_diverged_run_says_so_where_one_looks(run_of):
    final = {"diverged": True, "round": 3, "rejected": 1, "test_accuracy": 0.1}
    screen = terminal()
    print_run(screen, run_of("name", status="finished", cause=None, final=final))
    shown = shown_by(screen)
    assert "name: finished, but diverged" in shown
    assert "diverged" in [line.strip("│ ").split("  ")[0] for line in shown.splitlines()]
    assert "1 update refused" in shown


@pytest.mark.parametrize(("accepted", "told"), [(0, False), (3, True)])
def test_only_a_failed_run_that_learned_something_is_told_to_go_on(run_of, accepted, told):
    folder = run_of("name")
    pd.read_csv(folder / "rounds.csv").assign(accepted=accepted).to_csv(
        folder / "rounds.csv", index=False
    )
    (folder / "checkpoint.npz").touch()
    screen = terminal()
    print_run(screen, folder)
    shown = shown_by(screen)
    assert ("to continue: fog-flower continue" in shown) == told
    assert ("remove the cause first" in shown) == told


def test_a_run_that_failed_before_its_records_is_shown(tmp_path, make_config):
    config = make_config().to_run_config()
    record = {"status": "failed", "cause": "no", "final": {}, "seconds": 0, "seed": 0}
    (tmp_path / "failed").mkdir()
    write_json(tmp_path / "failed" / "run.json", {**record, "config": config})
    screen = terminal()
    print_run(screen, tmp_path / "failed")
    assert "failed: failed" in shown_by(screen)


def test_markdown_keeps_its_tables_whatever_the_names_are(tmp_path):
    names = ["a|b", "two\nlines", "<script>alert(1)</script>", "p < 0.001", "\x1b[31m"]
    table = pd.DataFrame({"a|b": names, "number": range(5)})
    path = write_markdown(tmp_path / "t.md", "title\nmore", {"head\ning": table}, ["note\nmore"])
    lines = path.read_text().splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 2 + len(names)
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {3}
    assert "<script" not in path.read_text()
    assert "p < 0.001" in path.read_text()
    assert "note\\nmore" in lines
    assert "\x1b" not in path.read_text()


def test_the_page_runs_nothing_that_stands_in_a_name(tmp_path):
    evil = "<script>alert(1)</script><img src=x onerror=y>"
    section = Section(evil, {evil: pd.DataFrame({evil: [evil]})}, notes=[evil])
    page = Page(
        evil,
        evil,
        pd.DataFrame({evil: [evil]}),
        {},
        [section],
        [evil],
        [{"git_commit": evil}],
        commands=[evil],
        report=evil,
        seen=evil,
    )
    text = write_page(page, tmp_path / "page.html").read_text()
    assert "<script" not in text
    assert "<img" not in text
    assert text.count("&lt;script&gt;") >= 8


@pytest.mark.parametrize("name", ["a $b", "$\\frac$", "a$_x$ b^", "npz:$$.npz"])
def test_a_dollar_in_a_name_is_no_formula(tmp_path, name):
    rounds = dict.fromkeys(ROUND_COLUMNS, 0.5) | {"round": 0}
    updates = dict.fromkeys(UPDATE_COLUMNS, 0) | {"round": 1, "accepted": True}
    pd.DataFrame([rounds, {**rounds, "round": 1}]).to_csv(tmp_path / "rounds.csv", index=False)
    pd.DataFrame([updates]).to_csv(tmp_path / "updates.csv", index=False)
    assert draw_curves(tmp_path, name).stat().st_size > 10_000


def test_counts_are_in_the_singular_for_one():
    assert [counted(n, "round") for n in (0, 1, 2, 1000)] == [
        *("0 rounds", "1 round", "2 rounds", "1,000 rounds")
    ]
