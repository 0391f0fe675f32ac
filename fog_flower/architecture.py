"""The two architectures: fog, and the paper's baseline, a cloud that has all raw data."""

from collections.abc import Mapping

Scalar = bool | int | float | str

FOG, CENTRALIZED = "fog", "centralized"

# The baseline is plain SGD over all raw images. As a Flower run it has one node, the cloud's own
# trainer. W + (W_local - W) is W_local, so it leaves the same records, and every table and plot
# treats it as one more architecture.
CENTRALIZED_SETTINGS: Mapping[str, Scalar] = {
    "fog-nodes": 1,
    "end-nodes": 1,
    "partition": "iid",
    "share-fraction": 1.0,
    "protection": "",
    "fog-protection": "",
    "noise-sigma": 0.0,
    "upload": "per-epoch",
    "local-epochs": 1,
    "strategy": "FedAvg",
    "strategy-args": "",
    "fraction-train": 1.0,
    "gate": "off",
    "merge": "mean",
    "attack": "none",
}


def settings_of(architecture: str) -> Mapping[str, Scalar]:
    """Return the settings that an architecture fixes, whatever the run config says."""
    return CENTRALIZED_SETTINGS if architecture == CENTRALIZED else {}
