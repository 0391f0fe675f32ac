"""The result of a fog node's local training."""

import dataclasses

from fog_flower.weights import Weights


@dataclasses.dataclass(frozen=True)
class LocalResult:
    """The result of a fog node's local training in one round.

    Attributes
    ----------
    delta : Weights
        dW, as uploaded.
    loss, accuracy : float
        Keras' running training metrics of the last epoch, on the node's noisy data. With
        ``training-metrics`` of kind ``laplace``, those of W with noise; NaN if they are not sent.
    seconds : float
        Duration of the training.
    """

    delta: Weights
    loss: float
    accuracy: float
    seconds: float
