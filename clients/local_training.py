"""Local training of a fog node: from a train message to the reply, with caches per process."""

import dataclasses
import functools
from typing import TYPE_CHECKING

from flwr.app import ConfigRecord, Context, Message, MetricRecord, RecordDict

from clients.end_node import EndNode, shared_examples
from clients.fog_node import NodeData, gather
from clients.local_result import LocalResult
from clients.node_store import stored_data
from clients.privacy._fog_context import FogContext
from clients.privacy.disclosed import told_count, with_metrics, without_metrics
from clients.privacy.fog_protection import private_training, protected, told_of_private
from fog_flower.code_identity import code_identity
from fog_flower.config import RunConfig
from fog_flower.data.field import Field, prepare_field
from fog_flower.errors import UserError
from fog_flower.messages import (
    ARRAYS,
    CONFIG,
    METRICS,
    NODE,
    NUM_EXAMPLES,
    PARTITION_ID,
    PROXIMAL_MU,
    round_of,
)
from fog_flower.privacy.disclosure import DROPPED, LAPLACE
from fog_flower.scratch import clear_old_scratch, mark_used, scratch_dir
from fog_flower.simulated import check_noise_source, is_simulated_node
from fog_flower.sparse import to_sparse_record
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task
from fog_flower.weights import Weights, to_record, views_of

if TYPE_CHECKING:
    from clients.training import Trainer


def who(context: Context) -> tuple[int, RunConfig]:
    """Return the partition id of this fog node, and the run's configuration.

    Raises
    ------
    UserError
        If the SuperNode has no valid ``partition-id``, or its ``noise-source`` would not protect
        anybody here.
    """
    config = RunConfig.from_run_config(context.run_config)
    check_noise_source(config, simulated=is_simulated_node(context))
    told = context.node_config.get(PARTITION_ID)
    if type(told) is not int or not 0 <= told < config.fog_nodes:
        problem = "without a partition-id" if told is None else f"with partition-id={told!r}"
        raise UserError(
            f"this SuperNode was started {problem}: start it with --node-config "
            f'"partition-id=0 num-partitions={config.fog_nodes}", each with a number of its own '
            f"from 0 to {config.fog_nodes - 1}"
        )
    return told, config


def train_on(data: NodeData, message: Message, config: RunConfig, fog_node: int) -> LocalResult:
    """Train on ``data`` from the W in ``message``, and protect dW as configured."""
    instructions = message.content.config_records[CONFIG]
    return released_update(
        config,
        views_of(message.content.array_records[ARRAYS]),
        data,
        fog_node=fog_node,
        server_round=round_of(message),
        mu=float(instructions.get(PROXIMAL_MU, 0.0)),  # type: ignore[arg-type]
    )


def released_update(
    config: RunConfig,
    start: Weights,
    data: NodeData,
    *,
    fog_node: int,
    server_round: int,
    mu: float = 0.0,
) -> LocalResult:
    """Train from W, and return dW and metrics after all protections of the fog node.

    Parameters
    ----------
    config : RunConfig
    start : Weights
        W.
    data : NodeData
    fog_node, server_round : int
        Key the shuffles and, if noise is seeded, the noise.
    mu : float
        Weight of FedProx' proximal term; 0 is plain SGD.
    """
    place = {"fog_node": fog_node, "server_round": server_round}
    trainer = trainer_of(config)
    result = trainer.train(config, start, data, **place, mu=mu)
    if config.training_metrics.how == DROPPED:
        result = without_metrics(result)
    if config.training_metrics.how == LAPLACE:
        losses, right = trainer.judge(start, data)
        result = with_metrics(result, config, losses, right, **place)
    if not config.fog_protection:
        return result
    context = FogContext(config, fog_node, server_round, len(data.targets))
    return dataclasses.replace(result, delta=protected(result.delta, context))


