"""A fog node's own count of the rounds that cost its examples epsilon."""

from flwr.app import ConfigRecord, Context

from clients.privacy.fog_protection import private_training
from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.privacy.disclosure import LAPLACE

SPENT, _ROUND = "spent-rounds", "round"


def spend_round(context: Context, config: RunConfig, server_round: int) -> None:
    """Note a round in the node's state before it trains, where each round is accounted for.

    The ledger covers one answer in each of ``num-server-rounds`` rounds. A cloud, or a mod around
    training, that asks for more gets none. Without a mechanism per round nothing is noted.

    Raises
    ------
    UserError
        If the node has already trained in this round or a later one, or the run has no such round.
    """
    told = config.training_metrics.how == LAPLACE
    if not told and private_training(config.fog_protection) is None:
        return
    kept = context.state.config_records.get(SPENT, ConfigRecord({_ROUND: 0}))
    last = int(kept[_ROUND])  # type: ignore[arg-type]
    if not last < server_round <= config.num_server_rounds:
        raise UserError(
            f"round {server_round} after round {last} of num-server-rounds="
            f"{config.num_server_rounds}: the privacy ledger covers one training in each round, "
            "so this node does not train; nothing may ask it twice"
        )
    context.state[SPENT] = ConfigRecord({_ROUND: server_round})
