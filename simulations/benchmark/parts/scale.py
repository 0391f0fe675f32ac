"""The cost of a round with many fog nodes, and the gate's share of it.

All runs use the inline engine, with one fog node after the other, so that a thousand fit into one
machine. Each run has its own process, to measure its peak of memory.
"""

import dataclasses
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fog_flower.architecture import Scalar
from fog_flower.records.reading import read_rounds, read_run
from simulations.benchmark.bench_plan import Plan
from simulations.benchmark.cases import OURS, Case, config_of
from simulations.benchmark.ledger import Ledger
from simulations.benchmark.our_run import WARM_UP_ROUNDS, finished_run, where_time_went
from simulations.benchmark.worker import own_worker
from simulations.engines import INLINE

PART = "scale"
PER_IMAGE, MANY = "3 and 64 fog nodes", "a small model"
NODES_IMAGES = 64 * 128
MANY_NODES = (3, 64, 100, 300, 1_000)
SMALL = "cnn-small"
IMAGES_A_NODE = 4
HONEST, ATTACKED = "none", "sign-flip"


@dataclasses.dataclass(frozen=True)
class Run:
    """One run: its purpose, model, fog nodes and images, and the attack of the last fog node."""

    what: str
    model: str
    fog_nodes: int
    images: int
    attack: str


def measure(plan: Plan, ledger: Ledger) -> None:
    """Make all runs in each repeat, so that slow periods of the machine affect all of them.

    Without an attacker the gate certifies the plain merge; with one attacker it has to learn.
    """
    for repeat in range(plan.repeats):
        for run in _runs():
            plan.say(f"scale: {run.what}: {run.model}, {run.fog_nodes} fog nodes, {run.attack}")
            with own_worker() as worker:
                rows = worker.submit(_rounds_of, run, plan.rounds, plan.precisions[0]).result()
            for number, row in enumerate(rows):
                ledger.add(PART, {**row, "repeat": repeat, "number": number})


def _runs() -> Iterator[Run]:
    """Yield the runs of one repeat, with compared runs next to each other."""
    for nodes in (3, 64):
        yield Run(PER_IMAGE, "cnn", nodes, NODES_IMAGES, HONEST)
    for nodes in MANY_NODES:
        yield Run(MANY, SMALL, nodes, IMAGES_A_NODE * nodes, ATTACKED)


# The cloud validates on a fixed number of examples, so that only fog nodes grow.
_SAME_CLOUD: dict[str, Scalar] = {
    "validation_examples": 2_000,
    "gate_args": "",
    "local_validation_examples": 100,
    "end_nodes": 1,
}


def _rounds_of(run: Run, rounds: int, precision: str) -> list[dict[str, Any]]:
    """Make a run in this process, and return a row for each timed round."""
    every = rounds + WARM_UP_ROUNDS + 1  # the last one evaluates local models on all images
    case = Case(OURS, run.model, run.fog_nodes, run.images, every, precision)
    spent: dict[int, float] = {}

    def note(rows: list[dict[str, str]]) -> None:
        spent[len(rows) - 1] = time.process_time()

    attack: dict[str, Scalar] = {}
    if run.attack != HONEST:
        attack = {"attack": run.attack, "malicious_nodes": "1"}
    with tempfile.TemporaryDirectory() as parent:
        config = config_of(case, Path(parent), **attack, **_SAME_CLOUD)
        folder = finished_run(config, INLINE, note)
        data, found = read_run(folder)["data"], read_rounds(folder)
    return [
        {
            "what": run.what,
            "model": run.model,
            "precision": precision,
            "attack": run.attack,
            "fog_nodes": run.fog_nodes,
            "images": run.images,
            **where_time_went(row, data),
            "gate_seconds": round(float(row["gate_seconds"]), 4),
            "cpu_seconds": _between(spent, int(row["round"])),
            "peak_mebibytes": round(_peak_bytes() / 2**20, 1),
            "load": round(os.getloadavg()[0], 2),
        }
        for row in found[1 + WARM_UP_ROUNDS : -1]
    ]


def _between(spent: Mapping[int, float], number: int) -> float:
    """Return the CPU seconds of a round; NaN if polling missed its start or end."""
    nan = float("nan")
    return round(spent.get(number, nan) - spent.get(number - 1, nan), 4)


def _peak_bytes() -> int:
    """Return the peak resident memory of this process, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
