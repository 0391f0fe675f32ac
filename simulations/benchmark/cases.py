"""The cases that are timed: side, model, precision, fog nodes, images and rounds."""

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

# Images of all fog nodes together in a timed round: 3 to 20 seconds of work on two cores. The
# numbers are divisible by 3, 5 and 7, and into whole batches for few nodes.
IMAGES = {"cnn": 6_720, "mlp": 13_440}


@dataclasses.dataclass(frozen=True)
class Case:
    """One side of a comparison.

    Attributes
    ----------
    images : int
        Images of all fog nodes together, each trained once per round.
    rounds : int
        Timed rounds, without those for warm-up.
    """

    side: str
    model: str
    fog_nodes: int
    images: int
    rounds: int
    precision: str = FLOAT32


def describe(case: Case) -> str:
    """Describe a case in one line."""
    return f"{case.model}, {case.fog_nodes} fog nodes, {case.precision}: {case.side}"


def config_of(case: Case, folder: Path, **settings: Scalar) -> RunConfig:
    """Return the configuration of our run of a case, with records below ``folder``.

    The gate's numbers of images have the paper's proportion to the training images (10,000 to
    70,000), with a minimum that is enough for decisions. So the gate's share of a round is that of
    a full-scale run.
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
    """Return ``count`` standardised images, float32 [n, 32, 32, 3], and their labels [n]."""
    field = prepare_field(config_of(Case("", "mlp", 1, count, 1), Path.cwd()))
    return field.preprocess(field.train.inputs), field.train.targets
