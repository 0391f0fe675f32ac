"""The IoT tier: an end node owns examples, and shares a protected part of them."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from clients.privacy import PROTECTIONS
from clients.privacy._context import Context
from clients.privacy._rng import protecting_rng
from clients.privacy.build import built
from clients.privacy.end_node.quantise import Quantise
from clients.shipment import pack
from fog_flower.causes import describe_failure
from fog_flower.config import RunConfig
from fog_flower.data.preprocess import Preprocess
from fog_flower.errors import UserError
from fog_flower.tasks.examples import Examples
from fog_flower.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class EndNode:
    """One end node of a fog node (paper, section 3).

    Attributes
    ----------
    fog_node, end_node : int
        Its number, and that of its fog node; they key its random generators.
    data : Examples
        The examples that it owns. They are clean and never leave it.
    """

    fog_node: int
    end_node: int
    data: Examples

    def ship(self, config: RunConfig, task: Task, preprocess: Preprocess) -> bytes:
        """Select the share, preprocess, protect and pack it (see ``clients.shipment``).

        Shared examples are in random order: their order among those that it owns would tell which
        were chosen, and then a secret share would not lower epsilon (``shared_epsilon``).
        """
        count = shared_examples(config, len(self.data))
        chosen = self.data
        if count < len(self.data):
            rng = protecting_rng(config, "share", self.fog_node, self.end_node)
            chosen = self.data.take(rng.permutation(len(self.data))[:count])
        share = Examples(preprocess(chosen.inputs), chosen.targets)
        spec = preprocess.spec(chosen.inputs)
        context = Context(config, self.fog_node, self.end_node, spec, task, preprocess.deviation)
        return pack(protected_share(share, context), largest_level(config))


def shared_examples(config: RunConfig, owned: int) -> int:
    """Return how many of its examples an end node shares."""
    return max(1, round(config.share_fraction * owned))


def largest_share(config: RunConfig, owned: Iterable[int]) -> float:
    """Return the largest fraction of its examples that one of several end nodes shares."""
    return max((shared_examples(config, count) / count for count in owned if count), default=1.0)


def largest_level(config: RunConfig) -> float | None:
    """Return the range of the levels as which inputs are shipped; None if they are not quantised.

    Raises
    ------
    UserError
        If ``quantise`` is not the last protection, or is used twice.
    """
    found = built(PROTECTIONS, config.protection)
    levels = [(text, one) for text, one in found if isinstance(one, Quantise)]
    if not levels:
        return None
    text, last = levels[-1]
    if len(levels) > 1 or found[-1][0] != text:
        raise UserError(
            f"protection={','.join(config.protection)!r}: {text} is how inputs are shipped, and "
            "comes last"
        )
    return last.largest


def protected_share(share: Examples, context: Context) -> Examples:
    """Return a share after all protections of the configuration, in their order.

    Raises
    ------
    UserError
        If one fails or does not return ``Examples``.
    """
    largest_level(context.config)  # checks the order
    for text, protection in built(PROTECTIONS, context.config.protection):
        share = _protected(text, protection, share, context)
    return share


def _protected(text: str, protection: Any, share: Examples, context: Context) -> Examples:
    try:
        protected = protection(share, context)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"protection={text!r}: {describe_failure(error)}") from error
    if not isinstance(protected, Examples):
        raise UserError(
            f"protection={text!r}: returned {type(protected).__name__}; return Examples"
        )
    return protected
