"""The paper's models, counted; a user's own, checked."""

import keras
import numpy as np
import pytest

from fog_flower.build_model import build_model
from fog_flower.errors import UserError
from fog_flower.models import MODELS
from tests.conftest import SPEC, TASK

PARAMETERS = {
    "mlp": 3_443_338,
    "mlp-2-hidden": 820_874,
    "mlp-narrow": 402_250,
    "mlp-shift": 3_443_338,
    "mlp-norm-shift": 3_443_338 + 2 * (1024 + 256 + 128),
    "linear": 30_730,
    "cnn": 378_570,
    "cnn-narrow": 25_530,
    "cnn-shift": 378_570,
    "cnn-norm-shift": 378_570 + 2 * (256 + 128 + 64),
    "cnn-small": 57_002,
}


def build(name: str, seed: int = 0, precision: str = "float32") -> keras.Model:
    return build_model(name, SPEC, TASK, seed, precision)


@pytest.mark.parametrize("name", MODELS.names())
def test_parameter_counts_on_svhn(name):
    assert build(name).count_params() == PARAMETERS[name]


@pytest.mark.parametrize("name", ["mlp", "cnn", "cnn-small"])
def test_outputs_are_probabilities(name):
    images = np.random.default_rng(0).normal(size=(5, 32, 32, 3)).astype(np.float32)
    probabilities = build(name).predict(images, verbose=0)
    assert probabilities.shape == (5, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_initial_weights_depend_on_the_seed_alone():
    one, same, other = (build("mlp-2-hidden", seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])


@pytest.mark.parametrize(
    ("model", "precision"), [("mlp", "float32"), ("cnn", "float32"), ("cnn", "bfloat16")]
)
def test_shifted_images_reach_the_model_in_training_alone(model, precision):
    plain, shifted = (build(name, 1, precision) for name in (model, f"{model}-shift"))
    for one, other in zip(plain.get_weights(), shifted.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    image = np.zeros((1, 32, 32, 3), np.float32)
    image[0, 16, 16] = 1.0
    images = np.repeat(image, 64, axis=0)
    np.testing.assert_array_equal(plain(images), shifted(images, training=False))
    moved = np.asarray(shifted.layers[0](images, training=True))
    rows, columns = np.nonzero(moved.sum(axis=(0, 3)))
    assert {14, 16, 18} <= {*rows} <= {*range(14, 19)}
    assert {14, 16, 18} <= {*columns} <= {*range(14, 19)}
    np.testing.assert_allclose(moved.sum(axis=(1, 2, 3)), 3.0, rtol=1e-5)


def test_a_users_own_model():
    assert build("tests.small_models:small_mlp").count_params() == 49_338


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("resnet", "choose from cnn, cnn-narrow, .*mlp-narrow, mlp-norm-shift"),
        ("tests.small_models:absent", "has no 'absent'"),
        ("no_such_module:f", "cannot be imported"),
        ("tests.small_models:wrong_output", r"output is \(None, 3072\)"),
        ("tests.small_models:no_model", "not a Keras model"),
        (":f", "module:name"),
    ],
)
def test_wrong_models_are_named(reference, words):
    with pytest.raises(UserError, match=words):
        build(reference)


@pytest.mark.parametrize("name", ["mlp-narrow", "cnn-small"])
def test_bfloat16_computes_on_the_same_float32_weights(name):
    """Same initial weights, float32 to the outside, and nearly the same probabilities."""
    images = np.random.default_rng(0).normal(size=(64, 32, 32, 3)).astype(np.float32)
    exact, mixed = (build(name, 3, precision) for precision in ("float32", "bfloat16"))
    for one, other in zip(exact.get_weights(), mixed.get_weights(), strict=True):
        assert one.dtype == other.dtype == np.float32
        np.testing.assert_array_equal(one, other)
    answers = [np.asarray(model(images)) for model in (exact, mixed)]
    assert answers[1].dtype == np.float32
    assert 0 < np.abs(answers[0] - answers[1]).max() < 0.02
    assert keras.config.dtype_policy().name == "float32"  # for whoever builds next
