"""When a fog node uploads: sections 3 and 4.3 of the paper, which contradict each other."""

import dataclasses

from fog_flower.architecture import Scalar
from simulations.experiments.experiment import Cell, Experiment, OnData, Scale
from simulations.experiments.scales import MNIST_SIZES, SCALES

_UPLOADS: dict[str, tuple[str, dict[str, Scalar]]] = {
    "per-epoch": ("dW after each epoch (section 3)", {"upload": "per-epoch"}),
    "epoch-mean": (
        "mean of the epochs, once (section 4.3)",
        {"upload": "epoch-mean", "num-server-rounds": 1},
    ),
}


_EPOCHS = "num-server-rounds"


def _once(scale: Scale) -> Scale:
    """Return the scale with settings for ``epoch-mean`` added: all epochs in one round."""
    settings = dict(scale.settings)
    for family, keys in scale.settings.items():
        settings[f"{family}-epoch-mean"] = {
            **keys,
            "num-server-rounds": 1,
            "local-epochs": keys["num-server-rounds"],
        }
    # A data set's own number of epochs would only change that of rounds.
    on = {
        name: OnData({k: v for k, v in here.settings.items() if k != _EPOCHS}, MNIST_SIZES)
        if _EPOCHS in here.settings
        else here
        for name, here in scale.on.items()
    }
    return dataclasses.replace(scale, settings=settings, on=on)


UPLOADS = Experiment(
    name="uploads",
    source="sections 3 and 4.3, which contradict each other",
    varies="what is uploaded, and when; 3 fog nodes",
    cells=tuple(
        Cell(
            name=f"{family}-{upload}",
            label=_UPLOADS[upload][0],
            family=family,
            settings={"fog-nodes": 3, **_UPLOADS[upload][1]},
            sized_as="" if upload == "per-epoch" else f"{family}-{upload}",
        )
        for family in ("mlp", "cnn")
        for upload in _UPLOADS
    ),
    scales={name: _once(scale) for name, scale in SCALES.items()},
)
