"""Images per second of training: our run, the bare Keras loop and the quickstart app in turn."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from fog_flower.config import FLOAT32
from simulations.benchmark import bare_keras, our_run, quickstart
from simulations.benchmark.bench_plan import Plan
from simulations.benchmark.cases import BARE, IMAGES, OURS, QUICKSTART, Case, describe
from simulations.benchmark.ledger import Ledger
from simulations.benchmark.worker import own_worker

PART = "throughput"


def measure(plan: Plan, ledger: Ledger) -> None:
    """Time each model and number of fog nodes, with all sides in turn in each repeat."""
    for model in plan.models:
        for fog_nodes in plan.fog_nodes:
            with own_worker() as worker:
                for repeat in range(plan.repeats):
                    for case, number, seconds in _turn(plan, worker, model, fog_nodes):
                        ledger.add(PART, _row(case, repeat, number, seconds))


def _turn(
    plan: Plan, worker: ProcessPoolExecutor, model: str, fog_nodes: int
) -> Iterator[tuple[Case, int, float]]:
    """Time each side once, with our run between two halves of the bare loop's epochs."""
    for precision in plan.precisions:
        ours, bare = (
            Case(side, model, fog_nodes, IMAGES[model], plan.rounds, precision)
            for side in (OURS, BARE)
        )
        before = (plan.rounds + 1) // 2
        for number in range(before):
            yield bare, number, _epoch(plan, worker, bare)
        plan.say(describe(ours))
        for number, spent in enumerate(our_run.timed_rounds(ours)):
            yield ours, number, spent["training_seconds"]
        for number in range(before, plan.rounds):
            yield bare, number, _epoch(plan, worker, bare)
    plain = Case(QUICKSTART, model, fog_nodes, IMAGES[model], plan.rounds, FLOAT32)
    plan.say(describe(plain))
    for number, seconds in enumerate(quickstart.timed_rounds(plain)):
        yield plain, number, seconds


def _epoch(plan: Plan, worker: ProcessPoolExecutor, case: Case) -> float:
    plan.say(describe(case))
    return worker.submit(bare_keras.epoch_seconds, case).result()


def _row(case: Case, repeat: int, number: int, seconds: float) -> dict[str, Any]:
    return {
        "model": case.model,
        "fog_nodes": case.fog_nodes,
        "precision": case.precision,
        "side": case.side,
        "repeat": repeat,
        "number": number,
        "images": case.images,
        "seconds": round(seconds, 4),
    }
