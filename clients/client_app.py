"""The ClientApp of a fog node: downloads W, trains on its noisy data, returns dW."""

from flwr.app import ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from clients.counted_once import own_data, spend_round
from clients.end_node import largest_share
from clients.local_training import (
    answer,
    examples_of,
    precision_of,
    train_on,
    trainer_of,
    who,
)
from clients.masking import make_key, masking
from clients.misbehaviour import misbehaviour
from clients.privacy.check_examples import check_examples
from clients.privacy.fog_protection import packs
from clients.privacy.releases import releases_of
from clients.user_mods import user_mods
from fog_flower.code_identity import code_identity
from fog_flower.config import FINAL
from fog_flower.data.field import prepare_field
from fog_flower.errors import UserError
from fog_flower.messages import ARRAYS, CONFIG, METRICS, NODE, NUM_EXAMPLES, PARTITION_ID, round_of
from fog_flower.privacy.disclosure import SENT
from fog_flower.privacy.ledger import packed
from fog_flower.privacy.repeats import Repeats
from fog_flower.simulated import is_simulated_node
from fog_flower.weights import from_record

app = ClientApp(mods=[masking, misbehaviour, user_mods])


@app.query()
def report(message: Message, context: Context) -> Message:
    """Build the node's data and introduce the fog node, in the handshake before it takes part."""
    fog_node, config = who(context)
    field = prepare_field(config)
    check_examples(config, examples_of(field, config, fog_node))  # before anything is shipped
    data = own_data(context, config, fog_node)
    dataset = field.dataset
    share = largest_share(config, map(len, field.shards[fog_node]))
    trainer = trainer_of(config)  # built before round 1, not in it
    hidden = config.example_counts.how != SENT
    repeats = Repeats.read(message.content.config_records[CONFIG])
    metrics: dict[str, int | float | list[int] | list[float]] = {
        PARTITION_ID: fog_node,
        NUM_EXAMPLES: data.told,
        "end-node-examples": [] if hidden else list(data.end_node_examples),
        "bytes-received": 0 if hidden else data.bytes_received,
    }
    identity = ConfigRecord(
        {
            "code": code_identity(),
            "data": dataset.identity(),
            # A deployment's cloud has other examples, and a hash would let it test guesses.
            "content": dataset.sha256 if is_simulated_node(context) else "",
            "refused": list(data.refused),
            "precision": precision_of(config),
            "threads": trainer.threads,
            "releases": packed(releases_of(config, len(data.targets), share, repeats)),
        }
    )
    content = RecordDict({METRICS: MetricRecord(metrics), NODE: identity})
    return Message(content, reply_to=message)


@app.query("mask_key")
def mask_key(message: Message, context: Context) -> Message:
    """Make the key for a round of masked sums (``mask-groups``)."""
    fog_node, config = who(context)
    data = own_data(context, config, fog_node)
    return make_key(message, context, fog_node, data.told)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    """Evaluate W on the node's own data (paper, section 3), if ``own-evaluation`` asks for it."""
    fog_node, config = who(context)
    if config.own_evaluation != FINAL:
        raise UserError("own-evaluation='none': a fog node tells nothing of W on its own data")
    data = own_data(context, config, fog_node)
    found = trainer_of(config).evaluate(from_record(message.content.array_records[ARRAYS]), data)
    metrics: dict[str, int | float | list[int] | list[float]] = {
        PARTITION_ID: fog_node,
        NUM_EXAMPLES: data.told,
        "loss": found.loss,
        "accuracy": found.accuracy,
    }
    return Message(RecordDict({METRICS: MetricRecord(metrics)}), reply_to=message)


@app.train()
def train(message: Message, context: Context) -> Message:
    """Train from the W received and return dW (paper, section 3)."""
    fog_node, config = who(context)
    spend_round(context, config, fog_node, round_of(message))
    data = own_data(context, config, fog_node)
    result = train_on(data, message, config, fog_node)
    return answer(result, data.told, message, fog_node, packed=packs(config))
