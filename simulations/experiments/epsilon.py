"""The accuracy of DP-SGD at epsilon 8, 3 and 1, and of plain SGD, on three kinds of inputs."""

from fog_flower.architecture import Scalar
from simulations.experiments.experiment import Cell, Experiment, Scale

NOT_PRIVATE = "none"
EPSILONS = (NOT_PRIVATE, "8", "3", "1")
DELTA, CLIP = 1e-5, 0.5
# Families: the inputs and the model.
INPUTS = {
    "hog": "softmax regression on HOG",
    "patches": "softmax regression on patches of rendered digits",
    "rendered": "softmax regression on a network of rendered digits",
    "pixels": "small CNN (cnn-small) on pixels, end to end",
}
SEEN: dict[str, dict[str, Scalar]] = {
    "hog": {"features": "hog", "model": "linear"},
    "patches": {"features": "patches", "model": "linear"},
    "rendered": {"features": "rendered-cnn", "model": "linear"},
    "pixels": {"features": "none", "model": "cnn-small"},
}
_ALL: dict[str, Scalar] = {
    "train-examples": 0,
    "validation-examples": 4_000,
    "test-examples": 0,
    "local-validation-examples": 100,
    "gate": "off",  # three honest fog nodes
    "protection": "",
    "fog-nodes": 3,
    "end-nodes": 6,
    "learning-rate-schedule": "cosine",
}
# Rounds, batch size, learning rate: chosen on validation examples (docs/results/privacy.md).
_TRAINING: dict[str, dict[str, tuple[int, int, float]]] = {
    "hog": {
        "none": (12, 2048, 150.0),
        "8": (24, 4096, 150.0),
        "3": (12, 4096, 150.0),
        "1": (8, 4096, 150.0),
    },
    "patches": {
        "none": (24, 512, 100.0),
        "8": (24, 512, 300.0),
        "3": (24, 1024, 200.0),
        "1": (16, 2048, 100.0),
    },
    "rendered": {
        "none": (12, 2048, 50.0),
        "8": (12, 2048, 50.0),
        "3": (12, 4096, 50.0),
        "1": (8, 4096, 50.0),
    },
    # Chosen at epsilon 8 only; the batch is doubled for each smaller one.
    "pixels": {
        "none": (10, 32, 0.05),
        "8": (10, 512, 4.0),
        "3": (10, 1024, 4.0),
        "1": (10, 2048, 4.0),
    },
}


def protection(epsilon: str, clip: float = CLIP) -> dict[str, Scalar]:
    """Return the setting for DP-SGD with an epsilon over the whole run; empty for ``none``."""
    if epsilon == NOT_PRIVATE:
        return {"fog-protection": ""}
    return {"fog-protection": f"dp-sgd(epsilon={epsilon},delta={DELTA},clip={clip})"}


def _cell(family: str, epsilon: str) -> Cell:
    return Cell(
        name=f"{family}-epsilon-{epsilon}",
        label=INPUTS[family],
        family=family,
        settings=protection(epsilon),
        tags={"epsilon": epsilon},
        sized_as=f"{family}-{epsilon}",
    )


def _sizes() -> dict[str, dict[str, Scalar]]:
    return {
        f"{family}-{epsilon}": {
            **_ALL,
            **SEEN[family],
            "num-server-rounds": rounds,
            "batch-size": batch,
            "learning-rate": rate,
        }
        for family, of_epsilon in _TRAINING.items()
        for epsilon, (rounds, batch, rate) in of_epsilon.items()
    }


EPSILON = Experiment(
    name="epsilon",
    source="nothing of the paper: what it does not offer",
    varies="epsilon of DP-SGD, and what a model sees; 3 fog nodes",
    cells=tuple(_cell(family, epsilon) for family in _TRAINING for epsilon in EPSILONS),
    scales={
        "full": Scale(
            name="full",
            settings=_sizes(),
            engine="inline",
            seeded_data=False,
            note=(
                "all training examples on 3 fog nodes, FedAvg, no gate; epsilon is for one example "
                "of a fog node, over all rounds, at delta 1e-5"
            ),
        )
    },
)
