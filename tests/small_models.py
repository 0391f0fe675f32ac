"""A user's own models, named by ``module:function``."""

import keras


def small_mlp() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def with_dropout() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def wrong_output() -> keras.Model:
    return keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten()])


def no_model() -> str:
    return "not a model"
