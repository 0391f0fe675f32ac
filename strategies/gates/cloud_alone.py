"""The baseline that a gate must beat: takes only the cloud's own update."""

from strategies.gate import Decision, Trial


class CloudAlone:
    """Refuses every update except the cloud's own, which gets weight 1."""

    needs_cloud_examples = True

    def judge(self, trial: Trial) -> list[Decision]:
        """Accept only the cloud's own update, and raise if there is none."""
        if trial.weighing.own is None:
            raise ValueError("the cloud has no update of its own: set cloud-examples")
        decisions = [Decision(False, "rejected: the cloud alone")] * len(trial)
        decisions[trial.weighing.own] = Decision(True, "the cloud's own", weight=1.0)
        return decisions
