"""Weights by which a malicious cloud separates training images in a dense layer, and reads them."""

import keras
import numpy as np
import numpy.typing as npt

from fog_flower.keras_weights import weights_of
from fog_flower.weights import Weights

SCALE = 10.0  # scales the first layer up and the second down, so that a step hardly moves the bins
Rows = npt.NDArray[np.float32]


def first_dense(model: keras.Model) -> int | None:
    """Return the index in W of the kernel of the Dense layer that takes the unchanged input.

    The bias follows the kernel. None if the model begins with another layer.
    """
    for layer in _layers(model):
        if isinstance(layer, keras.layers.InputLayer | keras.layers.Flatten | keras.layers.Reshape):
            continue
        if type(layer) is keras.layers.Dense and layer.use_bias:
            return _place(model, layer.kernel)
        return None
    return None


def can_be_crafted(model: keras.Model) -> bool:
    """Check whether a model is a chain of dense layers with ReLU in all but the last."""
    layers = [layer for layer in _layers(model) if layer.weights]
    hidden = layers[:-1]
    return (
        first_dense(model) is not None
        and len(hidden) > 0
        and all(type(layer) is keras.layers.Dense and layer.use_bias for layer in layers)
        and all(layer.activation is keras.activations.relu for layer in hidden)
    )


def bins(own: Rows, width: int) -> npt.NDArray[np.float64]:
    """Return bin edges between which an image's mean is equally likely.

    Parameters
    ----------
    own : float32 [n, ...]
        Images of the attacker's own, from whose means the quantiles are estimated.
    width : int
        Number of neurons.

    Returns
    -------
    float64 [width]
        The lower edge of each neuron's bin. The last bin has no upper edge.
    """
    means = own.reshape(len(own), -1).mean(axis=1, dtype=np.float64)
    return np.asarray(np.quantile(means, np.arange(width) / width), np.float64)


def crafted(model: keras.Model, edges: npt.NDArray[np.float64]) -> Weights:
    """Return W with which neuron k is active for images whose mean is above edge k.

    All neurons have the same weights, so an image has the same gradient in every neuron that it
    activates. Neighbouring neurons differ only by the images between their edges (Fowl et al. 2022,
    arXiv:2110.13057). Later hidden layers have positive weights, so that ReLU cuts off nothing.

    Parameters
    ----------
    model : keras.Model
        With honest weights. ``can_be_crafted`` must hold.
    edges : float64 [width]
    """
    start = weights_of(model)
    kernels = range(0, len(start), 2)
    found = [np.zeros_like(array) for array in start]
    size, width = start[0].shape
    found[0] += SCALE / size
    found[1] += (-SCALE * edges).astype(start[1].dtype)
    for place in kernels[1:]:
        kernel = start[place]
        last = place == kernels[-1]
        positive = kernel if last else np.abs(kernel) / np.abs(kernel).sum(axis=0)
        if place == kernels[1]:  # equal weights for every neuron of the first layer
            positive = np.tile(positive[:1], (width, 1)) / (SCALE * (width if last else 1))
        found[place] += positive.astype(kernel.dtype)
    return found


def ratios(delta: Weights, kernel: int) -> Rows:
    """Return the update of each neuron's weights divided by the update of its bias.

    This is the mean of the images that activated the neuron, weighted by their gradients. If only
    one did, it is that image (Geiping et al. 2020, arXiv:2003.14053, proposition 3.1).

    Parameters
    ----------
    delta : Weights
        dW.
    kernel : int
        From ``first_dense``.

    Returns
    -------
    float32 [k, size]
        One row for each neuron whose bias changed.
    """
    rows, biases = delta[kernel].T.astype(np.float64), delta[kernel + 1].astype(np.float64)
    moved = biases != 0.0
    return np.asarray(rows[moved] / biases[moved, None], np.float32)


def binned(delta: Weights, edges: npt.NDArray[np.float64]) -> Rows:
    """Return the image in each bin of a crafted W, scaled to the mean that its bin implies.

    The updates of the biases are not used: float32 cannot hold them beside the large biases.

    Returns
    -------
    float32 [k, size]
        One row for each bin that is not empty.
    """
    rows = delta[0].T.astype(np.float64)
    inside = np.concatenate([rows[:-1] - rows[1:], rows[-1:]])
    middles = np.concatenate([(edges[:-1] + edges[1:]) / 2, edges[-1:]])
    means = inside.mean(axis=1)
    there = means != 0.0
    scaled = inside[there] * (middles[there] / means[there])[:, None]
    return np.asarray(scaled, np.float32)


def _layers(model: keras.Model) -> list[keras.Layer]:
    return [
        layer
        for layer in model._flatten_layers(include_self=False)
        if not isinstance(layer, keras.Model)
    ]


def _place(model: keras.Model, variable: keras.Variable) -> int:
    return next(n for n, other in enumerate(model.weights) if other is variable)
