"""The systems that the paper compares itself with, as far as they can be reproduced here."""

import dataclasses
from collections.abc import Mapping

from fog_flower.architecture import Scalar
from simulations.experiments.experiment import Cell, Experiment, Scale

NODES = (3, 5, 7)
DENSE = "dense"  # the reference for numbers of bytes


@dataclasses.dataclass(frozen=True)
class Method:
    """One of the systems.

    Attributes
    ----------
    label : str
        Name, with its source.
    family : str
        Its model and training.
    settings : mapping
        Its run-config keys; the value ``NODES`` stands for the number of fog nodes.
    printed : mapping
        Data set -> the accuracy that the paper quotes, or its source prints.
    reading : str
        How the original differs, or is unknown, and what is done here instead.
    """

    label: str
    family: str
    settings: Mapping[str, Scalar]
    printed: Mapping[str, float] = dataclasses.field(default_factory=dict)
    reading: str = ""


_SHOKRI = {"mnist": 0.9914, "svhn": 0.9312}
METHODS: dict[str, Method] = {
    DENSE: Method("all of dW (Shokri & Shmatikov 2015, theta 1)", "cnn", {}),
    "selective-0.1": Method(
        "the tenth of dW that is largest (theta 0.1)",
        "cnn",
        {"fog-protection": "selective(fraction=0.1)"},
        _SHOKRI,
        "theirs is asynchronous, with a CNN of their own and 30 participants or more; the rest "
        "that was not sent is dropped here",
    ),
    "selective-0.01": Method(
        "the hundredth that is largest (theta 0.01)",
        "cnn",
        {"fog-protection": "selective(fraction=0.01)"},
    ),
    "masked": Method(
        "sums of all dW alone (Phong et al. 2018)",
        "cnn",
        {"mask-groups": "NODES"},
        reading="masks in the place of homomorphic encryption: sums as exact, and fewer bytes",
    ),
    "fppdl": Method(
        "random projection and DP-SGD (FPPDL, Lyu et al. 2020)",
        "mlp-private",
        {
            "protection": "projection(dimensions=384)",
            "fog-protection": "dp-sgd(epsilon=8,delta=1e-5,clip=1)",
        },
        {"mnist": 0.9331, "svhn": 0.8427},
        "neither dimensions nor epsilon of the quoted figures are given; their blockchain and "
        "credits are left out",
    ),
    **{
        f"abadi-{epsilon}": Method(
            f"DP-SGD, epsilon {epsilon} (Abadi et al. 2016)",
            "mlp-private",
            {"protection": "", "fog-protection": f"dp-sgd(epsilon={epsilon},delta=1e-5,clip=1)"},
            {"mnist": printed},
            "theirs is one node with 60,000 examples, and 60 private principal components before "
            "the network",
        )
        for epsilon, printed in (("8", 0.97), ("2", 0.95), ("0.5", 0.90))
    },
}


def _cell(name: str, nodes: int) -> Cell:
    method = METHODS[name]
    settings: dict[str, Scalar] = {"fog-nodes": nodes, "protection": "", "fog-protection": ""}
    settings |= {key: nodes if one == "NODES" else one for key, one in method.settings.items()}
    return Cell(f"{name}-fog-{nodes}", f"{method.label}; {nodes} nodes", method.family, settings)


def _scale(name: str, train: int, test: int, rounds: int, note: str) -> Scale:
    common: dict[str, Scalar] = {
        "train-examples": train,
        "validation-examples": 1_000,
        "local-validation-examples": 100,
        "test-examples": test,
        "gate": "off",  # nobody is malicious
        "end-nodes": 6,
        "num-server-rounds": rounds,
        "learning-rate-schedule": "cosine",
    }
    plain = {"batch-size": 16, "learning-rate": 0.05}
    private = {"batch-size": 256, "learning-rate": 0.5}
    return Scale(
        name=name,
        settings={
            "cnn": {**common, **plain, "model": "cnn-small"},
            "mlp-private": {**common, **private, "model": "mlp-narrow"},
        },
        engine="inline",
        seeded_data=True,
        note=note,
    )


LITERATURE = Experiment(
    name="literature",
    source="the systems of the paper's section on related work",
    varies="what leaves the tiers, and 3, 5 and 7 fog nodes",
    cells=tuple(_cell(name, nodes) for name in METHODS for nodes in NODES),
    scales={
        "reduced": _scale(
            "reduced",
            12_000,
            5_000,
            10,
            "reduced: 12,000 training examples, 10 rounds, small models (cnn-small, mlp-narrow)",
        ),
        "full": _scale(
            "full",
            0,
            0,
            20,
            "all training examples, 20 rounds, small models (cnn-small, mlp-narrow)",
        ),
    },
)
