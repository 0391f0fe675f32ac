"""Privacy, robustness and accuracy together: DP-SGD, sign-flipping fog nodes, and a gate."""

from fog_flower.architecture import Scalar
from simulations.experiments.attacked import attacked
from simulations.experiments.epsilon import EPSILONS, SEEN, protection
from simulations.experiments.experiment import Cell, Experiment, Scale

NODES = 7
# At the default strength, two or three attackers of seven hardly affect softmax regression.
ATTACK = "sign-flip=4"
MALICIOUS = (0, 2, 3)
DEFENCES: dict[str, dict[str, Scalar]] = {
    "FedAvg": {"gate": "off"},
    "gate": {"gate": "learned"},
}
# Rounds, batch size and learning rate: chosen on validation examples of seed 100, no attackers, for
# each defence: at rates at which the loss rises now and then, the gate refuses honest updates.
_TRAINING: dict[str, dict[str, tuple[int, int, float]]] = {
    "FedAvg": {
        "none": (16, 256, 100.0),
        "8": (16, 256, 300.0),
        "3": (16, 512, 300.0),
        "1": (16, 1024, 300.0),
    },
    "gate": {
        "none": (16, 256, 30.0),
        "8": (16, 256, 30.0),
        "3": (16, 512, 30.0),
        "1": (16, 1024, 30.0),
    },
}


def _cell(defence: str, malicious: int, epsilon: str) -> Cell:
    return Cell(
        name=f"{defence}-{malicious}-epsilon-{epsilon}",
        label=f"{defence}, {malicious} of {NODES} malicious",
        family="any",
        settings={
            "fog-nodes": NODES,
            **DEFENCES[defence],
            **attacked(ATTACK, malicious),
            **protection(epsilon),
        },
        tags={"epsilon": epsilon},
        sized_as=f"{defence}-{epsilon}",
    )


TRILEMMA = Experiment(
    name="trilemma",
    source="nothing of the paper: what its two aims cost each other",
    varies=f"epsilon of DP-SGD, how many of {NODES} fog nodes attack, and who merges",
    cells=tuple(
        _cell(defence, malicious, epsilon)
        for malicious in MALICIOUS
        for defence in DEFENCES
        for epsilon in EPSILONS
    ),
    scales={
        "reduced": Scale(
            name="reduced",
            settings={
                f"{defence}-{epsilon}": {
                    **SEEN["patches"],
                    "train-examples": 21_000,
                    "validation-examples": 3_000,
                    "test-examples": 5_000,
                    "local-validation-examples": 100,
                    "protection": "",
                    "end-nodes": 6,
                    "learning-rate-schedule": "cosine",
                    "num-server-rounds": rounds,
                    "batch-size": batch,
                    "learning-rate": rate,
                }
                for defence, of_epsilon in _TRAINING.items()
                for epsilon, (rounds, batch, rate) in of_epsilon.items()
            },
            engine="inline",
            seeded_data=True,
            note=(
                "21,000 training examples on 7 fog nodes, softmax regression on patches of "
                "rendered digits; epsilon is for one example of a fog node, over all rounds, at "
                "delta 1e-5"
            ),
        )
    },
)
