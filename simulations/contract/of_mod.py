"""The contract of a client-side mod."""

from flwr.app import ConfigRecord, Context, Message, MessageType, RecordDict
from flwr.app.typing import ConfigRecordValues

from clients.user_mods import user_mods
from fog_flower.config import RunConfig
from fog_flower.messages import ARRAYS, CONFIG, SERVER_ROUND
from fog_flower.weights import from_record, to_record
from simulations.contract.finding import BrokenContractError, Checks, check_unchanged, same_arrays
from simulations.contract.replies import STEP, WEIGHTS, answer, context_of, identify, node_id
from strategies.updates import read_replies


def checks(config: RunConfig) -> Checks:
    """Return the checks of the mods that ``config`` names, applied together."""
    identify()
    contract = _Contract(config)
    return {
        "answers a train message with an update": contract.answers_with_an_update,
        "sends the same when called twice": contract.is_repeatable,
        "does not change what it is given": contract.changes_nothing,
    }


class _Contract:
    def __init__(self, config: RunConfig) -> None:
        self._config = config

    def answers_with_an_update(self) -> None:
        reply = self._asked()
        nodes = {reply.metadata.src_node_id: 0}
        updates, refusals = read_replies([reply], [], WEIGHTS, nodes)
        if not updates:
            raise BrokenContractError(f"the cloud would refuse its reply: {refusals[0].reason}")

    def is_repeatable(self) -> None:
        replies = [self._asked() for _ in range(2)]
        if not all(reply.has_content() and ARRAYS in reply.content for reply in replies):
            raise BrokenContractError(f"its reply has no {ARRAYS!r}, so no update")
        one, other = (from_record(reply.content.array_records[ARRAYS]) for reply in replies)
        if not same_arrays(one, other):
            raise BrokenContractError(
                "called twice, it sent two different updates; right if it protects somebody, but "
                "then runs cannot be repeated"
            )

    def changes_nothing(self) -> None:
        check_unchanged(STEP, self._asked, "it changed arrays of the reply in place: make new ones")

    def _asked(self) -> Message:
        settings: dict[str, ConfigRecordValues] = {SERVER_ROUND: 1}
        content = RecordDict({CONFIG: ConfigRecord(settings), ARRAYS: to_record(WEIGHTS)})
        question = Message(content, node_id(0), MessageType.TRAIN)
        return user_mods(question, context_of(self._config, 0), _honest)


def _honest(message: Message, context: Context) -> Message:
    return answer(message, STEP, int(context.node_config["partition-id"]))
