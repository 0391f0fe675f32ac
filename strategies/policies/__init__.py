"""Rules that decide which updates join a merge: small, interchangeable, without Flower.

Those that ours is compared with are in ``simulations/baselines``.
"""

from strategies.policies.paired_looks import SequentialTest
from strategies.policies.trial import Decision, Policy, Trial
from strategies.policies.trusted import Trusted

__all__ = ["Decision", "Policy", "SequentialTest", "Trial", "Trusted"]
