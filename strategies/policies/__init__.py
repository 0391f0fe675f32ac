"""Rules that decide which updates join a merge: small, interchangeable, without Flower."""

from strategies.policies.alone import Alone
from strategies.policies.greedy import Greedy
from strategies.policies.open_gate import OpenGate
from strategies.policies.trial import Decision, Policy, Trial

__all__ = ["Alone", "Decision", "Greedy", "OpenGate", "Policy", "Trial"]
