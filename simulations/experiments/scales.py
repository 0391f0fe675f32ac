"""The sizes that the training experiments share."""

from fog_flower.architecture import Scalar
from simulations.experiments.experiment import Scale
from simulations.presets import PRESETS

_REDUCED: dict[str, Scalar] = {
    "normalisation": "fitted",
    "train-examples": 5_000,
    "validation-examples": 1_000,
    "test-examples": 2_000,
    # The gate that the committed records were made with; the default one came later.
    "gate": "greedy",
    "gate-args": "tolerance=0.1",
    "local-validation-examples": 0,
    "learning-rate": 0.1,
    "batch-size": 32,
    "local-epochs": 1,
    "noise-sigma": 0.01,
    "end-nodes": 6,
}

FULL = Scale(
    name="full",
    # The gate that the committed records were made with; the default one came later.
    settings={
        "mlp": {**PRESETS["paper-mlp"], "gate": "trusted"},
        "cnn": {**PRESETS["paper-cnn"], "gate": "trusted"},
    },
    engine="ray",
    seeded_data=False,
    note="the paper's sizes: 70,000 training images, 100 epochs (MLP), 20 epochs (CNN)",
)

REDUCED = Scale(
    name="reduced",
    settings={
        "mlp": {**_REDUCED, "model": "mlp", "num-server-rounds": 16},
        # The paper's CNN needs more than 20,000 images before it learns at all: 45 s a run here.
        "cnn": {**_REDUCED, "model": "cnn-narrow", "num-server-rounds": 12},
    },
    engine="inline",
    seeded_data=True,
    note=(
        "reduced: 5,000 training images instead of 70,000; the paper's MLP with 16 epochs instead "
        "of 100; a CNN with a quarter of the paper's filters and 12 epochs instead of 20"
    ),
)

SCALES = {scale.name: scale for scale in (FULL, REDUCED)}
