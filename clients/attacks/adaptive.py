"""An attacker that knows the default gate, and stays just under its bound."""

import numpy as np
import numpy.typing as npt

from clients.attacks._attacker import Attacker
from clients.attacks._own_cloud import own_evaluators
from clients.attacks.label_flip import flipped
from fog_flower.config import TRUSTED
from fog_flower.tasks.scores import Scores
from fog_flower.weights import Weights, flatten, norm, unflatten
from strategies.gate import Trial
from strategies.gates._agreement import Agreement
from strategies.gates.trusted import Trusted

FURTHEST = 4.0  # times the way from the honest to the flipped update
STEPS = 6  # of the bisection
Vector = npt.NDArray[np.float32]


def adaptive(attacker: Attacker, strength: float = 1.0) -> Weights:
    """Send honest + strength * l * (flipped - honest), with l the largest that passes the gate.

    A white-box attack in the manner of Fang et al. 2020 (arXiv:1911.11815): the first of the
    colluders runs the gate's own code, on its own data instead of the validation images, and with
    the colluders' honest updates instead of those that it cannot see; all go as far as it finds.
    ``flipped`` comes from training on labels 9 - y. As each colluder trains on its own data, they
    do not send the same. Strength 1 is on the bound as the attacker estimates it; more bets on the
    estimate being too careful.
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
    gate = OwnGate(attacker)
    low, high = 0.0, FURTHEST
    for _ in range(STEPS):
        middle = (low + high) / 2
        if gate.lets_in(own + np.float32(middle) * away):
            low = middle
        else:
            high = middle
    return low


class OwnGate:
    """The gate as the attacker can run it: W, the colluders' honest updates, its own images."""

    def __init__(self, attacker: Attacker) -> None:
        config = attacker.config
        self._start = attacker.weights
        self._honest = attacker.honest_updates()
        run_id = attacker.context.run_id
        self._evaluator, reference = own_evaluators(run_id, config, attacker.fog_node)
        self._agreement = Agreement(reference.directions(self._start, attacker.server_round))
        self._gate = Trusted(**(config.gate_args if config.gate == TRUSTED else {}))

    def lets_in(self, candidate: Vector) -> bool:
        """Tell whether the gate would accept this update beside the honest ones."""
        updates = [*self._honest, unflatten(candidate, self._start)]
        vectors = np.stack([flatten(update) for update in updates])
        start = flatten(self._start)

        def score(numbers: tuple[int, ...], first: int, stop: int) -> Scores:
            merged = start + vectors[list(numbers)].mean(axis=0) if numbers else start
            weights = unflatten(merged, self._start)
            scores: Scores = self._evaluator.score(weights, np.arange(first, stop))
            return scores

        trial = Trial(
            [norm(update) for update in updates],
            score,
            len(self._evaluator),
            lambda: self._agreement.trust(vectors),
        )
        return self._gate.judge(trial)[-1].accepted
