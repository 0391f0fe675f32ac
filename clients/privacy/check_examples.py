"""Checks the protections of both tiers against the number of examples of a fog node."""

from clients.privacy import PROTECTIONS
from clients.privacy.build import built
from clients.privacy.fog_protection import fog_protections
from fog_flower.config import RunConfig


def check_examples(config: RunConfig, num_examples: int) -> None:
    """Check that the protections keep their guarantees for a fog node with so many examples.

    Each object with a method ``check_examples(config, num_examples)`` is asked.

    Raises
    ------
    UserError
        If one of them cannot.
    """
    for _, one in (*built(PROTECTIONS, config.protection), *fog_protections(config)):
        if check := getattr(one, "check_examples", None):
            check(config, num_examples)
