"""Batches that are shuffled are no Poisson samples, and the audit of the sampler says so."""

import numpy as np
import pytest

from simulations.audits import sampling
from simulations.audits.finding import HOLDS, REFUTED, WEAK


def said(text: str) -> None:
    pass


def test_the_sampler_of_dp_sgd_holds_and_a_shuffle_does_not(
    make_config, tmp_path, monkeypatch, broken
):
    monkeypatch.setattr(sampling, "GAMES", 2500)
    config = make_config(fog_protection="dp-sgd(epsilon=8)", batch_size=120, protection="")
    honest = sampling.audit(config, tmp_path, said)
    assert [one.verdict for one in honest] == [WEAK, HOLDS]  # so few games cannot show as much as 8
    assert (tmp_path / "sampling.png").exists()
    shuffled = config.changed({"fog-protection": f"{broken}:Shuffled(epsilon=8)"})
    assert sampling.audit(shuffled, tmp_path, said)[-1].verdict == REFUTED


def test_where_nothing_is_sampled_nothing_is_attacked(make_config, tmp_path):
    (found,) = sampling.audit(make_config(), tmp_path, said)
    assert found.measure == "not applicable"


def test_the_score_of_known_sums():
    # One step an epoch: 2 above -1 is by exp((2 * 2 - 2) - (2 - 0.5)) likelier with the example.
    assert sampling._scores(np.array([[[1.0]]]), 1.0) == pytest.approx([0.5])
    # Two epochs add up; a step where nothing is tells nothing that the other does not.
    one = sampling._scores(np.array([[[1.0, -1.0], [1.0, -1.0]]]), 0.1)
    assert one == pytest.approx([2 * (200.0 - 150.0)])
