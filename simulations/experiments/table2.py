"""Table 2: accuracy of fog and centralized training; the same runs make Figures 3 to 6."""

from fog_flower.architecture import Scalar
from simulations.experiments.experiment import Cell, Experiment
from simulations.experiments.scales import OURS, SCALES

# (family, fog nodes, 0 for centralized) -> the paper's training and validation accuracy
PRINTED = {
    ("mlp", 0): (0.8892, 0.7841),
    ("mlp", 3): (0.8837, 0.8357),
    ("mlp", 5): (0.8426, 0.8120),
    ("mlp", 7): (0.8205, 0.8092),
    ("cnn", 0): (0.9408, 0.8878),
    ("cnn", 3): (0.8606, 0.8624),
    ("cnn", 5): (0.8370, 0.8500),
    ("cnn", 7): (0.7923, 0.8104),
}


def _cell(family: str, nodes: int) -> Cell:
    training, validation = PRINTED[family, nodes]
    printed = {"train_accuracy": training, "local_validation_accuracy": validation}
    if nodes == 0:
        centralized: dict[str, Scalar] = {"architecture": "centralized"}
        return Cell(f"{family}-centralized", "centralized", family, centralized, printed)
    fog: dict[str, Scalar] = {"architecture": "fog", "fog-nodes": nodes}
    return Cell(f"{family}-fog-{nodes}", f"fog, {nodes} nodes", family, fog, printed)


TABLE2 = Experiment(
    name="table2",
    source="Table 2 and Figures 3 to 6",
    varies="architecture (centralized; 3, 5, 7 fog nodes) and model (MLP, CNN)",
    cells=tuple(_cell(family, nodes) for family, nodes in PRINTED),
    scales={**SCALES, OURS.name: OURS},
)
