"""The contract of an attack."""

from clients.attacks import ATTACKS
from clients.attacks._attacker import AttackCrashError
from fog_flower.config import RunConfig
from fog_flower.data.load import load_dataset
from fog_flower.weights import Weights
from simulations.contract.finding import BrokenContractError, Checks, check_unchanged, same_arrays
from simulations.contract.made_up_model import initial_weights
from simulations.contract.rehearsed_attacker import RehearsedAttacker, arrays_of, rehearsed
from strategies.questions import listed


def checks(config: RunConfig) -> Checks:
    """Return the checks of the attack that ``config`` names."""
    contract = _Contract(config)
    return {
        "sends an update in every round": contract.sends_an_update,
        "sends the shapes and dtypes of dW": contract.is_taken,
        "sends the same when called twice": contract.is_repeatable,
        "does not change what it is given": contract.changes_nothing,
    }


class _Contract:
    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._attack = ATTACKS.load(config.attack)
        self._dataset = load_dataset(config)
        self._weights = initial_weights(config, self._dataset)
        self._known: dict[int, Weights | None] = {}  # what was sent in a round

    def sends_an_update(self) -> None:
        for server_round in (1, 2, 3):
            self._sent_in(server_round)

    def is_taken(self) -> None:
        sent = self._sent_in(1)
        if sent is None:
            return
        wanted = self._attacker().honest_update
        ours, theirs = ([(a.shape, a.dtype) for a in one] for one in (wanted, sent))
        if ours != theirs:
            raise BrokenContractError(
                f"the cloud refuses arrays {listed(sent)}, because dW has {listed(wanted)}; "
                "a run with it does not start"
            )

    def is_repeatable(self) -> None:
        one, other = self._sent_in(1), self._sent_by(self._attacker())
        if one is not None and other is not None and not same_arrays(one, other):
            raise BrokenContractError(
                "called twice, it sent two different updates: draw from attacker.rng"
            )

    def changes_nothing(self) -> None:
        one = self._attacker()
        given = [one.data.inputs, one.data.targets, *one.weights, *one.honest_update]
        check_unchanged(
            given,
            lambda: self._sent_by(one),
            "it changed attacker.data, attacker.weights or attacker.honest_update in place: work "
            "on copies",
        )

    def _sent_in(self, server_round: int) -> Weights | None:
        """Return the dW of a round, made once: an attack that knows the gate takes seconds."""
        if server_round not in self._known:
            self._known[server_round] = self._sent_by(self._attacker(server_round))
        return self._known[server_round]

    def _attacker(self, server_round: int = 1) -> RehearsedAttacker:
        node = min(self._config.malicious_nodes)
        return rehearsed(self._config, self._dataset, self._weights, node, server_round)

    def _sent_by(self, attacker: RehearsedAttacker) -> Weights | None:
        """Return the dW that the attack sends; None if it crashes on purpose."""
        try:
            return arrays_of(attacker.send(self._attack))
        except AttackCrashError:
            return None
