"""The cloud alone: no update is taken but the cloud's own. The baseline that a gate must beat."""

from strategies.gate import Decision, Trial


class CloudAlone:
    """Rejects every update but the cloud's own, which it takes whole."""

    needs_cloud_examples = True

    def judge(self, trial: Trial) -> list[Decision]:
        """Take the own update."""
        if trial.weighing.own is None:
            raise ValueError("the cloud has no update of its own: set cloud-examples")
        decisions = [Decision(False, "rejected: the cloud alone")] * len(trial)
        decisions[trial.weighing.own] = Decision(True, "the cloud's own", weight=1.0)
        return decisions
