"""Builds, checks and applies the protections of a fog node."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from clients.privacy import FOG_PROTECTIONS
from clients.privacy._fog_context import FogContext
from clients.privacy.build import built
from clients.privacy.fog_node.dp_sgd import DpSgd
from fog_flower.causes import in_user_code
from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.weights import Weights


def private_training(protection: Sequence[str]) -> DpSgd | None:
    """Return the configured DP-SGD; None if a fog node trains without it."""
    found = [one for _, one in built(FOG_PROTECTIONS, protection) if isinstance(one, DpSgd)]
    return found[0] if found else None


def told_of_private(protection: Sequence[str], model: str) -> str:
    """Return the keys of private training with their values, to begin an error message."""
    return f"fog-protection={','.join(protection)!r}, model={model!r}"


def fog_protections(config: RunConfig) -> list[tuple[str, Any]]:
    """Return each protection with its text, checked against the configuration.

    Raises
    ------
    UserError
        If a protection does not fit the others or the rest of the configuration.
    """
    found = built(FOG_PROTECTIONS, config.fog_protection)
    private = [text for text, one in found if isinstance(one, DpSgd)]
    if len(private) > 1:
        raise UserError(f"fog-protection={','.join(private)!r}: train with one of them")
    if private and found[0][0] != private[0]:
        raise UserError(
            f"fog-protection={','.join(config.fog_protection)!r}: {private[0]} is how a node "
            "trains, and comes first"
        )
    for text, one in found:
        if config.mask_groups and getattr(one, "packs", False):
            raise UserError(
                f"fog-protection={text!r}: which numbers it sends cannot be hidden, and behind "
                f"masks (mask-groups={config.mask_groups}) all are sent; leave it out, or use "
                "mask-groups=0"
            )
        if check := getattr(one, "check", None):
            check(config)
    return found


def protected(delta: Weights, context: FogContext) -> Weights:
    """Apply all protections to dW, except DP-SGD, which is part of the training.

    Raises
    ------
    UserError
        If a protection fails, or returns arrays of other shapes.
    """
    for text, one in fog_protections(context.config):
        if isinstance(one, DpSgd):
            continue
        what = f"fog-protection={text!r}"
        with in_user_code(what):
            found = [*one(delta, context)]
        if [np.shape(array) for array in found] != [array.shape for array in delta]:
            raise UserError(f"{what}: returned arrays of other shapes; return those of dW")
        delta = [np.asarray(new, old.dtype) for new, old in zip(found, delta, strict=True)]
    return delta


def packs(config: RunConfig) -> bool:
    """Check whether dW is sent without its zeros, because a protection makes most of it zero."""
    return any(getattr(one, "packs", False) for _, one in fog_protections(config))
