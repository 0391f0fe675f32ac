"""Central differential privacy on many small fog nodes, with and without a gate."""

from fog_flower.architecture import Scalar
from simulations.experiments.attacked import attacked
from simulations.experiments.epsilon import DELTA, SEEN
from simulations.experiments.experiment import Cell, Experiment, Scale

NODES, MALICIOUS, STRENGTH = 60, (0, 1), 10
EPSILON = 8.0
CLIP, LEARNING_RATE = 10.0, 10.0  # chosen on validation examples of seed 100, no attackers
_ARGUMENTS = f"delta={DELTA},clip={CLIP:g}"
MERGES: dict[str, tuple[str, dict[str, Scalar]]] = {
    "plain": ("FedAvg, no noise", {"strategy": "FedAvg", "gate": "off"}),
    "central": (
        "central-dp",
        {
            "strategy": "central-dp",
            "strategy-args": f"epsilon={EPSILON:g},{_ARGUMENTS}",
            "gate": "off",
        },
    ),
    "gated": (
        "central-dp behind the gate",
        {
            "strategy": "central-dp",
            "strategy-args": f"epsilon={EPSILON:g},{_ARGUMENTS},gated=True",
            "gate": "learned",
        },
    ),
}


def _cell(merge: str, malicious: int) -> Cell:
    label, settings = MERGES[merge]
    return Cell(
        name=f"{merge}-{malicious}",
        label=f"{label}, {malicious} of {NODES} malicious",
        family="any",
        settings={**settings, **attacked(f"sign-flip={STRENGTH}", malicious)},
    )


CENTRAL_DP = Experiment(
    name="central-dp",
    source="nothing of the paper: noise in the cloud, on the merge",
    varies=f"who merges, and whether one of {NODES} fog nodes flips signs",
    cells=tuple(_cell(merge, malicious) for malicious in MALICIOUS for merge in MERGES),
    scales={
        "reduced": Scale(
            name="reduced",
            settings={
                "any": {
                    **SEEN["patches"],
                    "fog-nodes": NODES,
                    "end-nodes": 1,
                    "train-examples": 12_000,
                    "validation-examples": 1_000,
                    "test-examples": 4_000,
                    "local-validation-examples": 20,
                    "protection": "",
                    "num-server-rounds": 3,
                    "batch-size": 20,
                    "learning-rate": LEARNING_RATE,
                }
            },
            engine="inline",
            seeded_data=True,
            note=(
                f"{NODES} fog nodes with 200 training examples each, softmax regression on patches "
                f"of rendered digits, 3 rounds; epsilon {EPSILON:g} at delta {DELTA} is for "
                f"whether a fog node took part; a malicious node sends its dW with the sign "
                f"flipped, {STRENGTH} times as long"
            ),
        )
    },
)
