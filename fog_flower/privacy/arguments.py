"""Checks the numbers that privacy mechanisms are given."""

import math
import sys
from typing import Any

from fog_flower.errors import UserError

LARGEST = sys.float_info.max  # a larger whole number cannot be computed with


def check_positive(what: str, name: str, value: Any, usual: str, *, infinite: bool = False) -> None:
    """Check that an argument of a mechanism is a positive number.

    Parameters
    ----------
    what : str
        Key and mechanism, for the message.
    name : str
    value : Any
    usual : str
        The remedy: values that are usual.
    infinite : bool
        Whether infinity is accepted too.

    Raises
    ------
    UserError
        If it is no number (``True`` is none), not a number (NaN), not positive, or not finite.
    """
    check_number(what, name, value, usual)
    if value == math.inf and infinite:
        return
    if not 0.0 < value <= LARGEST:
        raise UserError(
            f"{what}: {name}={value!r} must be positive{'' if infinite else ' and finite'}; {usual}"
        )


def check_number(what: str, name: str, value: Any, usual: str) -> None:
    """Check that an argument of a mechanism is a number; see ``check_positive``."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or (isinstance(value, float) and math.isnan(value)):
        raise UserError(f"{what}: {name}={value!r} must be a number; {usual}")


def check_clip_and_noise(what: str, clip: Any, noise: Any, usual: str) -> None:
    """Check the bound of what is noised and the noise multiplier: infinite only without noise.

    Parameters
    ----------
    what : str
        Key and mechanism, for the message.
    clip, noise : Any
    usual : str
        The remedy: bounds that are usual.

    Raises
    ------
    UserError
        If one of them is out of range, or noise is added to what has no bound.
    """
    check_positive(what, "clip", clip, usual, infinite=True)
    check_noise(what, noise)
    if math.isinf(clip) and noise != 0.0:
        raise UserError(f"{what}: clip={clip!r} bounds nothing; give a bound, or noise=0")


def check_noise(what: str, noise: Any) -> None:
    """Check a noise multiplier: a finite number, of which a negative one asks for epsilon's."""
    check_number(what, "noise", noise, "leave it out, and give epsilon=...")
    if noise > LARGEST:
        raise UserError(
            f"{what}: noise={noise!r} must be finite; leave it out, and give epsilon=..."
        )
