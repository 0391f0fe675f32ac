"""What must be unchanged when a run continues, besides its configuration."""

from fog_flower.code_identity import code_identity
from fog_flower.config import RunConfig
from fog_flower.records.environment import onednn, versions
from fog_flower.tensorflow_setup import precision_here
from fog_flower.user_code import user_code
from fog_flower.variables import ONEDNN_VARIABLE

_COMPUTE = ("flwr", "tensorflow", "keras", "numpy")


def conditions(config: RunConfig, data_sha256: str) -> dict[str, str]:
    """Return the identities of code, data, precision and libraries here, by readable names."""
    installed = versions()
    decides = user_code(config.changed({"trackers": ""}))  # trackers do not affect results
    own = {f"the code in {name}": digest for name, digest in decides.items()}
    return {
        "fog-flower's code": code_identity(),
        **own,
        "data": data_sha256,
        "precision": precision_here(config.precision),
        ONEDNN_VARIABLE: onednn(),
        **{name: installed[name] for name in _COMPUTE},
    }
