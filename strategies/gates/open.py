"""The open gate: everything finite passes. The neutral policy, which makes a gated run FedAvg."""

from strategies.gate import Decision, Trial


class Open:
    """Accepts every update; the non-finite ones never get here."""

    def judge(self, trial: Trial) -> list[Decision]:
        """Accept all."""
        return [Decision(True, "accepted: the gate is open")] * len(trial)
