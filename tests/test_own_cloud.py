"""An attacker's copy of the cloud has all that the cloud has, so that it decides alike."""

import pytest

from strategies.gate import Decision
from tests.runs import run_here

SEEN: list[dict[str, object]] = []


class Curious:
    """A gate that notes what it was given, and accepts all."""

    def judge(self, trial):
        given = {
            f"{type(part).__name__}.{name}": value
            for part in (trial, trial.weighing)
            for name, value in vars(part).items()
        }
        SEEN.append(given)
        return [Decision(True, "accepted")] * len(trial)


@pytest.mark.parametrize("cloud_examples", [0, 30])
def test_the_gate_of_the_copy_is_given_what_the_gate_of_the_cloud_is(make_config, cloud_examples):
    SEEN.clear()
    run_here(
        make_config(
            attack="white-box",
            attack_strength=2,
            malicious_nodes=1,
            fog_nodes=3,
            gate="tests.test_own_cloud:Curious",
            cloud_examples=cloud_examples,
            num_server_rounds=1,
            batch_size=7,
        )
    )
    *copies, real = SEEN
    assert copies
    lacks = {name for name, value in real.items() if value is None}
    for copy in copies:
        # The cloud knows losses of local models that it evaluated for the records.
        assert {name for name, value in copy.items() if value is None} - lacks <= {"Trial.alone"}
        ours, theirs = (one["Weighing.train"] for one in (copy, real))
        assert ours.args == theirs.args  # learning rate and batch size
