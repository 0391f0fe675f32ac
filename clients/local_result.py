"""What a fog node found in one round."""

import dataclasses

from fog_flower.weights import Weights


@dataclasses.dataclass(frozen=True)
class LocalResult:
    """What a fog node found in one round.

    Attributes
    ----------
    delta : Weights
        dW, as uploaded.
    loss, accuracy : float
        Keras' running training figures of the last epoch, on the node's noisy data.
    seconds : float
        Of training.
    """

    delta: Weights
    loss: float
    accuracy: float
    seconds: float
