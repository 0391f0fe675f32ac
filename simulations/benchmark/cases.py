"""What is timed: a side, a model, a precision, a number of fog nodes, and how much of it."""

import dataclasses
import os
from pathlib import Path

import numpy as np

from fog_flower.architecture import Scalar
from fog_flower.config import FLOAT32, RunConfig
from fog_flower.data.field import prepare_field
from fog_flower.tasks.classification import Classification
from fog_flower.tasks.examples import Spec
from simulations.overrides import configure_settings

OURS, BARE, QUICKSTART = "fog-flower", "bare Keras", "quickstart app"
BATCH_SIZE, LEARNING_RATE = 32, 0.1  # the paper's
SPEC, TASK = Spec((32, 32, 3), "float32"), Classification(10)

# Images of all fog nodes together in a timed round: 3 to 20 seconds of work on two cores. They
# divide by 3, 5 and 7, and into whole batches where there are few nodes.
IMAGES = {"cnn": 6_720, "mlp": 13_440}


@dataclasses.dataclass(frozen=True)
class Case:
    """One side of a comparison.

    Attributes
    ----------
    images : int
        Of all fog nodes together, trained once a round.
    rounds : int
        Timed ones; those that warm up come on top.
    """

    side: str
    model: str
    fog_nodes: int
    images: int
    rounds: int
    precision: str = FLOAT32


def describe(case: Case) -> str:
    """Say in a line what is timed."""
    return f"{case.model}, {case.fog_nodes} fog nodes, {case.precision}: {case.side}"


def config_of(case: Case, folder: Path, **settings: Scalar) -> RunConfig:
    """Return the configuration of our run of a case, with records below ``folder``.

    The gate's numbers of images are in the paper's proportions (10,000 for 70,000), as far as they
    are large enough to decide on, so that its share of a round is that of a full-scale run.
    """
    part = case.images / 70_000
    name = f"{case.model}-{case.fog_nodes}-{case.precision}-{os.urandom(4).hex()}"
    keys: dict[str, Scalar] = {
        "train-examples": case.images,
        "validation-examples": max(100, round(10_000 * part)),
        "test-examples": 100,
        "gate-args": f"examples={max(10, round(1_000 * part))}",
        "reference-examples": max(32, round(1_000 * part)),
        "local-validation-examples": max(10, round(500 * part)),
        "fog-nodes": case.fog_nodes,
        "model": case.model,
        "precision": case.precision,
        "batch-size": BATCH_SIZE,
        "learning-rate": LEARNING_RATE,
        "num-server-rounds": case.rounds,
        "artifacts": "",
        "results-dir": str(folder),
        "run-name": name,
    }
    return configure_settings({**keys, **{k.replace("_", "-"): v for k, v in settings.items()}})


def training_arrays(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return so many images float32 [n, 32, 32, 3], standardised, and their labels [n]."""
    field = prepare_field(config_of(Case("", "mlp", 1, count, 1), Path.cwd()))
    return field.preprocess(field.train.inputs), field.train.targets
