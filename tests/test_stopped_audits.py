"""A long audit that was stopped goes on where it was, and finds what it would have found."""

import json

import numpy as np
import pytest

from simulations.audits import epoch_membership, gradient_matching, inversion, matched, membership
from simulations.audits.kept_steps import KeptSteps
from simulations.audits.make import make_audits


class Stopping:
    """Takes the messages of an audit, and stops it at one."""

    def __init__(self, at: str = "") -> None:
        self.at, self.said = at, []

    def __call__(self, text: str) -> None:
        self.said.append(text)
        if self.at and self.at in text:
            raise KeyboardInterrupt


def made(config, folder, name, say):
    return make_audits(config, folder, [name], say)


def stopped(config, folder, name, at):
    with pytest.raises(KeyboardInterrupt):
        made(config, folder, name, Stopping(at))


@pytest.fixture
def small(make_config, monkeypatch):
    monkeypatch.setattr(membership, "SHADOWS", 3)
    monkeypatch.setattr(epoch_membership, "SIZES", ())
    return make_config(fog_nodes=2)


def test_membership_goes_on_after_the_last_model(small, tmp_path):
    whole = made(small, tmp_path / "whole", "membership", Stopping())
    out = tmp_path / "out"
    stopped(small, out, "membership", "model 3 of 4")
    assert not (out / "audit.json").exists()
    again = Stopping()
    assert made(small, out, "membership", again) == whole
    assert "audit membership: 2 of 4 models are kept" in again.said
    assert [text for text in again.said if ": model " in text] == [
        "audit membership: model 3 of 4",
        "audit membership: model 4 of 4",
    ]
    assert not any(path.is_dir() for path in out.iterdir())  # nothing kept is left


def test_what_was_kept_under_other_settings_or_code_is_not_used(small, tmp_path, monkeypatch):
    stopped(small, tmp_path, "membership", "model 3 of 4")
    stopped(small.changed({"learning-rate": 0.01}), tmp_path, "membership", "model 2 of 4")
    again = Stopping("model 1 of 4")  # only the first was made with that learning rate
    with pytest.raises(KeyboardInterrupt):
        made(small, tmp_path, "membership", again)
    assert not any("kept" in text for text in again.said)

    stopped(small, tmp_path, "membership", "model 2 of 4")
    monkeypatch.setattr("simulations.audits.other_code.code_identity", lambda *_: "of tomorrow")
    stopped(small, tmp_path, "membership", "model 1 of 4")


def test_gradient_matching_goes_on_after_the_last_batch(make_config, tmp_path, monkeypatch):
    monkeypatch.setattr(matched, "IMAGES", 4)
    monkeypatch.setattr(gradient_matching, "ITERATIONS", 20)
    config = make_config(model="cnn-small", fog_nodes=1)
    whole = inversion.audit(config, tmp_path, Stopping())
    out = tmp_path / "out"
    stopped(config, out, "inversion", "1 image, honest W, 3 of 4")
    searched = []
    search = gradient_matching.GradientMatching.__call__

    def counting(self, start, delta, targets, rng):
        searched.append(len(targets))
        return search(self, start, delta, targets, rng)

    monkeypatch.setattr(gradient_matching.GradientMatching, "__call__", counting)
    again = made(config, out, "inversion", Stopping())
    assert searched == [1, 1, 4]
    assert [row["value"] for row in again] == [one.value for one in whole]


def test_a_step_is_made_once(make_config, tmp_path):
    config, made = make_config(), []

    def step():
        made.append(1)
        return {"numbers": np.arange(3.0)}

    for _ in range(2):
        kept = KeptSteps("membership", config, tmp_path, 5)
        np.testing.assert_array_equal(kept("first", step)["numbers"], [0.0, 1.0, 2.0])
    assert len(made) == 1
    KeptSteps("membership", config.changed({"data-dir": "/elsewhere"}), tmp_path, 5)("first", step)
    assert len(made) == 1
    KeptSteps("membership", config, tmp_path, 6)("first", step)
    assert len(made) == 2
    identity = json.loads((tmp_path / ".membership" / "made-with.json").read_text())
    assert identity["config"]["fog-nodes"] == config.fog_nodes
