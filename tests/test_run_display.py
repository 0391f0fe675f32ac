"""What the terminal says of a run while it is made, and afterwards."""

import csv
import io
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from fog_flower.records.curves import curves_of
from fog_flower.records.reading import merges_taken
from simulations.cli.run_display import RunDisplay, print_run
from simulations.cli.terminal import Terminal
from tests.made_up_sweep import make_sweep

RECORDED = Path(__file__).resolve().parent.parent / "results" / "mnist" / "cnn-fog-3"
LEARNED = "accepted: the learned merge is taken"


def write_updates(folder, decisions):
    """Write (round, accepted, reason, weight) as ``updates.csv``."""
    with (folder / "updates.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerows([("round", "accepted", "reason", "weight"), *decisions])


@pytest.mark.parametrize(
    ("reasons", "weight", "told"),
    [
        ([LEARNED, LEARNED], 0.21, "the learned merge"),
        ([f"{LEARNED} (masked group 0+1)", f"{LEARNED} (masked group 2+3)"], 0.2, None),
        (["accepted: the plain merge, copies counted once, is certified"] * 2, 0.3, None),
        (["length 1", "length 2"], 0.4, "weighed by the gate"),
        (["accepted: the plain merge is certified"] * 2, "nan", ""),
    ],
)
def test_a_merge_is_named_if_it_is_not_the_plain_one(tmp_path, reasons, weight, told):
    rows = [(1, True, reason, weight) for reason in reasons]
    write_updates(tmp_path, [*rows, (1, False, "rejected: it adds nothing to the rest", 0.0)])
    if told is None:
        told = reasons[0].removeprefix("accepted: ").partition(" is ")[0].rstrip(",")
    assert merges_taken(tmp_path) == ({1: told} if told else {})


def test_a_round_says_which_merge_was_taken(tmp_path):
    plain = "accepted: the plain merge is certified"
    write_updates(tmp_path, [(1, True, plain, "nan"), (2, True, LEARNED, 0.21)])
    row = {"accepted": "1", "rejected": "0", "test_accuracy": "0.5"}
    row |= {"cloud_validation_accuracy": "0.5", "note": ""}
    shown = io.StringIO()
    display = RunDisplay(Terminal(file=shown, width=200), 2, tmp_path)
    display.update([{**row, "round": str(number)} for number in range(3)])
    _, first, second = shown.getvalue().splitlines()
    assert "accepted 1/1  " in first
    assert "accepted 1/1, the learned merge  " in second


def test_the_summary_of_a_run_says_in_which_rounds(tmp_path):
    folder = shutil.copytree(RECORDED, tmp_path / "run")
    half = "accepted: half of the plain merge is taken"
    decisions = [(n, True, half if n == 1 else LEARNED, 0.2) for n in (1, 2, 3)]
    write_updates(folder, decisions)
    shown = io.StringIO()
    print_run(Terminal(file=shown, width=200), folder)
    assert "the learned merge (round 2, 3); half of the plain merge (round 1)" in shown.getvalue()


@pytest.mark.parametrize("decided", [(True, True), (True, False), (False, False), ()])
def test_the_legend_of_the_curves_names_only_decisions_that_there_were(tmp_path, decided):
    make_sweep(tmp_path / "sweep", [0])
    folder = tmp_path / "sweep" / "mlp-fog-3" / "seed-0"
    updates = pd.read_csv(folder / "updates.csv").head(len(decided))
    updates.assign(accepted=decided).to_csv(folder / "updates.csv", index=False)
    figure = curves_of(folder, "title")
    legend = figure.axes[1].get_legend()
    names = {text.get_text() for text in legend.get_texts()} if legend else set()
    plt.close(figure)
    assert names == {"accepted" if one else "refused" for one in decided}
