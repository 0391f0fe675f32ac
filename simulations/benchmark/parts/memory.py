"""Memory of all processes: the peak at full scale, and its growth over many rounds."""

import itertools
import tempfile
from pathlib import Path

from simulations.benchmark.bench_plan import Plan
from simulations.benchmark.cases import OURS, Case, config_of, describe
from simulations.benchmark.ledger import Ledger
from simulations.benchmark.our_run import finished_run
from simulations.engines import RAY
from simulations.engines.memory_watch import MemoryWatch, tree_bytes

PART = "memory"
PEAK, ROUND = "peak at full scale", "after a round"
ROUNDS = 200


def measure(plan: Plan, ledger: Ledger) -> None:
    """Run two rounds of the paper's models at full scale, then 200 rounds of a small model."""
    largest = max(plan.fog_nodes)
    for model, precision in itertools.product(plan.models, plan.precisions):
        full = Case(OURS, model, largest, 70_000, 2, precision)
        plan.say(f"memory: {describe(full)}, 70,000 images")
        with MemoryWatch() as watch:
            _run(full, ledger, keep_rounds=False, test_examples=16_032)
        _add(ledger, full, PEAK, 2, watch.peak)
    plan.say(f"memory: {ROUNDS} rounds")
    _run(Case(OURS, "cnn-small", 3, 1_200, ROUNDS), ledger, keep_rounds=True)


def _run(case: Case, ledger: Ledger, *, keep_rounds: bool, **settings: int) -> None:
    def keep(rows: list[dict[str, str]]) -> None:
        if keep_rounds:
            _add(ledger, case, ROUND, int(rows[-1]["round"]), tree_bytes())

    with tempfile.TemporaryDirectory() as parent:
        finished_run(config_of(case, Path(parent), **settings), RAY, keep)


def _add(ledger: Ledger, case: Case, what: str, number: int, size: int) -> None:
    ran = {"model": case.model, "fog_nodes": case.fog_nodes, "precision": case.precision}
    found = {"images": case.images, "round": number, "mebibytes": round(size / 2**20, 1)}
    ledger.add(PART, {"what": what, **ran, **found})
