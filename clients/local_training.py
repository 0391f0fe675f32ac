"""What a fog node does with W, and what its process keeps between rounds and runs."""

import functools
from typing import TYPE_CHECKING

from flwr.app import ConfigRecord, Context, Message, MetricRecord, RecordDict

from clients.end_node import EndNode
from clients.fog_node import NodeData, gather
from clients.node_store import stored_data
from fog_flower.code_identity import code_identity
from fog_flower.config import RunConfig
from fog_flower.data.field import prepare_field
from fog_flower.messages import ARRAYS, CONFIG, METRICS, NODE, PROXIMAL_MU, SERVER_ROUND
from fog_flower.scratch import scratch_dir
from fog_flower.weights import from_record, to_record

if TYPE_CHECKING:
    from clients.training import Trainer


def who(context: Context) -> tuple[int, RunConfig]:
    """Return which fog node this is, and the run's configuration."""
    return int(context.node_config["partition-id"]), RunConfig.from_run_config(context.run_config)


def train_on(data: NodeData, message: Message, context: Context) -> Message:
    """Train from the W in ``message`` on ``data``, and answer with dW."""
    fog_node, config = who(context)
    instructions = message.content.config_records[CONFIG]
    result = trainer_of(config).train(
        config,
        start=from_record(message.content.array_records[ARRAYS]),
        data=data,
        fog_node=fog_node,
        server_round=int(instructions[SERVER_ROUND]),  # type: ignore[arg-type]
        mu=float(instructions.get(PROXIMAL_MU, 0.0)),  # type: ignore[arg-type]
    )
    metrics: dict[str, int | float | list[int] | list[float]] = {
        "partition-id": fog_node,
        "num-examples": len(data.labels),
        "loss": result.loss,
        "accuracy": result.accuracy,
        "seconds": result.seconds,
    }
    content = RecordDict(
        {
            ARRAYS: to_record(result.delta),
            METRICS: MetricRecord(metrics),
            NODE: ConfigRecord({"code": code_identity()}),
        }
    )
    return Message(content, reply_to=message)


# Actors live through the run, so what they keep here is there in the next round. In one process
# many runs follow each other: a trainer serves them all, data is let go with its run.

_data_of_run: dict[int, dict[int, NodeData]] = {}


def trainer_of(config: RunConfig) -> "Trainer":
    """Return the trainer of this process for a configuration."""
    from fog_flower.tensorflow_setup import configure_tensorflow  # noqa: PLC0415

    configure_tensorflow(config.client_threads)
    return _trainer(config.model, config.clip_norm, precision_of(config))


@functools.lru_cache(maxsize=2)
def precision_of(config: RunConfig) -> str:
    """Return the precision in which this machine trains."""
    from fog_flower.tensorflow_setup import precision_here  # noqa: PLC0415

    return precision_here(config.precision)


def node_data(run_id: int, config: RunConfig, fog_node: int) -> NodeData:
    """Return a fog node's noisy data, built once a run."""
    if run_id not in _data_of_run:
        _data_of_run.clear()
    nodes = _data_of_run.setdefault(run_id, {})
    if fog_node not in nodes:
        nodes[fog_node] = stored_data(
            scratch_dir(run_id) / f"fog-node-{fog_node}",
            lambda: _build_node_data(config, fog_node),
        )
    return nodes[fog_node]


@functools.lru_cache(maxsize=2)
def _trainer(model: str, clip_norm: float, precision: str) -> "Trainer":
    from clients.training import Trainer  # noqa: PLC0415  (TensorFlow, only where one trains)
    from fog_flower.models import build_model  # noqa: PLC0415

    return Trainer(build_model(model, 0, precision), clip_norm)


def _build_node_data(config: RunConfig, fog_node: int) -> NodeData:
    """Play the end nodes of one fog node, and gather what they ship."""
    field = field_of(config)
    end_nodes = (
        EndNode(fog_node, number, field.train.take(shard))
        for number, shard in enumerate(field.shards[fog_node])
    )
    shipments = ((node.end_node, node.ship(config, field.normaliser)) for node in end_nodes)
    return gather(fog_node, shipments)


field_of = functools.lru_cache(maxsize=1)(prepare_field)
