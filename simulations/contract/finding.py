"""Runs the checks of a contract, and represents their results."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from fog_flower.causes import describe_users_failure
from fog_flower.errors import UserError

Checks = Mapping[str, Callable[[], None]]  # each raises if the contract is broken


class BrokenContractError(AssertionError):
    """Raised by a check, with a description of how the contract is broken."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """The result of one check; ``problem`` is empty if it passed."""

    name: str
    problem: str


def findings(checks: Checks) -> list[Finding]:
    """Run all checks, even after one has failed, and return their results."""
    found = []
    for name, check in checks.items():
        problem = ""
        try:
            check()
        except (BrokenContractError, UserError) as error:
            problem = str(error)
        except (Exception, SystemExit) as error:  # any exception of the user's code is a finding
            problem = describe_users_failure(error)
        found.append(Finding(name, problem))
    return found


def check_unchanged(arrays: Sequence[np.ndarray], act: Callable[[], object], told: str) -> None:
    """Raise ``BrokenContractError(told)`` if ``act`` changes arrays in place."""
    before = [array.copy() for array in arrays]
    act()
    if not same_arrays(before, arrays):
        raise BrokenContractError(told)


def same_arrays(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> bool:
    """Check whether all values are equal; NaN equals NaN."""
    if len(one) != len(other):
        return False
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True))
