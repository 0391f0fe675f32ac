"""Checks that a robust rule gets as many updates as its definition requires."""

import itertools

import flwr.serverapp.strategy as flower
from flwr.serverapp.strategy import Strategy

from strategies.least_updates import LEAST_UPDATES


def problem_with(strategy: Strategy, updates: int) -> str:
    """Return in one clause why a strategy cannot use so many updates a round; empty if it can."""
    for name, least_for in LEAST_UPDATES.items():
        if isinstance(strategy, getattr(flower, name)):
            malicious = getattr(strategy, "num_malicious_nodes", 0)
            if malicious < 0:
                return f"num_malicious_nodes={malicious} must be at least 0"
            least = least_for(malicious)
            if updates < least:
                return (
                    f"with num_malicious_nodes={malicious} it needs at least {least} updates in a "
                    f"round, not {updates}"
                )
            break
    least = getattr(strategy, "least_updates", 0)
    if isinstance(least, int) and updates < least:
        malicious = getattr(strategy, "num_malicious_nodes", None)
        told = "" if malicious is None else f"with num_malicious_nodes={malicious} "
        return f"{told}it needs at least {least} updates in a round, not {updates}"
    selected = getattr(strategy, "num_nodes_to_select", 0)
    if isinstance(strategy, flower.MultiKrum) and not 1 <= selected <= updates:
        return f"num_nodes_to_select={selected} must be 1 to {updates}, the updates in a round"
    if isinstance(strategy, flower.FedTrimmedAvg):
        return _cuts_nothing(strategy.beta, updates)
    return ""


def _cuts_nothing(beta: float, updates: int) -> str:
    """Return why trimming has no effect, since Flower cuts int(beta * n) on either side; or ""."""
    if beta == 0 or int(beta * updates):
        return ""
    least = next(n for n in itertools.count(1) if int(beta * n))
    enough = 1 / updates + 0.005
    larger = f", or a beta of {enough:.2f} or more" if enough < 0.5 else ""
    return (
        f"with beta={beta} it cuts none of {updates} updates in a round, so it would be a plain "
        f"mean; use at least {least} fog nodes{larger}"
    )


def cannot_compute(strategy: Strategy, updates: int) -> str:
    """Return why a merge cannot be computed from the updates left in a round; empty if it can."""
    if isinstance(strategy, flower.Bulyan):
        least = 4 * strategy.num_malicious_nodes + 1  # it averages n - 4f values
    else:
        least = getattr(strategy, "least_updates", 0)
    if isinstance(least, int) and updates < least:
        return f"needs {least} updates, not {updates}"
    return ""
