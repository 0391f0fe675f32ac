"""W of a malicious cloud, by which a dense layer keeps training images apart, and its reading."""

import keras
import numpy as np
import numpy.typing as npt

from fog_flower.keras_weights import weights_of
from fog_flower.weights import Weights

SCALE = 10.0  # of the first layer by the next: a step moves W by little, beside where its bins are
Rows = npt.NDArray[np.float32]


def first_dense(model: keras.Model) -> int | None:
    """Return where in W the kernel of a Dense layer stands that takes the input as it is.

    Its bias follows it; None: the model begins with something else.
    """
    for layer in _layers(model):
        if isinstance(layer, keras.layers.InputLayer | keras.layers.Flatten | keras.layers.Reshape):
            continue
        if type(layer) is keras.layers.Dense and layer.use_bias:
            return _place(model, layer.kernel)
        return None
    return None


def can_be_crafted(model: keras.Model) -> bool:
    """Tell whether a model is a chain of dense layers, of which all but the last have ReLU."""
    layers = [layer for layer in _layers(model) if layer.weights]
    hidden = layers[:-1]
    return (
        first_dense(model) is not None
        and len(hidden) > 0
        and all(type(layer) is keras.layers.Dense and layer.use_bias for layer in layers)
        and all(layer.activation is keras.activations.relu for layer in hidden)
    )


def bins(own: Rows, width: int) -> npt.NDArray[np.float64]:
    """Return the edges between which an image's mean is equally likely, by images of one's own.

    Parameters
    ----------
    own : float32 [n, ...]
    width : int
        Number of neurons.

    Returns
    -------
    float64 [width]
        The lower edge of each neuron's bin; the last is open above.
    """
    means = own.reshape(len(own), -1).mean(axis=1, dtype=np.float64)
    return np.asarray(np.quantile(means, np.arange(width) / width), np.float64)


def crafted(model: keras.Model, edges: npt.NDArray[np.float64]) -> Weights:
    """Return W by which neuron k answers to images whose mean is above edge k.

    All neurons have the same weights, so an image's gradient is the same in all that it reaches:
    neighbours differ by the images in between alone (Fowl et al. 2022, arXiv:2110.13057). Hidden
    layers behind are positive, so that nothing is cut off.

    Parameters
    ----------
    model : keras.Model
        With honest weights, for which ``can_be_crafted`` holds.
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
        if place == kernels[1]:  # the same from each neuron of the first layer
            positive = np.tile(positive[:1], (width, 1)) / (SCALE * (width if last else 1))
        found[place] += positive.astype(kernel.dtype)
    return found


def ratios(delta: Weights, kernel: int) -> Rows:
    """Return what each neuron saw: the step of its weights by that of its bias.

    It is the mean of the images that reached the neuron, weighted by their gradients; of one image
    alone, the image (Geiping et al. 2020, arXiv:2003.14053, proposition 3.1).

    Parameters
    ----------
    delta : Weights
        dW.
    kernel : int
        From ``first_dense``.

    Returns
    -------
    float32 [k, size]
        Of all neurons whose bias moved.
    """
    rows, biases = delta[kernel].T.astype(np.float64), delta[kernel + 1].astype(np.float64)
    moved = biases != 0.0
    return np.asarray(rows[moved] / biases[moved, None], np.float32)


def binned(delta: Weights, edges: npt.NDArray[np.float64]) -> Rows:
    """Return what stood in each bin of a crafted W, by the mean that it must have.

    The steps of biases are too small for float32 beside the biases, so they are not used.

    Returns
    -------
    float32 [k, size]
        Of all bins in which something was.
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
