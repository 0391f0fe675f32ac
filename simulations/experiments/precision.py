"""Whether training in mixed bfloat16 is as accurate as in float32."""

from fog_flower.architecture import Scalar
from fog_flower.config import BFLOAT16, FLOAT32
from simulations.experiments.experiment import Cell, Experiment, Scale
from simulations.experiments.scales import FULL

# Equivalence within half a point can only be shown if single runs vary by less. At the paper's
# learning rate, two runs that differ in the last bit end some points apart.
_GENTLE: dict[str, Scalar] = {
    "normalisation": "fitted",
    "train-examples": 12_000,
    "validation-examples": 1_000,
    "test-examples": 8_000,
    "local-validation-examples": 200,
    "reference-examples": 500,
    "batch-size": 32,
    "local-epochs": 1,
    "noise-sigma": 0.01,
    "end-nodes": 6,
}
_SMALL = Scale(
    name="reduced",
    settings={
        "mlp": {**_GENTLE, "model": "mlp", "learning-rate": 0.02, "num-server-rounds": 12},
        "cnn": {**_GENTLE, "model": "cnn-narrow", "learning-rate": 0.05, "num-server-rounds": 10},
    },
    engine="inline",
    seeded_data=True,
    note=(
        "reduced: 12,000 training and 8,000 test images; the paper's MLP with learning rate 0.02 "
        "and 12 epochs, a CNN with a quarter of the paper's filters with 0.05 and 10 epochs"
    ),
)
_LABELS = {FLOAT32: "float32", BFLOAT16: "mixed bfloat16"}

PRECISION = Experiment(
    name="precision",
    source="ours: whether `precision=auto` may take bfloat16",
    varies="the precision of all computing; 3 fog nodes",
    cells=tuple(
        Cell(
            name=f"{family}-{precision}",
            label=label,
            family=family,
            settings={"fog-nodes": 3, "precision": precision},
        )
        for family in ("mlp", "cnn")
        for precision, label in _LABELS.items()
    ),
    scales={_SMALL.name: _SMALL, FULL.name: FULL},
)
