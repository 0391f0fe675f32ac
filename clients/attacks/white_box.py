"""Searches the update that does most harm in its round, behind the run's own gate."""

import numpy as np
import numpy.typing as npt

from clients.attacks._attacker import Attacker
from clients.attacks._own_cloud import OwnCloud, disguised
from clients.attacks.label_flip import flipped
from fog_flower.weights import Weights, flatten, unflatten

Vector = npt.NDArray[np.float64]
# Known attacks as factors of the four directions: sign flip, ALIE, flipped labels, loss ascent,
# loss ascent plus the mean, a weak sign flip.
KNOWN = (
    (-1.0, 0.0, 0.0, 0.0),
    (1.0, -1.5, 0.0, 0.0),
    (1.0, 0.0, 1.0, 0.0),
    (0.0, 0.0, 0.0, 1.0),
    (1.0, 0.0, 0.0, 1.0),
    (-0.1, 0.0, 0.0, 0.0),
)
WIDTH = 0.5  # standard deviation of the first search steps, in lengths of the mean honest update


def white_box(attacker: Attacker, strength: float = 24.0) -> Weights:
    """Send the most harmful of ``strength`` candidates, tried on a private copy of the gate.

    The attacker knows the honest updates of all honest nodes, the gate's code and arguments, and
    examples like the cloud's, but not the cloud's own. Candidates are combinations of four
    directions, each as long as the mean honest update: the mean and the standard deviation of
    honest updates, training on flipped labels, and loss ascent. Known attacks are tried first. A
    (1 + 1) evolution strategy with the 1/5 success rule (Rechenberg 1973) continues from the best
    one. Harm is the loss, on the leader's own data, of what the gate would merge.
    """
    directions = attacker.shared("directions", lambda: [_directions(attacker.leader)])[0]
    found = attacker.shared(
        "white-box", lambda: [_searched(attacker.leader, directions, int(strength))]
    )
    sent = found[0].astype(np.float32) @ directions
    return unflatten(disguised(sent, attacker.rng), attacker.honest_update)


def _directions(leader: Attacker) -> npt.NDArray[np.float32]:
    rows = np.stack([flatten(update) for update in leader.others_updates()])
    mean, own = rows.mean(axis=0), flatten(leader.honest_update)
    away = flatten(leader.trained_on(flipped(leader, 1.0)).delta) - own
    uphill = flatten(OwnCloud(leader).gradient(leader.weights))
    length = float(np.linalg.norm(mean))
    directions = [mean, rows.std(axis=0), away, uphill]
    return np.stack([d * np.float32(length / (np.linalg.norm(d) or 1.0)) for d in directions])


def _searched(leader: Attacker, directions: npt.NDArray[np.float32], budget: int) -> Vector:
    cloud, rng = OwnCloud(leader), leader.seeded(leader.fog_node)
    best, most, width = np.zeros(len(directions)), -np.inf, WIDTH
    for number in range(max(budget, 1)):
        if number < len(KNOWN):
            candidate = np.array(KNOWN[number], np.float64)
        else:
            candidate = best + width * rng.standard_normal(len(directions))
        harm = cloud.harm(candidate.astype(np.float32) @ directions)
        better = harm > most
        if better:
            best, most = candidate, harm
        if number >= len(KNOWN):
            width *= 1.5 if better else 1.5**-0.25
    return best
