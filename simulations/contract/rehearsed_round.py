"""Tries a user's own strategy and client-side mods on random updates, before round 1."""

import math
from collections.abc import Sequence

import numpy as np
from flwr.app import ConfigRecord, Context, Message
from flwr.serverapp.strategy import Strategy

from clients.local_result import LocalResult
from clients.local_training import answer
from clients.privacy.fog_protection import packs, private_training
from clients.user_mods import KEY, user_mods
from fog_flower.config import MEAN, RunConfig
from fog_flower.data.dataset import Dataset
from fog_flower.errors import UserError
from fog_flower.messages import ARRAYS, round_of
from fog_flower.privacy.disclosure import DROPPED
from fog_flower.seeds import generator
from fog_flower.weights import from_record, to_record
from simulations.contract.rehearsed_gate import cloud_parts
from simulations.contract.replies import FakeGrid, context_of, identify, made_up_step, node_id
from simulations.engines.inline_grid import copied
from strategies.build import inner_strategy
from strategies.validated_merge import ValidatedMerge

ROUNDS = 2  # the second one finds what a strategy has kept from the first
EXAMPLES = 20


def rehearse_round(config: RunConfig, dataset: Dataset, weights: Sequence[np.ndarray]) -> None:
    """Let the configured strategy ask and merge, and the configured mods answer, for two rounds.

    Each fog node sends a small random dW. Only errors and what cannot be sent or merged are
    refused: how good a merge is depends on the data. A strategy that asks more of the grid than
    its node ids cannot be tried here, and passes.

    Parameters
    ----------
    config : RunConfig
    dataset : Dataset
        Provides examples for a strategy that trains in the cloud itself.
    weights : sequence of arrays
        W.

    Raises
    ------
    UserError
        If the strategy or a mod fails, or returns something that cannot be used.
    """
    identify()
    grid, strategy = _NodesOnly(config.fog_nodes), inner_strategy(config)
    _give_cloud_parts(strategy, config, dataset)
    nodes = {node_id(number): number for number in range(config.fog_nodes)}
    merge = ValidatedMerge(
        strategy,
        fog_nodes=nodes,
        seed=config.seed,
        scale_to_sum=config.merge != MEAN,
        client_mods=bool(config.client_mods),
    )
    contexts = {node: context_of(config, number) for node, number in nodes.items()}
    record = to_record(weights)
    try:
        for server_round in range(1, min(ROUNDS, config.num_server_rounds) + 1):
            questions = merge.configure_train(
                server_round,
                record,
                ConfigRecord({}),
                grid,  # type: ignore[arg-type]
            )
            replies = [
                user_mods(copied(question), contexts[question.metadata.dst_node_id], _honest)
                for question in questions
            ]
            record = merge.aggregate_train(server_round, _seen(config, replies))[0] or record
            if config.client_mods and all(reply.has_content() for reply in replies):
                _check_usable(config, merge)
    except UserError as error:
        if not grid.was_asked:
            raise _named(config, strategy, error) from error


class _NodesOnly(FakeGrid):
    """A grid without nodes behind its ids, which notes whether more than the ids was asked for."""

    was_asked = False

    def __getattr__(self, name: str) -> object:
        self.was_asked = True
        raise AttributeError(name)


def _give_cloud_parts(strategy: Strategy, config: RunConfig, dataset: Dataset) -> None:
    """Give a strategy what trains in the cloud, if it has a place for it."""
    if not (hasattr(strategy, "reference_trainer") or hasattr(strategy, "cloud_trainer")):
        return
    _, reference, trainer = cloud_parts(config, dataset)
    if hasattr(strategy, "reference_trainer"):
        strategy.reference_trainer = reference
    if hasattr(strategy, "cloud_trainer"):
        strategy.cloud_trainer = trainer


def _honest(message: Message, context: Context) -> Message:
    """Reply as a fog node does that was trained, with a small random dW."""
    config = RunConfig.from_run_config(context.run_config)
    fog_node = int(context.node_config["partition-id"])
    try:
        start, server_round = message.content.array_records[ARRAYS], round_of(message)
    except KeyError as error:
        raise UserError(
            f"{KEY}={','.join(config.client_mods)!r}: called call_next with a message that has no "
            f"{error}; pass on the message, with all that it holds"
        ) from error
    delta = made_up_step(
        from_record(start), generator(config.seed, "rehearsed-round", fog_node, server_round)
    )
    silent = config.training_metrics.how == DROPPED or config.mask_groups > 0
    silent = silent or private_training(config.fog_protection) is not None
    loss, accuracy = (math.nan, math.nan) if silent else (1.0, 0.5)
    result = LocalResult(delta, loss, accuracy, 0.1)
    return answer(result, EXAMPLES, message, fog_node, packed=packs(config))


def _seen(config: RunConfig, replies: list[Message]) -> list[Message]:
    """Return as many replies as a strategy sees: of masked groups it sees one mean each."""
    return replies[: len(replies) // config.mask_groups] if config.mask_groups else replies


def _check_usable(config: RunConfig, merge: ValidatedMerge) -> None:
    """Raise if mods left no reply with an update; those of single nodes may be meant."""
    verdicts = merge.report.verdicts if merge.report else ()
    if verdicts and not any(verdict.accepted for verdict in verdicts):
        raise UserError(
            f"{KEY}={','.join(config.client_mods)!r}: the cloud would refuse the reply of every "
            f"fog node ({verdicts[0].reason}); keep the records of the reply that call_next "
            "returned, and the shapes and dtypes of its arrays"
        )


def _named(config: RunConfig, strategy: Strategy, error: UserError) -> UserError:
    """Return an error that begins with the key and value at fault, and says when it was found."""
    text, own = str(error), f"strategy {type(strategy).__name__}: "
    if not text.startswith(own):
        return error
    return UserError(
        f"strategy={config.strategy!r}: tried on random updates before the run: "
        f"{text.removeprefix(own)}; fog-flower check strategy {config.strategy} tries it again"
    )
