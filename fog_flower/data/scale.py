"""Finds inputs whose scale a model cannot learn from."""

import numpy as np

from fog_flower.config import FITTED, NONE, RunConfig
from fog_flower.data.dataset import Dataset
from fog_flower.data.load import preprocess_of
from fog_flower.tasks.examples import Indices

SAMPLED = 1000  # training examples that are looked at
LARGEST = 10.0  # root mean square of a column
SMALLEST = 0.01


def told_scale(config: RunConfig, dataset: Dataset, train: Indices) -> str:
    """Return a warning if a model sees inputs that are far from unit scale; else an empty text.

    Inputs are too large if a column's root mean square r is above ``LARGEST``, and too small if
    that of every column is below ``SMALLEST``. A dense layer with cross-entropy over k classes of
    equal probability has the curvature r^2 / k along a column (Boehning 1992), and gradient descent
    diverges where the learning rate is above 2 k / r^2 (LeCun et al. 2012, "Efficient BackProp").
    For the paper's rate of 0.1 this is r = 6 with two classes, and r = 14 with ten. Initial weights
    are made for r = 1. In one step, a column's weights change the outputs in proportion to r^2: at
    r = 0.01, by a ten-thousandth of what is usual.

    Parameters
    ----------
    config : RunConfig
    dataset : Dataset
        Tokens are no quantities, and never warned of.
    train : int64 [n]
        Positions of the training examples, of which ``SAMPLED`` are looked at, evenly spaced.
    """
    if dataset.spec.is_tokens:
        return ""
    places = train[np.linspace(0, len(train) - 1, min(len(train), SAMPLED)).astype(np.int64)]
    some = dataset.train.take(places)
    seen = np.asarray(preprocess_of(config, dataset, some)(some.inputs), np.float64)
    seen = seen.reshape(len(some), -1)
    sizes = np.sqrt(np.square(seen).mean(axis=0))
    column, size = int(sizes.argmax()), float(sizes.max())
    if SMALLEST <= size <= LARGEST:
        return ""
    if config.features != NONE:
        remedy = "let the feature map return numbers of about 1"
    elif config.normalisation == FITTED:
        remedy = "look whether inputs vary at all"
    else:
        remedy = "use normalisation=fitted, or scale the columns yourself"
    return (
        f"normalisation={config.normalisation}: a model sees inputs of {dataset.name} from "
        f"{seen.min():g} to {seen.max():g}; the root mean square of column {column} is {size:.3g}, "
        f"the largest, where about 1 is usual, so it may not learn; {remedy}"
    )