def answer(
    result: LocalResult, num_examples: int, message: Message, fog_node: int, *, packed: bool = False
) -> Message:
    """Return the reply to a train message, with dW and metrics; ``packed`` omits zeros of dW."""
    metrics: dict[str, int | float | list[int] | list[float]] = {
        PARTITION_ID: fog_node,
        NUM_EXAMPLES: num_examples,
        "loss": result.loss,
        "accuracy": result.accuracy,
        "seconds": result.seconds,
    }
    content = RecordDict(
        {
            ARRAYS: (to_sparse_record if packed else to_record)(result.delta),
            METRICS: MetricRecord(metrics),
            NODE: ConfigRecord({"code": code_identity()}),
        }
    )
    return Message(content, reply_to=message)


def examples_of(field: Field, config: RunConfig, fog_node: int) -> int:
    """Return the number of examples that end nodes ship to a fog node."""
    return sum(shared_examples(config, len(shard)) for shard in field.shards[fog_node])


# Actors live as long as the run, so these caches last from round to round. A process may make many
# runs one after the other: a trainer serves all of them, data is dropped with its run.

_data_of_run: dict[int, dict[int, NodeData]] = {}


def trainer_of(config: RunConfig) -> "Trainer":
    """Return the trainer for a configuration, which is cached in this process."""
    from fog_flower.tensorflow_setup import configure_tensorflow  # noqa: PLC0415

    configure_tensorflow(config.client_threads)
    field = prepare_field(config)
    dataset = field.dataset
    return _trainer(
        config.model,
        config.clip_norm,
        precision_of(config),
        dataset.spec,
        dataset.task,
        config.fog_protection,
    )


@functools.lru_cache(maxsize=2)
def precision_of(config: RunConfig) -> str:
    """Return the precision in which this machine trains."""
    from fog_flower.tensorflow_setup import precision_here  # noqa: PLC0415

    return precision_here(config.precision)


def node_data(run_id: int, config: RunConfig, fog_node: int, *, build: bool = True) -> NodeData:
    """Return a fog node's noisy data, built once per run; remove the data of old runs.

    Raises
    ------
    UserError
        If it has to be built, but ``build`` is false.
    """
    mark_used(run_id)  # before old ones go, or a node that idled for long would draw noise again
    if run_id not in _data_of_run:
        _data_of_run.clear()
        clear_old_scratch()
    nodes = _data_of_run.setdefault(run_id, {})
    if fog_node not in nodes:
        folder = scratch_dir(run_id) / f"fog-node-{fog_node}"

        def built() -> NodeData:
            if not build:
                raise UserError(
                    f"{folder} is gone, and with it what end nodes drew for this run: noise or a "
                    "share that is drawn again costs epsilon again, so this node takes no further "
                    "part; keep the folder during a run, or start a new run"
                )
            return build_node_data(config, fog_node)

        nodes[fog_node] = stored_data(folder, built)
    return nodes[fog_node]


@functools.lru_cache(maxsize=2)
def _trainer(
    model: str,
    clip_norm: float,
    precision: str,
    spec: Spec,
    task: Task,
    protection: tuple[str, ...],
) -> "Trainer":
    from clients.training import Trainer  # noqa: PLC0415  (TensorFlow, only where one trains)
    from fog_flower.build_model import build_model  # noqa: PLC0415

    private = private_training(protection)
    what = told_of_private(protection, model) if private else f"model={model!r}"
    built = build_model(model, spec, task, 0, precision)
    return Trainer(built, spec, task, clip_norm, private, what)


def build_node_data(config: RunConfig, fog_node: int) -> NodeData:
    """Simulate the end nodes of one fog node, and gather their shipments."""
    field = prepare_field(config)
    task, spec = field.dataset.task, field.dataset.spec
    end_nodes = (
        EndNode(fog_node, number, field.train.take(shard))
        for number, shard in enumerate(field.shards[fog_node])
    )
    shipments = ((node.end_node, node.ship(config, task, field.preprocess)) for node in end_nodes)
    data = gather(fog_node, shipments, spec, task)
    told = told_count(config, len(data.targets), fog_node)
    return dataclasses.replace(data, told_examples=told)
