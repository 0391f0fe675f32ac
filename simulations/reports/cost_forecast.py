"""Estimated cost of the paper's fifty repeats, here and on a GPU, from the records of a sweep."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from simulations.reports.sweep_records import SweepRecords

SEEDS = 50  # the paper repeats every simulation 50 times
# Measured on a machine with a GPU: medians of the records named in NOTES.
GPU_STEP = {"mlp": 0.00091, "cnn": 0.00119}  # seconds per batch

NOTES = (
    f"A run's hours and milliseconds a batch are the medians of its records; times {SEEDS} seeds.",
    f"On one GPU: a batch takes {1000 * GPU_STEP['mlp']:g} ms (MLP) or {1000 * GPU_STEP['cnn']:g} "
    "ms (CNN), as Keras' `fit` on JAX did on an H100 (results/bench/step-time.csv; our own "
    "training, which needs TensorFlow, was not timed on a GPU), one run at a time, and everything "
    "else shrinks as training does (the median over a cell's runs, each by its own speed). Twice "
    "the milliseconds, twice the hours.",
    "Only rounds count: rendering, and starting a run (docs/results/speed.md), come on top of "
    "both.",
)


HOURS = (f"hours x {SEEDS}, as recorded", "hours, on one GPU")


def estimate_table(records: SweepRecords) -> pd.DataFrame:
    """Return the hours that ``SEEDS`` seeds take, for each recorded cell and in total."""
    families = {cell.name: cell.family for cell in records.experiment.cells}
    rows = [_estimate(records, cell, families[cell]) for cell in records.finished]
    if not rows:
        return pd.DataFrame()
    total = {"cell": "all", **{name: sum(row[name] for row in rows) for name in HOURS}}
    table = pd.DataFrame([*rows, total])
    for name in HOURS:
        table[name] = table[name].map("{:,.1f}".format)
    return table.fillna("")


def _estimate(records: SweepRecords, cell: str, family: str) -> dict[str, Any]:
    """Return the row of a cell, with medians over its finished runs."""
    runs = records.finished[cell]
    seconds = float(runs["seconds"].median())
    fact = records.fact(cell, int(runs["seed"].iloc[0]))
    steps = training_steps(fact, int(fact["final"]["round"]))
    training = runs["seed"].map(lambda seed: records.training_seconds(cell, seed))
    # Scale each run by its own speed, because a cell's runs may come from different machines.
    on_a_gpu = runs["seconds"] * steps * GPU_STEP[family] / training
    hours = SEEDS * seconds / 3600
    here, on_gpu = HOURS
    return {
        "cell": cell,
        "hours a run": f"{seconds / 3600:.2f}",
        here: hours,
        "batches a run": f"{steps:,}",
        "training, ms a batch": f"{1000 * training.median() / steps:.1f}",
        on_gpu: SEEDS * on_a_gpu.median() / 3600,
    }


def spread(records: SweepRecords) -> list[str]:
    """Return a note on the hours if all runs were as fast as the fastest, or as the slowest."""
    recorded = [runs["seconds"] for runs in records.finished.values()]
    if not recorded:
        return []
    low = SEEDS * sum(seconds.min() for seconds in recorded) / 3600
    high = SEEDS * sum(seconds.max() for seconds in recorded) / 3600
    return [
        f"Were all runs as fast as the fastest recorded of their cell, {low:,.0f} hours; as the "
        f"slowest, {high:,.0f}."
    ]


def missing(records: SweepRecords) -> list[str]:
    """Return a note on the cells of the experiment that the estimate leaves out."""
    names = [c.name for c in records.experiment.cells if c.name not in records.finished]
    return [f"Without {', '.join(names)}: not recorded yet."] if names else []


def training_steps(fact: Mapping[str, Any], rounds: int) -> int:
    """Return how many batches all fog nodes of a run train in ``rounds`` rounds."""
    config = fact["config"]
    sizes: list[int] = fact["nodes"]["num_examples"]
    batches = sum(math.ceil(size / int(config["batch-size"])) for size in sizes)
    epochs: int = config["local-epochs"]
    return rounds * epochs * batches
