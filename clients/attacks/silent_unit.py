"""Makes the merged model hard to train, without a visible effect on its outputs."""

import numpy as np

from clients.attacks._arrays import finite_ones
from clients.attacks._arrays import mean as mean_of
from clients.attacks._attacker import Attacker
from fog_flower.errors import UserError
from fog_flower.tasks.examples import Array
from fog_flower.weights import Weights, as_dtype, norm


def silent_unit(attacker: Attacker, strength: float = 1.9) -> Weights:
    """Send the mean honest update with one hidden unit disconnected, and aligned to the mean input.

    After a plain merge, the outgoing weights of the unit are 0, so outputs hardly change. The
    length of the update is limited to ``strength`` times that of the shortest honest one. What is
    left of it aligns the unit's incoming weights with the mean input, so that its activation is
    large for all inputs. Then the next training step along its outgoing weights is far too long.
    The unit is the one of the first hidden layer with the smallest outgoing weights. The attack was
    found by attacking this project's own gate. It needs to know the architecture.

    Raises
    ------
    UserError
        If the first two kernels do not enclose a hidden layer, as in a linear model.
    """
    honest = finite_ones(attacker.others_updates(), attacker.honest_update)
    mean = [as_dtype(array, np.dtype(np.float32)) for array in mean_of(honest)]
    first, second = _hidden_layer(attacker.weights)
    way_out = attacker.weights[second]
    others = tuple(axis for axis in range(way_out.ndim) if axis != way_out.ndim - 2)
    unit = int(np.square(way_out, dtype=np.float64).sum(axis=others).argmin())
    share = len(attacker.colluders) / attacker.config.fog_nodes
    mean[second][..., unit, :] *= -(1.0 - share) / share
    mean[second][..., unit, :] -= way_out[..., unit, :] / share
    mean[first][..., unit] = 0.0
    limit = strength * min(map(norm, honest))
    left = limit**2 - norm(mean) ** 2
    if left > 0.0:
        shape = mean[first].shape[:-1]
        mean[first][..., unit] = left**0.5 * _direction(attacker.data.inputs, shape)
    else:
        mean = [array * (limit / norm(mean)) for array in mean]
    return [as_dtype(m, h.dtype) for m, h in zip(mean, honest[0], strict=True)]


def _hidden_layer(weights: Weights) -> tuple[int, int]:
    """Return the positions of the kernels to and from the first hidden layer."""
    kernels = [n for n, array in enumerate(weights) if array.ndim >= 2][:2]
    if len(kernels) == 2 and weights[kernels[0]].shape[-1] == weights[kernels[1]].shape[-2]:
        return kernels[0], kernels[1]
    raise UserError(
        "attack='silent-unit': the model has no hidden layer between its first two kernels; use a "
        "model with one, e.g. mlp-narrow"
    )


def _direction(inputs: Array, shape: tuple[int, ...]) -> Array:
    """Return the mean input as a kernel of this shape, of length 1."""
    mean = np.asarray(inputs, np.float32).mean(axis=0)
    if mean.size != np.prod(shape):  # a convolution: repeat the mean at each position
        mean = np.broadcast_to(mean.reshape(-1, mean.shape[-1]).mean(axis=0), shape)
    mean = mean.reshape(shape)
    length = float(np.linalg.norm(mean))
    return mean / length if length else np.full(shape, np.prod(shape) ** -0.5, np.float32)
