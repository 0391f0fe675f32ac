"""What reports say of their runs' ledgers: a table, a warning, and where there is none."""

import json
import math

import pandas as pd
import pytest

from fog_flower.privacy.guarantee import BOTH, Guarantee
from fog_flower.privacy.ledger import Release
from fog_flower.records.files import write_json
from simulations.reports.ledger_block import HEADING, ledger_block, without_ledger
from simulations.reports.ledger_rows import promise_of
from simulations.reports.page import Page, ledger_section, write_page
from simulations.reports.text_tables import write_markdown
from strategies.ledger import LEDGER

NOISE = "Noise was drawn from the run's seed: whoever knows it can remove the noise."
DW = "dW of all rounds"


def release(name, *, seeded=False, **how):
    return Release(name, "fog node", "cloud", Guarantee(part=BOTH, **how), seeded)


OPEN = [release(DW, mechanism="none"), release("counts", mechanism="none")]
PRIVATE = [
    release(DW, mechanism="DP-SGD", epsilon=7.98, delta=1e-5, uncovered=("counts",), seeded=True),
    release("counts", mechanism="none"),
]
ENTROPY = [release(DW, mechanism="DP-SGD", epsilon=3.0, delta=1e-5)]


@pytest.fixture
def runs(tmp_path):
    """Return a function that writes a run with each of these ledgers; None: a run without one."""

    def make(*ledgers):
        folders = []
        for number, releases in enumerate(ledgers):
            folder = tmp_path / f"seed-{number}"
            folder.mkdir()
            folders.append(folder)
            if releases is not None:
                told = [one.to_json() for one in releases]
                (folder / LEDGER).write_text(json.dumps({"releases": told, "warning": ""}))
        return folders

    return make


def markdown(block, path):
    note = "Data: made up."
    write_markdown(path, "A report", {"": pd.DataFrame({"a": [1]})}, [note], ledger=block)
    return path.read_text()


def test_equal_releases_share_a_row_and_different_ones_do_not(runs):
    table = ledger_block(runs(OPEN, PRIVATE, PRIVATE)).table
    assert table.to_dict("records") == [
        {
            "release": DW,
            "from": "fog node",
            "to": "cloud",
            "unit": "-",
            "mechanism": "none",
            "epsilon": "none",
            "not covered": "-",
            "runs": "1 of 3",
        },
        {
            "release": DW,
            "from": "fog node",
            "to": "cloud",
            "unit": "one example's inputs and targets, replace",
            "mechanism": "DP-SGD",
            "epsilon": "7.98 at delta 1e-05, seeded",
            "not covered": "counts",
            "runs": "2 of 3",
        },
        {
            "release": "counts",
            "from": "fog node",
            "to": "cloud",
            "unit": "-",
            "mechanism": "none",
            "epsilon": "none",
            "not covered": "-",
            "runs": "3 of 3",
        },
    ]


def test_releases_without_a_promise_in_the_same_runs_are_joined(runs):
    (row,) = ledger_block(runs([*OPEN, *ENTROPY])).table.query("epsilon == 'none'")["release"]
    assert row == f"{DW}; counts"


def test_seeded_noise_stands_on_top_of_the_ledger_and_below_the_notes(runs, tmp_path):
    block = ledger_block(runs(PRIVATE))
    text = markdown(block, tmp_path / "report.md")
    assert f"## {HEADING}\n\n**{NOISE} " in text
    assert text.index("Data: made up.") < text.index(HEADING) < text.index("| release")
    short = without_ledger(text)
    assert short.endswith("the runs protected nobody.**")
    assert "| release" not in short
    assert HEADING not in short


def test_seeded_noise_is_red_in_a_page(runs, tmp_path):
    block = ledger_block(runs(PRIVATE))
    none = pd.DataFrame()
    section = ledger_section(block)
    page = Page("t", "f", none, {}, [section], [], [], [], "")
    text = write_page(page, tmp_path / "page.html").read_text()
    assert '<p class="warning">Noise was drawn from the run&#39;s seed' in text
    assert ".warning { color: var(--red);" in text
    assert text.index("Noise was drawn") < text.index("DP-SGD")


def test_noise_of_the_system_gives_no_warning(runs, tmp_path):
    block = ledger_block(runs(ENTROPY, OPEN))
    assert block.warning == ""
    assert "seeded" not in block.table.to_string()
    text = markdown(block, tmp_path / "report.md")
    assert without_ledger(text) == text.partition(f"\n\n## {HEADING}")[0]


def test_a_warning_counts_where_only_some_noise_is_seeded(runs):
    told = ledger_block(runs(OPEN, PRIVATE, ENTROPY)).warning
    assert told.startswith("Noise of 1 of 2 runs was drawn from the run's seed: ")


def test_where_nothing_is_promised_there_is_a_sentence(runs, tmp_path):
    block = ledger_block(runs(OPEN, OPEN))
    assert block.notes == [f"No release of these 2 runs promises any privacy: {DW}; counts."]
    assert block.warning == ""
    text = markdown(block, tmp_path / "report.md")
    assert HEADING not in text
    assert without_ledger(text) == text
    assert text.endswith(f"{block.notes[0]}\n")


def test_a_flag_of_an_older_version_without_a_promise_is_no_warning(runs):
    (folder,) = runs(OPEN)
    told = json.loads((folder / LEDGER).read_text())
    for row in told["releases"]:
        row["noise_can_be_drawn_again"] = True
    write_json(folder / LEDGER, told)
    assert ledger_block([folder]).warning == ""


def test_runs_without_a_ledger_are_counted(runs):
    folders = runs(None, None, PRIVATE)
    assert ledger_block(folders[:2]).notes == ["No ledger was recorded for any of 2 runs."]
    assert ledger_block(folders).notes[-1] == "No ledger was recorded for 2 of 3 runs."
    kept = ledger_block([], "runs that are only in the kept tables")
    assert kept.notes == ["No ledger was recorded for runs that are only in the kept tables."]


def test_the_promise_of_a_release_is_the_largest_epsilon(runs):
    none, private, open_one, entropy = runs(None, PRIVATE, OPEN, ENTROPY)
    assert promise_of([none, private, entropy], DW) == (7.98, True)
    assert promise_of([entropy], DW) == (3.0, False)
    assert promise_of([private, open_one], DW) == (float("inf"), True)
    epsilon, seeded = promise_of([none], DW)
    assert (math.isnan(epsilon), seeded) == (True, False)
