"""One check of a contract, and what came of it."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from fog_flower.causes import describe_users_failure
from fog_flower.errors import UserError

Checks = Mapping[str, Callable[[], None]]  # each raises where the contract is broken


class BrokenContractError(AssertionError):
    """What is not as it must be, in words."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """The result of one check; ``problem`` is empty where it passed."""

    name: str
    problem: str


def findings(checks: Checks) -> list[Finding]:
    """Run every check, whatever came of those before."""
    found = []
    for name, check in checks.items():
        problem = ""
        try:
            check()
        except (BrokenContractError, UserError) as error:
            problem = str(error)
        except (Exception, SystemExit) as error:  # whatever the code raises is the finding
            problem = describe_users_failure(error)
        found.append(Finding(name, problem))
    return found


def copies(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return copies, to compare with later."""
    return [array.copy() for array in arrays]


def same_arrays(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> bool:
    """Tell whether all numbers are the same; a NaN is itself."""
    if len(one) != len(other):
        return False
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True))
