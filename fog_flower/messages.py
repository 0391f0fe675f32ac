"""The names of records and keys in Flower messages between cloud and fog node."""

from flwr.app import Message

ARRAYS = "arrays"  # ArrayRecord: W on the way down, dW on the way up
CONFIG = "config"  # ConfigRecord: what the strategy tells the clients
METRICS = "metrics"  # MetricRecord: numbers only, as Flower's strategies expect
NODE = "node"  # ConfigRecord: identity of the code, refused shipments

SERVER_ROUND = "server-round"
PROXIMAL_MU = "proximal-mu"
PARTITION_ID = "partition-id"
NUM_EXAMPLES = "num-examples"


def round_of(message: Message) -> int:
    """Return the round that a train message is for."""
    return int(message.content.config_records[CONFIG][SERVER_ROUND])  # type: ignore[arg-type]
