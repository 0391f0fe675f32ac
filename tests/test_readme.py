"""What the README and the pages of results show is what the committed records say."""

import csv
import json
from pathlib import Path

import pytest

from simulations.experiments.table2 import PRINTED

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
PAPER, ATTACKS, SPEED, PRECISION, DEMO = (
    (ROOT / "docs/results" / f"{name}.md").read_text()
    for name in ("paper", "attacks", "speed", "precision", "demo")
)
DATA = (ROOT / "docs/data.md").read_text()
RESULTS = ROOT / "results"
# Settings of a sweep beside the paper's -> what its rows say; the first screen's rows begin so.
FALLING = "learning-rate=0.05, learning-rate-schedule=cosine"
MOVED = {model: f"{FALLING}, model={model}-shift" for model in ("mlp", "cnn")}
OURS = {
    FALLING: "learning rate 0.05 falling (ours)",
    **dict.fromkeys(MOVED.values(), "learning rate 0.05 falling, images moved (ours)"),
}
FIRST_SCREEN = {
    ("mlp", ""): "| MLP, the paper's settings |",
    ("cnn", ""): "| CNN, the paper's settings |",
    ("cnn", FALLING): "| CNN at learning rate 0.05, ",
    ("mlp", FALLING): "| MLP at learning rate 0.05, ",
    ("mlp", MOVED["mlp"]): "| the same MLP, on training images moved ",
    ("cnn", MOVED["cnn"]): "| the same CNN, on training images moved ",
}


def line_with(page: str, *words: str) -> str:
    found = [line for line in page.splitlines() if all(word in line for word in words)]
    assert len(found) == 1, (words, found)
    return found[0]


def final(run: str) -> dict:
    return json.loads((RESULTS / run / "run.json").read_text())["final"]


def percent(value: float) -> str:
    return f"{100 * value:.2f}"


def test_the_demo():
    figures = final("demo")
    assert percent(figures["test_accuracy"]) in line_with(
        DEMO, "test, cloud model (2,000 untouched"
    )
    validation = line_with(DEMO, "validation, cloud model / mean of the local models")
    assert percent(figures["cloud_validation_accuracy"]) in validation
    assert percent(figures["local_validation_accuracy"]) in validation
    assert f"| {figures['rejected']} of 60 |" in line_with(DEMO, "updates rejected", "of 60")


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("fedavg", ("`gate=off` (plain FedAvg)",)),
        ("validated", ("`gate=trusted` (the default then)",)),
        ("alone", ("`gate=alone`", "stalled")),
        ("honest-six", ("(the honest six)",)),
        ("nan-validated", ("one node sends NaN in every round",)),
        ("nan-fedavg", ("`attack=nan malicious-nodes=1 gate=off`",)),
    ],
)
def test_what_the_gate_buys(run, words):
    assert percent(final(f"gate/{run}")["test_accuracy"]) in line_with(DEMO, *words)


@pytest.mark.parametrize("model", ["mlp", "mlp-shift"])
def test_moved_images(model):
    figures = final(f"shift/{model}")
    names = ("train_accuracy", "cloud_validation_accuracy", "test_accuracy")
    shown = " | ".join(percent(figures[name]) for name in names)
    assert line_with(PAPER, f"| `model={model}` | ") == f"| `model={model}` | {shown} |"


def test_real_digits():
    kept = json.loads((RESULTS / "realism.json").read_text())
    low, high = (f"{100 * bound:.1f}" for bound in kept["interval"])
    text = " ".join(DATA.split())
    assert (
        f"reads **{kept['accuracy']:.1%}** of the first {kept['images']} real SVHN digits" in text
    )
    files = ", ".join(
        f"{file['accuracy']:.1%} of the {file['images']} from the {name} file"
        for name, file in zip(("training", "test"), kept["files"], strict=True)
    )
    assert f"(95% CI {low} to {high}; {files})" in text


@pytest.mark.parametrize(("table", "cells"), [("table2", 8), ("uploads", 4)])
def test_tables(table, cells):
    with (RESULTS / "tables" / f"{table}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["cell"] for row in rows}) == cells
    shown = ("test_accuracy", "local_validation_accuracy")
    for row in rows:
        if row["metric"] in shown:
            model = row["model"].upper()
            text = line_with(PAPER, f"| {model}, {row['architecture']} |")
            assert f"{percent(float(row['mean']))} ± {percent(float(row['sd']))}" in text


def test_the_full_scale():
    """Every full-scale cell with a record has its row, which is what the records say."""
    with (RESULTS / "tables/table2-full.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        where = row["architecture"].removeprefix("fog, ").replace("nodes", "fog nodes")
        model = row["model"].upper()
        where, _, settings = where.partition("; ")
        label = f"| {model}, {where}, " if "fog" not in where else f"| {model} on {where}, "
        (line,) = [
            line
            for line in PAPER.splitlines()
            if line.startswith(label)
            and [words for words in {*OURS.values()} if words in line]
            == ([OURS[settings]] if settings else [])
        ]
        assert f" {percent(float(row['mean']))} " in line


def test_the_first_screen_shows_the_full_scale():
    """Every cell with what its runs read, or that it has not run."""
    with (RESULTS / "tables/table2-full.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "test_accuracy"]
    assert {(row["model"], row["settings"]) for row in rows} <= FIRST_SCREEN.keys()
    for (model, settings), label in FIRST_SCREEN.items():
        chosen = [row for row in rows if (row["model"], row["settings"]) == (model, settings)]
        check_first_screen(model, label, chosen)


def check_first_screen(model: str, label: str, rows: list[dict[str, str]]) -> None:
    means = {row["cell"]: percent(float(row["mean"])) for row in rows}
    _, *shown = line_with(PAPER, label).strip("| ").split(" | ")
    for cell, text in zip(("centralized", "fog-3", "fog-5", "fog-7"), shown, strict=True):
        assert text.startswith(means.get(f"{model}-{cell}", "not run yet"))
        assert f"({percent(PRINTED[model, int(cell[-1]) if cell[-1].isdigit() else 0][1])})" in text


def table_cells(text: str) -> list[tuple[str, ...]]:
    lines = [line for line in text.splitlines() if line.startswith("|") and "---" not in line]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


def table_rows(text: str) -> set[tuple[str, ...]]:
    return set(table_cells(text))


def test_the_benchmark():
    """The page shows the rows of the benchmark's table as they are."""
    rows = table_rows((RESULTS / "bench/bench.md").read_text())
    assert len(rows) > 15
    assert rows <= table_rows(SPEED)
