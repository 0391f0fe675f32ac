"""The open gate: everything finite passes. The neutral policy, which makes a gated run FedAvg."""

from strategies.policies.trial import Decision, Trial


class OpenGate:
    """Accepts every update; the non-finite ones never get here."""

    def judge(self, trial: Trial) -> list[Decision]:
        """Accept all."""
        return [Decision(True, "accepted: the gate is open")] * len(trial)
