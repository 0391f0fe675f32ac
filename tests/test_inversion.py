"""What is read from dW: known images of known gradients, and nothing behind DP-SGD."""

import keras
import numpy as np
import pytest

from fog_flower.errors import UserError
from fog_flower.keras_weights import load_weights, weights_of
from fog_flower.tasks.classification import Classification
from simulations.audits import gradient_matching, inversion, matched
from simulations.audits.alike import correlations
from simulations.audits.crafted import binned, bins, can_be_crafted, crafted, first_dense, ratios
from simulations.audits.gradient_matching import GradientMatching


@pytest.fixture
def rng():
    """Return a generator of the test's own: its order among others must not matter."""
    return np.random.default_rng(0)


def said(text: str) -> None:
    pass


def chain(*widths: int, activation: str = "relu") -> keras.Model:
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(width, activation=activation) for width in widths]
    return keras.Sequential(
        [keras.Input((6, 6, 1)), keras.layers.Flatten(), *layers, keras.layers.Dense(3, "softmax")]
    )


def step(model: keras.Model, start: list, images: np.ndarray, labels: np.ndarray) -> list:
    load_weights(model, start)
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    model.train_on_batch(images, labels)
    return [end - begin for end, begin in zip(weights_of(model), start, strict=True)]


def test_correlations():
    one = np.array([[0.0, 1.0, 2.0], [1.0, 1.0, 1.0], [np.nan, 0.0, 1.0]], np.float32)
    other = np.array([[5.0, 7.0, 9.0], [1.0, 0.0, -1.0], [0.0, 2.0, 0.0]], np.float32)
    expected = [[1.0, -1.0, 0.0], [0.0] * 3, [0.0] * 3]
    np.testing.assert_allclose(correlations(one, other), expected, atol=1e-6)


def test_one_image_is_read_from_one_step(rng):
    model = chain(8)
    image = rng.normal(size=(1, 6, 6, 1)).astype(np.float32)
    delta = step(model, weights_of(model), image, np.array([1]))
    guesses = ratios(delta, first_dense(model))
    assert len(guesses) > 0
    np.testing.assert_allclose(guesses, np.tile(image.reshape(1, -1), (len(guesses), 1)), rtol=0.01)


@pytest.mark.parametrize("widths", [(64,), (64, 12), (64, 12, 7)])
def test_a_crafted_w_keeps_images_apart(widths, rng):
    model = chain(*widths)
    own = rng.normal(size=(4000, 6, 6, 1)).astype(np.float32)
    edges = bins(own, widths[0])
    images = rng.normal(size=(6, 6, 6, 1)).astype(np.float32)
    # None has mean 0: what stood in a bin is scaled by the mean that it must have.
    images += np.linspace(-0.3, 0.3, 6).reshape(-1, 1, 1, 1) - images.mean((1, 2, 3), keepdims=True)
    delta = step(model, crafted(model, edges), images, np.array([0, 1, 2, 0, 1, 2]))
    alike = correlations(binned(delta, edges), images).max(axis=0)
    assert alike[1:].min() > 0.99, alike  # the first may be below all edges
    honest = step(model, weights_of(chain(*widths)), images, np.array([0, 1, 2, 0, 1, 2]))
    assert correlations(ratios(honest, 0), images).max(axis=0).mean() < alike[1:].mean()


def test_which_models_can_be_attacked():
    assert first_dense(chain(8)) == 0
    assert can_be_crafted(chain(8, 4))
    assert not can_be_crafted(chain(8, activation="elu"))
    assert not can_be_crafted(chain())
    with_convolution = keras.Sequential(
        [keras.Input((6, 6, 1)), keras.layers.Conv2D(2, 3), keras.layers.Flatten()]
    )
    assert first_dense(with_convolution) is None


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(inversion, "BATCHES", (1, 4, 8))
    monkeypatch.setattr(inversion, "IMAGES", 8)


def test_a_run_is_attacked_and_dp_sgd_leaves_nothing(make_config, tmp_path, few):
    config = make_config(protection="", noise_source="entropy")
    found = {one.attack: one for one in inversion.audit(config, tmp_path, said)}
    assert found["a step on 1 image, honest W"].value == 1.0
    assert found["a step on 1 image, honest W"].low > 0.6
    assert found["a step on 4 images, crafted W"].value > 0.5
    assert found["images of nobody in the same guesses, honest W"].value < 0.05
    assert (tmp_path / "inversion.png").exists()
    config = config.changed({"fog-protection": "dp-sgd(epsilon=8)", "batch-size": 60})
    private = inversion.audit(config, tmp_path, said)
    assert {one.value for one in private} == {0.0}
    assert private[0].claimed == pytest.approx(8.0, abs=0.02)


def test_a_gradient_is_matched_where_no_layer_tells_the_image(rng):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(8, 3, activation="elu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(10, "softmax"),
        ]
    )
    rows, columns = np.mgrid[0:8, 0:8]
    image = np.sin(rows / 2.0) * np.cos(columns / 2.5)
    image = image[None, ..., None].astype(np.float32)
    start, label = weights_of(model), np.array([3])
    delta = step(model, start, image, label)
    search = GradientMatching(model, Classification(10), -1.0, 1.0)
    guess = search(start, delta, label, rng)
    assert guess.shape == image.shape
    assert np.abs(guess).max() <= 1.0
    assert correlations(guess, image)[0, 0] > 0.8
    noise = [rng.normal(size=array.shape).astype(np.float32) for array in delta]
    assert abs(correlations(search(start, noise, label, rng), image)[0, 0]) < 0.6


@pytest.fixture
def few_matched(monkeypatch):
    monkeypatch.setattr(matched, "IMAGES", 4)
    monkeypatch.setattr(gradient_matching, "ITERATIONS", 250)


def test_a_convolutional_model_is_attacked_and_dp_sgd_leaves_nothing(
    make_config, tmp_path, few_matched
):
    config = make_config(model="cnn-small", protection="", noise_source="entropy")
    found = inversion.audit(config, tmp_path, said)
    named = {(one.attack, one.measure): one.value for one in found}
    one = "gradient matching, a step on 1 image, honest W"
    assert named[one, "share of 4 found among 200"] >= 0.75
    assert named[one, "correlation, mean"] > 0.45
    assert ("gradient matching, a step on 4 images, honest W", "correlation, mean") in named
    assert (tmp_path / "inversion.png").exists()
    config = config.changed({"fog-protection": "dp-sgd(epsilon=8)", "batch-size": 60})
    private = inversion.audit(config, tmp_path, said)
    assert max(one.value for one in private if "found" in one.measure) <= 0.25
    assert max(one.value for one in private if "mean" in one.measure) < 0.35
    assert private[0].claimed == pytest.approx(8.0, abs=0.02)


def test_too_few_examples_are_refused(make_config, tmp_path):
    with pytest.raises(UserError, match="train-examples=120: this audit needs 300"):
        inversion.audit(make_config(train_examples=120), tmp_path, said)
