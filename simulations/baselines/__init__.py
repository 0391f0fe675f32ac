"""Other people's answers, to compare validated merging with: gates, and a strategy.

Not in Flower's bundle; a run imports them where its configuration names one
(``fog_flower.simulation_parts``).
"""

from collections.abc import Callable

from flwr.serverapp.strategy import Strategy

from fog_flower.config import (
    ALONE,
    AUDITED,
    COSINE,
    GREEDY,
    LEAVE_ONE_OUT,
    NORM,
    OPEN,
    ZENO,
    RunConfig,
)
from simulations.baselines.alone import Alone
from simulations.baselines.audited import Audited
from simulations.baselines.fltrust import FLTrust
from simulations.baselines.greedy import Greedy
from simulations.baselines.leave_one_out import LeaveOneOut
from simulations.baselines.open_gate import OpenGate
from simulations.baselines.screens import CosineScreen, NormScreen
from simulations.baselines.zeno import Zeno
from strategies.cloud import trusted_gate
from strategies.policies import Policy

POLICIES: dict[str, Callable[[RunConfig], Policy]] = {
    OPEN: lambda _: OpenGate(),
    GREEDY: lambda c: Greedy(c.validation_tolerance, c.gate_images),
    LEAVE_ONE_OUT: lambda c: LeaveOneOut(c.validation_tolerance, c.gate_images),
    ALONE: lambda c: Alone(images=c.gate_images),  # literal: no tolerance
    NORM: lambda _: NormScreen(),
    COSINE: lambda _: CosineScreen(),
    ZENO: lambda c: Zeno(images=c.gate_images),
    AUDITED: lambda c: Audited(trusted_gate(c)),
}
STRATEGIES: dict[str, type[Strategy]] = {"FLTrust": FLTrust}

__all__ = [
    "POLICIES",
    "STRATEGIES",
    "Alone",
    "Audited",
    "CosineScreen",
    "FLTrust",
    "Greedy",
    "LeaveOneOut",
    "NormScreen",
    "OpenGate",
    "Zeno",
]
