"""What every strategy must do to be used here: ``fog-flower check-strategy``."""

from simulations.contract.checks import CHECKS, Finding, check_strategy

__all__ = ["CHECKS", "Finding", "check_strategy"]
