"""A user's own data sets: small images, rows and tokens, each learnable within two rounds."""

import keras
import numpy as np

ROWS, WORDS = 14, 9


def grey_images(classes: int = 20):
    """Return images uint8 [n, 18, 24]; the class is the bright one of 2 x 12 places."""

    def part(count, seed):
        rng = np.random.default_rng(seed)
        labels = np.arange(count) % classes
        images = rng.integers(0, 60, (count, 18, 24), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            row, column = 9 * (label // 12), 2 * (label % 12)
            image[row : row + 9, column : column + 2] += 190
        return images, labels

    return part(400, 1), part(200, 2)


def rows():
    """Return rows of a table; the label (text) is which of three groups of columns is high."""

    def part(count, seed):
        rng = np.random.default_rng(seed)
        kinds = rng.integers(0, 3, count)
        table = rng.normal(size=(count, ROWS))
        for row, kind in zip(table, kinds, strict=True):
            row[4 * kind : 4 * kind + 4] += 2.0
        return table, np.array(["flat", "house", "hut"])[kinds]

    return part(300, 1), part(150, 2)


def words():
    """Return sequences of tokens; the label is the half of the vocabulary that they are from."""

    def part(count, seed):
        rng = np.random.default_rng(seed)
        kinds = rng.integers(0, 2, count)
        tokens = rng.integers(0, 20, (count, WORDS)) + 20 * kinds[:, None]
        return tokens.astype(np.int64), kinds

    return part(300, 1), part(150, 2)


def embedding(spec, task):
    return keras.Sequential(
        [
            keras.Input(spec.shape, dtype=spec.dtype),
            keras.layers.Embedding(spec.vocabulary, 8),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(task.outputs, activation=task.activation),
        ]
    )


def breaks():
    return np.zeros(3)[7]


def leaves():
    raise SystemExit("no data today")


def nothing():
    return None


def takes(amount):
    return grey_images(amount)


def spoil(share, context):
    """Return inputs of a wrong dtype, which fog nodes refuse: a user's faulty protection."""
    return type(share)(share.inputs.astype(np.float64), share.targets)


def stumble(share, context):
    raise RuntimeError("no noise today")
