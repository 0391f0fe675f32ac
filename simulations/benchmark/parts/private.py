"""The cost of clipping each example and adding noise: alternating epochs of SGD and DP-SGD."""

import functools
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clients.fog_node import NodeData
from clients.privacy.fog_node.dp_sgd import DpSgd
from fog_flower.config import FLOAT32, RunConfig
from fog_flower.weights import Weights
from simulations.benchmark.bench_plan import Plan
from simulations.benchmark.cases import OURS, SPEC, TASK, Case, config_of
from simulations.benchmark.ledger import Ledger
from simulations.benchmark.worker import own_worker

if TYPE_CHECKING:
    from clients.training import Trainer

PART = "private"
PLAIN, PRIVATE = "plain SGD", "DP-SGD"
BATCH, BATCHES = 256, 20
NOISE, CLIP = 1.0, 1.0  # noise is drawn in each step; its size does not affect the time


def measure(plan: Plan, ledger: Ledger) -> None:
    """Time epochs of both sides alternately; the first epoch of each is a warm-up."""
    for model in plan.models:
        plan.say(f"private: {model}, batches of {BATCH}, {PLAIN} and {PRIVATE} in turn")
        with own_worker() as worker:
            for number in range(plan.repeats * plan.rounds + 1):
                for side in (PLAIN, PRIVATE):
                    seconds = worker.submit(_epoch_seconds, model, side).result()
                    if number:
                        row = {"model": model, "side": side, "number": number}
                        images = BATCH * BATCHES
                        ledger.add(PART, {**row, "images": images, "seconds": round(seconds, 4)})


def _epoch_seconds(model: str, side: str) -> float:
    config, data, (trainer, start) = _config(model), _data(), _trainer(model, side)
    began = time.perf_counter()
    trainer.train(config, start, data, fog_node=0, server_round=1)
    return time.perf_counter() - began


@functools.cache
def _config(model: str) -> RunConfig:
    case = Case(OURS, model, 1, BATCH * BATCHES, 1)
    return config_of(case, Path.cwd(), batch_size=BATCH, learning_rate=0.01)


@functools.cache
def _data() -> NodeData:
    """Return random images, because their content does not affect the time of a step."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((BATCH * BATCHES, *SPEC.shape), dtype=np.float32)
    labels = rng.integers(0, TASK.classes, len(images))
    return NodeData(images, labels, (len(images),), 0, ())


@functools.cache
def _trainer(model: str, side: str) -> "tuple[Trainer, Weights]":
    from clients.training import Trainer  # noqa: PLC0415  (TensorFlow)
    from fog_flower.build_model import build_model  # noqa: PLC0415

    built = build_model(model, SPEC, TASK, 0, FLOAT32)
    private = DpSgd(noise=NOISE, clip=CLIP) if side == PRIVATE else None
    return Trainer(built, SPEC, TASK, private=private), built.get_weights()
