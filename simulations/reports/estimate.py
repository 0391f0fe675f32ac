"""What the paper's fifty repeats would cost, here and elsewhere, from the records of a sweep."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from fog_flower.records.recorder import FINISHED
from simulations.reports.records import SweepRecords

SEEDS = 50  # the paper repeats every simulation so often
CORES = 16
GPU_STEP = 0.002  # seconds; assumed

NOTES = (
    f"A run's hours are the median of its records, times {SEEDS} seeds. On {CORES} cores: as many "
    "runs at a time as there are times the recorded cores, none slower for the others, which takes "
    "that many times the memory above.",
    f"On one GPU: a batch takes {1000 * GPU_STEP:g} ms (**assumed, not measured**: with 32 images "
    "of 32 x 32 pixels a GPU waits for its launches, not for its arithmetic), one run at a time, "
    "and everything else shrinks as training does. Twice the milliseconds, twice the hours.",
)


def estimate_table(records: SweepRecords) -> pd.DataFrame:
    """Return the hours of ``SEEDS`` seeds of each recorded cell, and of all of them."""
    done = records.runs[records.runs["status"] == FINISHED]
    rows, sums = [], {"here": 0.0, "cores": 0.0, "gpu": 0.0}
    for cell in records.cells:
        finished = done[done["cell"] == cell.name]
        if finished.empty:
            continue
        seconds = float(finished["seconds"].median())
        seed = int(finished["seed"].iloc[0])
        fact = records.fact(cell.name, seed)
        cores = int(fact["hardware"]["cores"])
        at_a_time = max(1, CORES // cores)
        steps = training_steps(fact, int(fact["final"]["round"]))
        training = _training_seconds(records, cell.name, seed)
        here = SEEDS * seconds / 3600
        hours = {
            "here": here,
            "cores": here / at_a_time,
            "gpu": here * steps * GPU_STEP / training,
        }
        sums = {name: sums[name] + hours[name] for name in sums}
        rows.append(
            {
                "cell": cell.name,
                "hours a run": f"{seconds / 3600:.2f}",
                f"hours x {SEEDS}, on {cores} cores": f"{hours['here']:,.1f}",
                f"/ {at_a_time}, on {CORES} cores": f"{hours['cores']:,.1f}",
                "batches a run": f"{steps:,}",
                "training, ms a batch": f"{1000 * training / steps:.1f}",
                "hours, on one GPU": f"{hours['gpu']:,.1f}",
            }
        )
    if not rows:
        return pd.DataFrame()
    last = dict.fromkeys(rows[0], "")
    names = list(rows[0])
    last |= {"cell": "all", names[2]: f"{sums['here']:,.1f}", names[3]: f"{sums['cores']:,.1f}"}
    return pd.DataFrame([*rows, {**last, "hours, on one GPU": f"{sums['gpu']:,.1f}"}])


def missing(records: SweepRecords) -> list[str]:
    """Say which cells of the experiment the estimate leaves out."""
    done = set(records.runs.loc[records.runs["status"] == FINISHED, "cell"])
    names = [cell.name for cell in records.experiment.cells if cell.name not in done]
    return [f"Without {', '.join(names)}: not recorded yet."] if names else []


def training_steps(fact: Mapping[str, Any], rounds: int) -> int:
    """Return how many batches all fog nodes of a run trained."""
    config = fact["config"]
    sizes: list[int] = fact["nodes"]["num_examples"]
    batches = sum(math.ceil(size / int(config["batch-size"])) for size in sizes)
    epochs: int = config["local-epochs"]
    return rounds * epochs * batches


def _training_seconds(records: SweepRecords, cell: str, seed: int) -> float:
    rounds = records.rounds
    rows = rounds[(rounds["cell"] == cell) & (rounds["seed"] == seed) & (rounds["round"] > 0)]
    return float(rows["train_seconds"].sum())
