"""A dW with a lie about how many examples it was trained on."""

import dataclasses

from fog_flower.weights import Weights


@dataclasses.dataclass(frozen=True)
class Claimed:
    """What an attack returns to claim another number of examples than it has.

    Attributes
    ----------
    delta : Weights
    num_examples : int
        At most ``train-examples``: the cloud refuses more.
    """

    delta: Weights
    num_examples: int
