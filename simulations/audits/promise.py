"""The privacy promise for dW in a run's ledger."""

from clients.privacy.releases import releases_of
from fog_flower.config import RunConfig
from fog_flower.privacy.guarantee import Guarantee
from fog_flower.privacy.ledger import UPDATES


def promised_of_update(config: RunConfig, num_examples: int) -> Guarantee:
    """Return the promise for dW of all rounds, from a fog node with ``num_examples`` examples."""
    return next(one.guarantee for one in releases_of(config, num_examples) if one.name == UPDATES)
