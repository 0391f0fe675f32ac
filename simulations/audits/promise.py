"""What a run's ledger promises of dW."""

from clients.privacy.releases import releases_of
from fog_flower.config import RunConfig
from fog_flower.privacy.guarantee import Guarantee
from fog_flower.privacy.ledger import UPDATES


def promised_of_update(config: RunConfig, num_examples: int) -> Guarantee:
    """Return what is promised of dW of all rounds, of a fog node with so many examples."""
    return next(one.guarantee for one in releases_of(config, num_examples) if one.name == UPDATES)
