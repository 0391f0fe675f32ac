"""The contract of a protection, which an end node applies to its share."""

from clients.end_node import EndNode
from clients.fog_node import gather
from clients.privacy import PROTECTIONS
from clients.privacy._context import Context
from clients.privacy.build import built
from clients.shipment import RefusedShipmentError
from fog_flower.causes import in_user_code
from fog_flower.config import SEEDED, RunConfig
from fog_flower.data.load import load_dataset, preprocess_of
from fog_flower.tasks.examples import Examples, Spec
from simulations.contract.finding import BrokenContractError, Checks, check_unchanged, same_arrays


def checks(config: RunConfig) -> Checks:
    """Return the checks of the protections that ``config`` names, applied in order."""
    contract = _Contract(config)
    return {
        "returns examples of the same shape and dtype": contract.returns_examples,
        "ships what a fog node takes": contract.is_taken,
        "does the same twice with noise-source=seeded": contract.is_repeatable,
        "does not change what it is given": contract.changes_nothing,
    }


class _Contract:
    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._dataset = load_dataset(config)
        self._preprocess = preprocess_of(config, self._dataset, self._dataset.train)

    def returns_examples(self) -> None:
        found, wanted = self._protected(self._share()), self._dataset.spec
        if not isinstance(found, Examples):
            raise BrokenContractError(f"returned {type(found).__name__}, not Examples")
        spec = Spec(found.inputs.shape[1:], str(found.inputs.dtype))
        if spec != wanted:
            raise BrokenContractError(f"inputs are {spec}, not {wanted}")
        if problem := self._dataset.task.problem(found.targets):
            raise BrokenContractError(problem)

    def is_taken(self) -> None:
        task = self._dataset.task
        shipment = EndNode(0, 0, self._dataset.train).ship(self._config, task, self._preprocess)
        try:
            gather(0, [(0, shipment)], self._dataset.spec, task)
        except RefusedShipmentError as error:
            raise BrokenContractError(str(error)) from error

    def is_repeatable(self) -> None:
        if self._config.noise_source != SEEDED:
            return
        one, other = (self._protected(self._share()) for _ in range(2))
        if not same_arrays([one.inputs, one.targets], [other.inputs, other.targets]):
            raise BrokenContractError(
                "with noise-source=seeded it gave two different results: draw from context.rng(...)"
            )

    def changes_nothing(self) -> None:
        given = self._share()
        check_unchanged(
            [given.inputs, given.targets],
            lambda: self._protected(given),
            "it changed the share in place: work on a copy",
        )

    def _share(self) -> Examples:
        train = self._dataset.train
        return Examples(self._preprocess(train.inputs).copy(), train.targets.copy())

    def _protected(self, share: Examples) -> Examples:
        spec, task, deviation = self._dataset.spec, self._dataset.task, self._preprocess.deviation
        context = Context(self._config, 0, 0, spec, task, deviation)
        for text, protection in built(PROTECTIONS, self._config.protection):
            with in_user_code(f"protection={text!r}"):
                share = protection(share, context)
        return share
