"""Loss and accuracy, against NumPy."""

import numpy as np
import pytest

from fog_flower.build_model import build_model
from fog_flower.data.preprocess import fit_normaliser
from fog_flower.tasks.examples import Examples
from strategies.compiled_model import CompiledModel
from strategies.keras_evaluator import BATCH, KerasEvaluator
from tests.conftest import SPEC, TASK, make_digits

DATA = Examples(*make_digits(BATCH + 7, 4))  # a full batch and a rest
NORMALISER = fit_normaliser(DATA.inputs)


@pytest.fixture(scope="module")
def model():
    return build_model("tests.small_models:small_mlp", SPEC, TASK, seed=3)


def by_hand(weights, indices):
    x = NORMALISER(DATA.inputs[indices]).reshape(len(indices), -1).astype(np.float64)
    hidden = np.maximum(x @ weights[0] + weights[1], 0)
    scores = hidden @ weights[2] + weights[3]
    probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    y = DATA.targets[indices]
    loss = -np.log(probabilities[np.arange(len(y)), y]).mean()
    return loss, (probabilities.argmax(axis=1) == y).mean()


@pytest.mark.parametrize("indices", [None, np.array([0, 5, 5, 506])])
def test_equals_numpy(model, indices):
    weights = model.get_weights()
    evaluation = KerasEvaluator(CompiledModel(model, TASK), DATA, NORMALISER).evaluate(
        weights, indices
    )
    used = np.arange(len(DATA)) if indices is None else indices
    loss, accuracy = by_hand(weights, used)
    assert evaluation.loss == pytest.approx(loss, rel=1e-4)
    assert evaluation.accuracy == pytest.approx(accuracy)


def test_weights_that_are_not_finite_have_no_finite_loss(model):
    evaluator = KerasEvaluator(CompiledModel(model, TASK), DATA, NORMALISER)
    weights = [np.full_like(w, np.nan) for w in model.get_weights()]
    assert not np.isfinite(evaluator.evaluate(weights).loss)


@pytest.mark.parametrize(("batch", "rate"), [(2, 0.1), (5, 1.0)])
def test_steps_train_on_the_batches_in_their_order_and_tell_the_highest_loss(batch, rate):
    model = build_model("tests.small_models:small_mlp", SPEC, TASK, seed=3)
    weights, chosen = model.get_weights(), np.array([3, 5, 8, 13, 400])
    evaluator = KerasEvaluator(CompiledModel(model, TASK), DATA, NORMALISER)
    losses, there = [by_hand(weights, chosen)[0]], weights
    for part in np.split(chosen, range(batch, len(chosen), batch)):
        gradient = evaluator.slope(there, part).gradient
        there = [w - rate * g for w, g in zip(there, gradient, strict=True)]
        losses.append(by_hand(there, chosen)[0])
    before, highest = evaluator.steps(weights, chosen, rate, batch)
    assert before == pytest.approx(losses[0], rel=1e-4)
    assert highest == pytest.approx(max(losses), rel=1e-3)
    assert highest > before
    assert evaluator.steps(weights, chosen, 1e-3, len(chosen)) == (before, before)
    assert not evaluator.steps(weights, chosen, 1e30, batch)[1] < 1e6
