"""Which models the trainer must reseed TensorFlow's global generator for."""

import keras
import pytest
import tensorflow as tf

from clients.training import Trainer
from tests.conftest import SPEC, TASK


class Draws(keras.layers.Layer):
    def call(self, images):
        return images + tf.random.normal(tf.shape(images))


class DrawsWithoutState(keras.layers.Layer):
    def call(self, images):
        return images + tf.random.stateless_normal(tf.shape(images), [1, 2])


@pytest.mark.parametrize(
    ("layer", "globally"),
    [
        (keras.layers.Activation("relu"), False),
        (keras.layers.Dropout(0.1), False),
        (keras.layers.RandomTranslation(0.1, 0.1), False),
        (DrawsWithoutState(), False),
        (Draws(), True),
    ],
)
def test_only_a_layer_that_draws_globally_needs_the_global_seed(layer, globally):
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.AveragePooling2D(8),
            layer,
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    assert Trainer(model, SPEC, TASK).draws_globally == globally
