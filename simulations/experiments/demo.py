"""The demo: the effect of one malicious fog node on plain FedAvg, and on FedAvg with the gate."""

from fog_flower.architecture import Scalar
from fog_flower.config import HALF_COSINE, NONE
from simulations.experiments.attack_grid import FEDAVG, GATE, comparison, is_gated
from simulations.experiments.experiment import Experiment, Scale

NAME = "demo"
ATTACK = "sign-flip=5"  # minus five times its update, which outweighs three honest nodes
UNHARMED, ATTACKED = "4:0", "4:1"

_SETTINGS: dict[str, Scalar] = {
    "train-examples": 6_000,
    "validation-examples": 1_000,
    "test-examples": 2_000,
    "local-validation-examples": 100,
    "features": "rendered-cnn",  # known to every tier; trained on rendered digits that no run uses
    "model": "linear",
    "learning-rate": 0.5,
    "learning-rate-schedule": HALF_COSINE,
    "batch-size": 16,
    "num-server-rounds": 10,
}

SCALE = Scale(
    name=NAME,
    settings={"any": _SETTINGS},
    engine="inline",
    seeded_data=True,
    note="one seed, 4 fog nodes, 10 rounds: it shows that the mechanism works, not how well",
)


def told(malicious: int, strategy: str) -> str:
    """Describe the run with this number of malicious nodes and this strategy in words."""
    if not malicious:
        return "nobody attacks"
    return "one attacks, the gate decides" if is_gated(strategy) else "one attacks, plain FedAvg"


def demo() -> Experiment:
    """Return the three runs: no attack; one attacker of four nodes, without and with the gate."""
    cells = [
        cell
        for strategies, attack, federation in (
            (FEDAVG, NONE, UNHARMED),
            (f"{FEDAVG},{GATE}", ATTACK, ATTACKED),
        )
        for cell in comparison(strategies, attack, federation)[0].cells
    ]
    return Experiment(
        name=NAME,
        source="nobody attacks; one of four fog nodes does; the gate decides who is merged",
        varies="whether a fog node is malicious, and whether there is a gate",
        cells=tuple(cells),
        scales={SCALE.name: SCALE},
    )
