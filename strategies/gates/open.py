"""The open gate: accepts every finite update. It is neutral: a gated run then equals FedAvg."""

from strategies.gate import Decision, Trial


class Open:
    """Accepts every update. Those that are not finite are refused before any gate."""

    def judge(self, trial: Trial) -> list[Decision]:
        """Accept all updates."""
        return [Decision(True, "accepted: the gate is open")] * len(trial)
