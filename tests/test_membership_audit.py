"""Membership: scores of known cases, intervals that cover, and a run that is attacked."""

import numpy as np
import pytest
import tensorflow as tf

from fog_flower.build_model import build_model
from fog_flower.errors import UserError
from fog_flower.keras_weights import weights_of
from fog_flower.tasks.examples import Examples
from fog_flower.weights import add
from simulations.audits import membership
from simulations.audits.epoch_membership import along, in_span
from simulations.audits.finding import HOLDS, NO_CLAIM
from simulations.audits.lira import confidences, likelihood_ratios
from simulations.audits.losses import losses_of
from simulations.audits.roc import area, rate_at
from tests.conftest import SPEC, TASK, make_digits


@pytest.fixture
def rng():
    """Return a generator of the test's own: its order among others must not matter."""
    return np.random.default_rng(0)


def said(text: str) -> None:
    pass


def test_an_area_is_counted_over_pairs():
    one, other = np.array([3.0, 1.0]), np.array([2.0, 1.0, 0.0])
    assert area(one, other)[0] == pytest.approx((3 + 1.5) / 6)  # 3 > all; 1 > 0, and is 1


def test_an_areas_interval(rng):
    found, low, high = area(np.arange(1.0, 101.0), -np.arange(100.0))
    assert (found, high) == (1.0, 1.0)
    assert 0.94 < low < 0.99
    assert area(rng.normal(size=50), rng.normal(size=50), (5000, 5000))[1] > 0.3
    swapped = area(-np.arange(100.0), np.arange(1.0, 101.0))
    assert swapped[0] == swapped[1] == 0.0
    assert swapped[2] == pytest.approx(1.0 - low)


def test_an_areas_interval_covers(rng):
    truth, covered = 0.7602, 0  # P(N(1, 1) > N(0, 1)) = ndtr(1 / sqrt(2))
    for _ in range(300):
        _, low, high = area(rng.normal(1.0, 1.0, 40), rng.normal(0.0, 1.0, 60))
        covered += low < truth < high
    assert 0.90 < covered / 300 < 0.99


def test_a_rate_at_few_false_positives():
    other = np.arange(1000.0)  # one of a thousand may pass: the threshold is 998
    share, low, high = rate_at(np.array([998.0, 998.5, 2000.0, 0.0]), other)
    assert share == 0.5
    assert low < 0.5 < high
    narrow = rate_at(np.array([998.0, 998.5, 2000.0, 0.0]), other, independent=1000)
    assert narrow[2] - narrow[1] < 0.1 < high - low


def test_confidences():
    assert confidences(-np.log([0.5, 0.9])) == pytest.approx([0.0, np.log(9.0)])
    assert np.isfinite(confidences(np.array([0.0, 100.0]))).all()


def test_likelihood_ratios_tell_members_that_a_threshold_does_not(rng):
    # Every example has a level of its own, far more than what membership adds.
    members = rng.random((17, 400)) < 0.5
    confident = rng.normal(0.0, 10.0, 400) + 1.0 * members + rng.normal(0.0, 0.3, (17, 400))
    plain = area(confident[members], confident[~members])[0]
    scores = likelihood_ratios(confident, members)
    assert plain < 0.6
    assert area(scores[members], scores[~members])[0] > 0.9


def test_likelihood_ratios_know_nothing_of_what_all_others_had(rng):
    members = np.array([[True, False], [True, True], [True, False]])
    assert (likelihood_ratios(rng.normal(size=(3, 2)), members)[:, 0] == 0.0).all()


def test_members_lie_in_the_span(rng):
    members, others = rng.normal(size=(5, 40)), rng.normal(size=(20, 40))
    kernel = (members.T @ rng.normal(size=(5, 16))).astype(np.float32)
    assert in_span(kernel, members, 5).min() > 20.0
    assert in_span(kernel, others, 5).max() < 3.0


def test_losses_fall_along_dw_as_the_gradient_says(rng):
    model = build_model("tests.small_models:small_mlp", SPEC, TASK, 0)
    images, labels = make_digits(8, 3)
    examples = Examples((images / 255.0).astype(np.float32), labels)
    start = weights_of(model)
    delta = [0.01 * rng.normal(size=w.shape).astype(np.float32) for w in start]
    found = along(model, start, TASK, delta, examples)
    for place, score in enumerate(found):
        with tf.GradientTape() as tape:
            answers = model(examples.inputs[place : place + 1])
            loss = tf.reduce_sum(TASK.losses(labels[place : place + 1], answers))
        gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
        product = sum(float((g.numpy() * d).sum()) for g, d in zip(gradients, delta, strict=True))
        assert score == pytest.approx(-product, rel=1e-3, abs=1e-4)
    small = [1e-3 * d for d in delta]
    fell = losses_of(model, start, TASK, examples)
    fell -= losses_of(model, add(start, small), TASK, examples)
    np.testing.assert_allclose(fell, 1e-3 * found, rtol=0.2, atol=2e-6)


def test_what_is_learned_by_heart_is_found_and_behind_dp_sgd_is_not(
    make_config, tmp_path, monkeypatch, rng
):
    monkeypatch.setattr(membership, "SHADOWS", 4)
    images = rng.integers(0, 256, (500, 32, 32, 3)).astype(np.uint8)
    labels = rng.integers(0, 10, 500)  # nothing to learn but by heart
    path = tmp_path / "noise.npz"
    np.savez(
        path, x_train=images[:320], y_train=labels[:320], x_test=images[320:], y_test=labels[320:]
    )
    config = make_config(
        dataset=f"npz:{path}",
        fog_nodes=1,
        train_examples=320,
        validation_examples=90,
        test_examples=90,
        batch_size=40,
        num_server_rounds=10,
        noise_source="entropy",
        protection="",
    )
    told = membership.audit(config, tmp_path, said)
    found = {(one.attack, one.measure): one for one in told}
    assert found["final W, loss threshold", "area under ROC"].low > 0.7
    assert found["final W, LiRA with 4 shadow models", "area under ROC"].low > 0.7
    assert found["dW of an epoch over 100 images, along gradients", "area under ROC"].low > 0.7
    assert {one.verdict for one in told if one.bound} == {NO_CLAIM}
    assert max(one.value for one in told if one.bound) > 2.0
    assert "dW of an epoch over 300 images: needs train-examples=900" in {o.attack for o in told}
    assert (tmp_path / "membership.png").exists()

    private = config.changed({"fog-protection": "dp-sgd(epsilon=2)"})
    told = membership.audit(private, tmp_path, said)
    assert {one.verdict for one in told if one.bound} == {HOLDS}
    assert max(one.value for one in told if one.measure == "area under ROC") < 0.75


def test_a_w_that_is_not_merged_as_that_of_the_run_is_named_so(make_config, tmp_path, monkeypatch):
    monkeypatch.setattr(membership, "SHADOWS", 2)
    monkeypatch.setattr(membership, "attack_epochs", lambda *_: ([], {}))
    config = make_config(strategy="FedMedian", num_server_rounds=1)
    told = membership.audit(config, tmp_path, said)
    assert len(told) == 6
    assert all(one.attack.startswith("W of FedAvg, not of strategy=FedMedian, ") for one in told)


def test_too_few_examples_are_refused(make_config, tmp_path):
    with pytest.raises(UserError, match="train-examples=100: the audit of membership needs 200"):
        membership.audit(make_config(train_examples=100), tmp_path, said)
