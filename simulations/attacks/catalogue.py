"""All attacks: what each does, where it comes from, and its usual strength."""

import dataclasses
import math
from collections.abc import Callable

from flwr.app import Message

from clients.local_training import field_of
from fog_flower.messages import ARRAYS
from fog_flower.weights import Weights, from_record
from simulations.attacks.adaptive import just_under_the_bound
from simulations.attacks.attacker import Attacker
from simulations.attacks.failures import crash, slow
from simulations.attacks.poisoned_data import flip_labels, plant_backdoor
from simulations.attacks.poisoned_updates import (
    a_little_is_enough,
    constant,
    gaussian,
    inner_product,
    little_enough,
    scaled,
)
from simulations.attacks.trigger import WHITE


@dataclasses.dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes
    ----------
    answer : callable
        The malicious reply.
    strength : callable
        From (fog nodes, malicious nodes) to the usual strength.
    about : str
        What it does, what its strength means, and its source.
    """

    answer: Callable[[Attacker], Message]
    strength: Callable[[int, int], float]
    about: str


def _poisoned(poison: Callable[[Attacker, Weights], Weights]) -> Callable[[Attacker], Message]:
    """Return an attack that replaces the arrays of the honest reply."""

    def answer(attacker: Attacker) -> Message:
        return attacker.answer_with(poison(attacker, attacker.honest_update))

    return answer


def _label_flip(attacker: Attacker) -> Message:
    return attacker.answer_trained_on(flip_labels(attacker.data, attacker.strength, attacker.rng))


def _backdoor(attacker: Attacker) -> Message:
    white = field_of(attacker.config).normaliser(WHITE)
    return attacker.answer_trained_on(
        plant_backdoor(attacker.data, attacker.strength, white, attacker.rng)
    )


def _replacement(attacker: Attacker) -> Message:
    """Send strength * dW of a model trained on flipped labels."""
    flipped = flip_labels(attacker.data, 1.0, attacker.rng)
    reply = attacker.answer_trained_on(flipped)
    target = from_record(reply.content.array_records[ARRAYS])
    return attacker.answer_with(scaled(target, attacker.strength))


def _one(_fog_nodes: int, _malicious: int) -> float:
    return 1.0


CATALOGUE: dict[str, Attack] = {
    "label-flip": Attack(
        _label_flip, _one, "trains on labels 9 - y; strength: the fraction flipped"
    ),
    "sign-flip": Attack(
        _poisoned(lambda a, dw: scaled(dw, -a.strength)),
        _one,
        "sends -strength * dW (Li et al. 2019, RSA, arXiv:1811.03761)",
    ),
    "amplified": Attack(
        _poisoned(lambda a, dw: scaled(dw, a.strength)),
        lambda *_: 100.0,
        "sends strength * dW: the right direction, much too far (Bhagoji et al. 2019, "
        "arXiv:1811.12470, boost so)",
    ),
    "gaussian": Attack(
        _poisoned(lambda a, dw: gaussian(dw, a.strength, a.rng)),
        _one,
        "sends noise of strength times the size of dW (Blanchard et al. 2017)",
    ),
    "replacement": Attack(
        _replacement,
        lambda n, m: n / m,
        "sends strength * dW towards a model trained on flipped labels, so that the mean becomes "
        "that model (Bagdasaryan et al. 2020, arXiv:1807.00459)",
    ),
    "zero": Attack(
        _poisoned(lambda _a, dw: constant(dw, 0.0)),
        _one,
        "sends zeros: a free rider (Lin et al. 2019, arXiv:1911.12560)",
    ),
    "constant": Attack(
        _poisoned(lambda a, dw: constant(dw, a.strength)), lambda *_: 0.01, "sends one number"
    ),
    "nan": Attack(_poisoned(lambda _a, dw: constant(dw, math.nan)), _one, "sends NaN"),
    "inf": Attack(_poisoned(lambda _a, dw: constant(dw, math.inf)), _one, "sends infinity"),
    "inner-product": Attack(
        lambda a: a.answer_with(inner_product(a.honest_updates(), a.strength)),
        _one,
        "sends -strength * mean of the colluders' honest updates (Xie et al. 2020)",
    ),
    "alie": Attack(
        lambda a: a.answer_with(a_little_is_enough(a.honest_updates(), a.strength)),
        little_enough,
        "sends mean - strength * standard deviation of the colluders' honest updates "
        "(Baruch et al. 2019)",
    ),
    "adaptive": Attack(
        just_under_the_bound,
        _one,
        "knows the default gate, and goes as far towards flipped labels as it lets it; strength: "
        "times that far (Fang et al. 2020)",
    ),
    "backdoor": Attack(
        _backdoor,
        lambda *_: 0.3,
        "trains honestly, but a white square in the corner means 0; strength: the fraction of "
        "images with it (Gu et al. 2017, BadNets)",
    ),
    "crash": Attack(crash, _one, "raises"),
    "slow": Attack(
        slow,
        _one,
        "answers honestly, strength seconds late; beyond round-timeout it has dropped out",
    ),
}
