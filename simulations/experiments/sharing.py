"""How much of its data an end node shares, and with how much noise; the paper varies neither."""

from fog_flower.architecture import Scalar
from fog_flower.config import FINAL
from simulations.experiments.experiment import Cell, Experiment, Scale

FRACTIONS = (1.0, 0.5, 0.25, 0.1)
NOISES = (0.0, 0.01, 0.1, 0.5, 1.0)  # standard deviations, for standardised inputs


def name_of(fraction: float, noise: float) -> str:
    """Return the name of a cell."""
    return f"share-{fraction:g}-noise-{noise:g}"


def _cell(fraction: float, noise: float) -> Cell:
    settings: dict[str, Scalar] = {
        "fog-nodes": 3,
        "protection": "noise",
        "share-fraction": fraction,
        "noise-sigma": noise,
    }
    tags: dict[str, Scalar] = {"fraction": fraction, "noise": noise}
    label = f"{100 * fraction:g}% shared, noise {noise:g}"
    return Cell(name_of(fraction, noise), label, "cnn", settings, tags=tags)


SHARING = Experiment(
    name="sharing",
    source="sections 3 and 4: a fraction of the data, blurred by 1% of noise",
    varies="which part of its data an end node shares, and with how much noise; 3 fog nodes",
    cells=tuple(_cell(fraction, noise) for fraction in FRACTIONS for noise in NOISES),
    scales={
        "reduced": Scale(
            name="reduced",
            settings={
                "cnn": {
                    "model": "cnn-small",
                    "train-examples": 12_000,
                    "validation-examples": 2_000,
                    "local-validation-examples": 200,
                    "test-examples": 5_000,
                    "end-nodes": 6,
                    "batch-size": 16,
                    "learning-rate": 0.05,
                    "learning-rate-schedule": "cosine",
                    "num-server-rounds": 10,
                    "own-evaluation": FINAL,
                }
            },
            engine="inline",
            seeded_data=True,
            note=(
                "reduced: 12,000 training examples on 3 fog nodes x 6 end nodes, a small CNN "
                "(cnn-small), 10 epochs"
            ),
        )
    },
)
