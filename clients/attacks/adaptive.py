"""An attack that knows the gate, and goes as far as the gate accepts."""

import numpy as np
import numpy.typing as npt

from clients.attacks._attacker import Attacker
from clients.attacks._own_cloud import OwnCloud
from clients.attacks.label_flip import flipped
from fog_flower.weights import Weights, flatten, unflatten

FURTHEST = 4.0  # in lengths of the way from the honest to the flipped update
STEPS = 6  # bisection steps
Vector = npt.NDArray[np.float32]


def adaptive(attacker: Attacker, strength: float = 1.0) -> Weights:
    """Send honest + strength * l * (flipped - honest), with l the largest that passes the gate.

    A white-box attack similar to Fang et al. 2020 (arXiv:1911.11815). The first of the colluders
    runs the gate's own code, on its own data in place of the validation examples, and with the
    colluders' honest updates in place of those that it cannot see. All colluders use the l that it
    finds. ``flipped`` is the update of training on flipped labels (9 - y for ten classes). Each
    colluder trains on its own data, so they do not send the same. Strength 1 is at the estimated
    bound of the gate; a larger one assumes that the estimate is too careful.
    """
    (far,) = attacker.shared("how-far", lambda: [np.array(_how_far(attacker.leader))])
    own, away = _honest_and_away(attacker)
    sent = own + np.float32(strength * float(far)) * away
    return unflatten(sent, attacker.honest_update)


def _honest_and_away(attacker: Attacker) -> tuple[Vector, Vector]:
    own = flatten(attacker.honest_update)
    return own, flatten(attacker.trained_on(flipped(attacker, 1.0)).delta) - own


def _how_far(attacker: Attacker) -> float:
    own, away = _honest_and_away(attacker)
    cloud, beside = OwnCloud(attacker), [flatten(update) for update in attacker.honest_updates()]
    low, high = 0.0, FURTHEST
    for _ in range(STEPS):
        middle = (low + high) / 2
        if cloud.lets_in(own + np.float32(middle) * away, beside):
            low = middle
        else:
            high = middle
    return low
