"""Named configurations, as changes to the defaults in ``pyproject.toml``."""

from fog_flower.architecture import Scalar
from fog_flower.config import AUTO, FINAL

_PAPER: dict[str, Scalar] = {
    "normalisation": "fitted",
    "train-examples": 70_000,
    "validation-examples": 10_000,
    "test-examples": 0,
    "local-validation-examples": 500,  # the last round uses all
    "learning-rate": 0.1,
    "batch-size": 32,
    "local-epochs": 1,
    "upload": "per-epoch",
    "noise-sigma": 0.01,
    "end-nodes": 6,
    "own-evaluation": FINAL,
}

PRESETS: dict[str, dict[str, Scalar]] = {
    "demo": {},
    "paper-mlp": {**_PAPER, "model": "mlp", "num-server-rounds": 100},
    "paper-cnn": {**_PAPER, "model": "cnn", "num-server-rounds": 20, "precision": AUTO},
}
