"""Rules that decide which updates join a merge: small, interchangeable, without Flower."""

from strategies.policies.alone import Alone
from strategies.policies.greedy import Greedy
from strategies.policies.leave_one_out import LeaveOneOut
from strategies.policies.open_gate import OpenGate
from strategies.policies.screens import CosineScreen, NormScreen
from strategies.policies.paired_looks import SequentialTest
from strategies.policies.trial import Decision, Policy, Trial
from strategies.policies.trusted import Trusted
from strategies.policies.zeno import Zeno

__all__ = [
    "Alone",
    "CosineScreen",
    "Decision",
    "Greedy",
    "LeaveOneOut",
    "NormScreen",
    "OpenGate",
    "Policy",
    "SequentialTest",
    "Trial",
    "Trusted",
    "Zeno",
]
