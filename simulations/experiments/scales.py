"""The sizes that the training experiments share."""

from fog_flower.architecture import Scalar
from fog_flower.data.sources.rendered_digits import NAME as RENDERED
from simulations.experiments.experiment import OnData, Scale
from simulations.presets import PRESETS

_REDUCED: dict[str, Scalar] = {
    "normalisation": "fitted",
    "train-examples": 5_000,
    "validation-examples": 1_000,
    "test-examples": 2_000,
    "local-validation-examples": 0,
    "learning-rate": 0.1,
    "batch-size": 32,
    "local-epochs": 1,
    "noise-sigma": 0.01,
    "end-nodes": 6,
}

# The gates of the committed records of rendered digits, which are older than the default gate.
_RENDERED_FULL = OnData({"gate": "trusted", "own-evaluation": "none"})
_RENDERED_REDUCED = OnData({"gate": "greedy", "gate-args": "tolerance=0.1"})

# The paper's protocol on its own data. Validation selects updates, so the test digits must be
# others: those of the training file that are not used for training. With all 26,032 test digits,
# test-source=test takes the other 16,032.
_SVHN: dict[str, Scalar] = {"held-out-order": "file", "test-source": "spare"}
_SVHN_SIZES = (
    "70,000 training digits, validation on the first 10,000 test digits, test on the 3,257 "
    "training digits that are left"
)
_MNIST: dict[str, Scalar] = {
    "train-examples": 60_000,
    "validation-examples": 5_000,
    "test-examples": 5_000,
    "num-server-rounds": 10,
}
MNIST_SIZES = "60,000 training digits, validation and test on 5,000 test digits each"
_MNIST_TOLD = f"{MNIST_SIZES}; 10 epochs, not the paper's 100 (MLP) and 20 (CNN)"
_EPOCHS = "100 epochs (MLP), 20 epochs (CNN)"

FULL = Scale(
    name="full",
    settings={"mlp": PRESETS["paper-mlp"], "cnn": PRESETS["paper-cnn"]},
    engine="ray",
    seeded_data=False,
    note=f"the paper's sizes: 70,000 training images, {_EPOCHS}",
    on={
        RENDERED: _RENDERED_FULL,
        "svhn": OnData(_SVHN, f"the paper's protocol: {_SVHN_SIZES}; {_EPOCHS}"),
        "mnist": OnData(_MNIST, f"the paper's settings: {_MNIST_TOLD}"),
    },
)

# Chosen on rendered digits. For another data set, check them on validation digits before looking at
# any test digit.
_OURS: dict[str, Scalar] = {"learning-rate": 0.05, "learning-rate-schedule": "cosine"}
_OURS_TOLD = (
    "settings of our own (learning rate 0.05 falling along half a cosine, normalisation in the "
    "model, training images moved by up to 2 pixels)"
)

OURS = Scale(
    name="ours",
    settings={
        family: {**FULL.settings[family], **_OURS, "model": f"{family}-norm-shift"}
        for family in FULL.settings
    },
    engine="ray",
    seeded_data=False,
    note=f"{_OURS_TOLD} at the paper's sizes: 70,000 training images, {_EPOCHS}",
    on={
        "svhn": OnData(_SVHN, f"{_OURS_TOLD}: {_SVHN_SIZES}; {_EPOCHS}"),
        "mnist": OnData(_MNIST, f"{_OURS_TOLD}: {_MNIST_TOLD}"),
    },
    beside=FULL.name,
)

REDUCED = Scale(
    name="reduced",
    settings={
        "mlp": {**_REDUCED, "model": "mlp", "num-server-rounds": 16},
        # The paper's CNN only starts to learn after more than 20,000 images (45 s a run here).
        "cnn": {**_REDUCED, "model": "cnn-narrow", "num-server-rounds": 12},
    },
    engine="inline",
    seeded_data=True,
    note=(
        "reduced: 5,000 training images instead of 70,000; the paper's MLP with 16 epochs instead "
        "of 100; a CNN with a quarter of the paper's filters and 12 epochs instead of 20"
    ),
    on={RENDERED: _RENDERED_REDUCED},
)

SCALES = {scale.name: scale for scale in (REDUCED, FULL)}
