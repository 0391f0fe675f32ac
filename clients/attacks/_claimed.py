"""A dW with a false number of examples."""

import dataclasses

from fog_flower.weights import Weights


@dataclasses.dataclass(frozen=True)
class Claimed:
    """The dW of an attack that claims another number of examples than it has.

    Attributes
    ----------
    delta : Weights
    num_examples : int
        The claim; at most ``train-examples``, because the cloud refuses more.
    """

    delta: Weights
    num_examples: int
