"""Sums of per-example clipped gradients, in one backward pass.

Ghost norms with book-keeping (Li et al. 2022, arXiv:2110.05679; Bu et al. 2023, arXiv:2210.00038):
of each layer only its inputs a and the gradient g of its pre-activations are kept. The norm of each
example's gradient and the sum of clipped gradients are computed from them.

The bound has to hold for any W, also for one that was made to break it: squares of a and g are
taken in float64, because in float32 they may vanish where their product does not. And where the
norm of a sum over positions is computed without the sum, an example adds nothing if its terms
cancel much more than random ones would (``CANCELS``): the sum would be rounding errors, which that
norm does not see.
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fog_flower.errors import UserError
from fog_flower.tasks.task import Task

CANCELS = 10.0  # times as much as n random terms, whose norms add up to sqrt(n) times their sum's
FEW_INPUTS = 64  # of a position of a convolution
_SMALLEST = np.float32(1e-37)  # smaller numbers are 0 for the processor


class Clipping:
    """Clips the gradient of each example of a batch, in the graph.

    Parameters
    ----------
    model : keras.Model
        If all trainable layers are Dense on vectors or plain Conv2D, each used once, the whole
        batch takes one backward pass. Otherwise every example takes its own.
        Check it with ``check_model`` first.
    task : Task
        Defines the loss.
    """

    def __init__(self, model: keras.Model, task: Task) -> None:
        self._model, self._task = model, task
        self.one_pass = not layers_without_formula(model)

    def clipped_sum(
        self, inputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, clip: tf.Tensor
    ) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
        """Return the sum of clipped gradients, and the loss and gradient norm of each example.

        Parameters
        ----------
        inputs : tensor [k, ...]
        targets : tensor [k, ...]
        weights : tensor float32 [k]
            Factors on the clipped gradients; 0 leaves an example out.
        clip : tensor float32 []
            Largest norm of an example's gradient; infinity does not clip.

        Returns
        -------
        tuple of list of tensor, tensor [k], tensor [k]
            The sum in the order of ``model.trainable_variables``; losses; norms before clipping. An
            example whose norm is not finite adds nothing.
        """
        if self.one_pass:
            return self._in_one_pass(inputs, targets, weights, clip)
        return self._one_by_one(inputs, targets, weights, clip)

    def _in_one_pass(
        self, inputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, clip: tf.Tensor
    ) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            with _kept(self._model, tape.watch) as kept:
                outputs = self._model(inputs, training=True)
            losses = self._task.losses(targets, outputs)
            total = tf.reduce_sum(losses)
        if len({id(layer) for layer, _, _ in kept}) < len(kept):  # in a model that is used twice
            return self._one_by_one(inputs, targets, weights, clip)
        gradients = tape.gradient(total, [z for _, _, z in kept])
        parts = [_Part(layer, a, g) for (layer, a, _), g in zip(kept, gradients, strict=True)]
        norms = tf.sqrt(tf.cast(tf.add_n([part.squares() for part in parts]), tf.float32))
        most = CANCELS * tf.cast(tf.maximum(norms, clip), tf.float64)
        for terms in [terms for part in parts for terms in part.terms]:
            norms = tf.where(terms > most, np.float32(np.inf), norms)
        counts, finite = weights * _factors(norms, clip), tf.math.is_finite(norms)

        def summed(parts: list[_Part]) -> list[tf.Tensor]:
            found: dict[int, tf.Tensor] = {}
            for part in parts:
                found |= part.summed(counts)
            return [found[id(variable)] for variable in self._model.trainable_variables]

        sums = tf.cond(
            tf.reduce_all(finite),
            lambda: summed(parts),
            lambda: summed([part.only(finite) for part in parts]),  # 0 times NaN would be NaN
        )
        return sums, losses, norms

    def _one_by_one(
        self, inputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, clip: tf.Tensor
    ) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
        variables = self._model.trainable_variables
        values = [variable.value for variable in variables]
        count = tf.shape(weights)[0]
        sums = [tf.zeros(v.shape, tf.float32) for v in variables]
        losses, norms = tf.TensorArray(tf.float32, count), tf.TensorArray(tf.float32, count)
        for number in tf.range(count):
            one = slice(number, number + 1)
            with tf.GradientTape() as tape:
                outputs = self._model(inputs[one], training=True)
                loss = tf.reduce_sum(self._task.losses(targets[one], outputs))
            gradients = [
                tf.convert_to_tensor(gradient)
                for gradient in tape.gradient(
                    loss, values, unconnected_gradients=tf.UnconnectedGradients.ZERO
                )
            ]
            norm = tf.linalg.global_norm(gradients)
            factor, finite = weights[number] * _factors(norm, clip), tf.math.is_finite(norm)
            sums = [
                total + tf.where(finite, factor * more, 0.0)
                for total, more in zip(sums, gradients, strict=True)
            ]
            losses, norms = losses.write(number, loss), norms.write(number, norm)
        return sums, losses.stack(), norms.stack()


def check_model(what: str, model: keras.Model) -> None:
    """Raise if the gradient of a model is not a sum over examples.

    Parameters
    ----------
    what : str
        The keys of protection and model with their values, for the message.
    model : keras.Model

    Raises
    ------
    UserError
        If a layer mixes examples, or the model adds losses of its own.
    """
    for layer in _layers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            raise UserError(
                f"{what}: layer {layer.name!r} of the model is a BatchNormalization, which "
                "mixes the examples of a batch, so no example's part can be bounded; use "
                "GroupNormalization or LayerNormalization"
            )
        if getattr(layer, "activity_regularizer", None) or getattr(
            layer, "kernel_regularizer", None
        ):
            raise UserError(
                f"{what}: layer {layer.name!r} of the model ({type(layer).__name__}) adds a loss "
                "of its own, which is no example's; leave its regularizer out"
            )


def layers_without_formula(model: keras.Model) -> list[keras.Layer]:
    """Return the trainable layers because of which each example takes a backward pass of its own.

    The formulas of ghost norms cover Dense on vectors and plain Conv2D, each used once.
    """
    layers = [layer for layer in _layers(model) if layer.trainable_variables]
    return [layer for layer in layers if not (_is_known(layer) and _is_used_once(layer))]


class _Part:
    """A layer with its inputs and the gradient of its pre-activations, each [k, ...]."""

    def __init__(self, layer: keras.Layer, inputs: tf.Tensor, gradient: tf.Tensor) -> None:
        self._layer, self._inputs, self._gradient = layer, inputs, gradient
        self._each: tf.Tensor | None = None  # kernel gradient of each example, if it is cheaper
        self._of_bias: tf.Tensor | None = None  # bias gradient of each example, if it is a sum
        self._terms: list[tf.Tensor] = []

    def only(self, chosen: tf.Tensor) -> "_Part":
        """Return the part with zeros for the examples that are not ``chosen`` (bool [k])."""
        inputs, gradient = (_where(chosen, one) for one in (self._inputs, self._gradient))
        part = _Part(self._layer, inputs, gradient)
        part._each = None if self._each is None else _where(chosen, self._each)
        part._of_bias = None if self._of_bias is None else _where(chosen, self._of_bias)
        return part

    def squares(self) -> tf.Tensor:
        """Return the squared norm of each example's gradient, float64 [k]."""
        if isinstance(self._layer, keras.layers.Dense):
            of_gradient = _square(self._gradient)
            squares = _square(self._inputs) * of_gradient
            return squares + of_gradient if self._layer.use_bias else squares
        gradient = self._positions()
        places, filters = gradient.shape[1:]
        size = math.prod(self._layer.kernel.shape[:3])
        if places**2 * (size + filters) < places * size * filters:
            squares = self._squares_of_kernel(gradient)
        else:
            self._each = tf.matmul(self._patches(self._inputs), gradient, transpose_a=True)
            # Here float32 suffices: what vanishes is too short, and what overflows adds nothing.
            squares = tf.cast(tf.reduce_sum(self._each**2, axis=(1, 2)), tf.float64)
        if self._layer.use_bias:
            self._of_bias = tf.reduce_sum(gradient, axis=1)
            squares += _square(self._of_bias)
        return squares

    def _squares_of_kernel(self, gradient: tf.Tensor) -> tf.Tensor:
        """Return the squared norm of each example's kernel gradient, without computing that."""
        pulls, pulled = _scaled(gradient)
        inputs, seen = _scaled(self._inputs)
        patches = self._patches(inputs)
        alike = tf.matmul(patches, patches, transpose_b=True)
        pulling = tf.matmul(pulls, pulls, transpose_b=True)
        products = tf.reduce_sum(alike * pulling, axis=(1, 2))
        lengths = tf.linalg.diag_part(alike) * tf.linalg.diag_part(pulling)
        terms = tf.reduce_sum(tf.sqrt(lengths), axis=1)
        self._terms = [seen * pulled * tf.cast(terms, tf.float64) / gradient.shape[1] ** 0.5]
        return (seen * pulled) ** 2 * tf.cast(products, tf.float64)

    @property
    def terms(self) -> list[tf.Tensor]:
        """What the sums over n positions would be if their terms were random, each float64 [k].

        The sum of the norms of the terms, over sqrt(n); known after ``squares``. A gradient that
        was computed for each example is not among them: its norm is that of the sum.
        """
        return self._terms

    def summed(self, counts: tf.Tensor) -> dict[int, tf.Tensor]:
        """Return the sum of ``counts`` [k] times each example's gradient, by variable."""
        layer = self._layer
        counted = self._gradient * _beside(counts, self._gradient)
        if isinstance(layer, keras.layers.Dense):
            kernel = tf.matmul(self._inputs, counted, transpose_a=True)
        elif self._each is not None:
            kernel = tf.reshape(tf.tensordot(counts, self._each, 1), layer.kernel.shape)
        else:
            kernel = tf.raw_ops.Conv2DBackpropFilter(
                input=self._inputs,
                filter_sizes=layer.kernel.shape,
                out_backprop=counted,
                strides=[1, *layer.strides, 1],
                padding=layer.padding.upper(),
            )
        found = {id(layer.kernel): kernel}
        if layer.use_bias:
            each = self._gradient if self._of_bias is None else self._of_bias
            found[id(layer.bias)] = tf.tensordot(counts, each, 1)
        return found

    def _patches(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the inputs that each position sees, [k, positions, size]."""
        layer, strides = self._layer, [1, *self._layer.strides, 1]
        padding, shape = layer.padding.upper(), layer.kernel.shape[:3]
        size = math.prod(shape)
        if size <= FEW_INPUTS:  # a convolution copies few inputs faster
            copy = tf.reshape(tf.eye(size), [*shape, size])
            patches = tf.nn.conv2d(inputs, copy, strides, padding)
        else:
            sizes = [1, *layer.kernel_size, 1]
            patches = tf.image.extract_patches(inputs, sizes, strides, [1, 1, 1, 1], padding)
        return tf.reshape(patches, [-1, patches.shape[1] * patches.shape[2], size])

    def _positions(self) -> tf.Tensor:
        _, rows, columns, filters = self._gradient.shape
        return tf.reshape(self._gradient, [-1, rows * columns, filters])


@contextlib.contextmanager
def _kept(
    model: keras.Model, watch: Callable[[tf.Tensor], None]
) -> Iterator[list[tuple[keras.Layer, tf.Tensor, tf.Tensor]]]:
    """Record inputs and pre-activations of all trainable layers while the model is called."""
    kept: list[tuple[keras.Layer, tf.Tensor, tf.Tensor]] = []
    layers = [layer for layer in _layers(model) if layer.trainable_variables]

    def keeping(layer: keras.Layer, call: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
        def called(inputs: tf.Tensor, *args: Any, **kwargs: Any) -> tf.Tensor:
            activation, layer.activation = layer.activation, keras.activations.linear
            try:
                z = call(inputs, *args, **kwargs)
            finally:
                layer.activation = activation
            watch(z)
            kept.append((layer, inputs, z))
            return activation(z)

        return called

    try:
        for layer in layers:
            layer.call = keeping(layer, layer.call)
        yield kept
    finally:
        for layer in layers:
            layer.__dict__.pop("call", None)


def _square(values: tf.Tensor) -> tf.Tensor:
    """Return the squared norm of each example's values [k, ...], float64 [k]."""
    flat = tf.reshape(values, [tf.shape(values)[0], -1])
    return tf.reduce_sum(tf.cast(flat, tf.float64) ** 2, axis=1)


def _scaled(values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return each example's values [k, ...] divided by their largest, and that, float64 [k].

    The squares of the values themselves might vanish or overflow.
    """
    others = range(1, len(values.shape))
    largest = tf.maximum(tf.reduce_max(tf.abs(values), axis=list(others)), _SMALLEST)
    return values / _beside(largest, values), tf.cast(largest, tf.float64)


def _where(chosen: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Return values [k, ...] with zeros where ``chosen`` [k] is false."""
    return tf.where(_beside(chosen, values), values, tf.zeros_like(values))


def _beside(one_each: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Return a value for each example [k] in a shape that broadcasts to values [k, ...]."""
    return tf.reshape(one_each, [-1] + [1] * (len(values.shape) - 1))


def _factors(norms: tf.Tensor, clip: tf.Tensor) -> tf.Tensor:
    """Return min(1, clip / norm), and 0 for norms that are not finite."""
    factors = tf.minimum(1.0, clip / tf.maximum(norms, 1e-12))
    return tf.where(tf.math.is_finite(norms), factors, 0.0)


def _layers(model: keras.Model) -> list[keras.Layer]:
    return [
        layer
        for layer in model._flatten_layers(include_self=False)
        if not isinstance(layer, keras.Model)
    ]


def _is_known(layer: keras.Layer) -> bool:
    """Check whether there is a formula for the per-example gradient norm of a layer."""
    if type(layer) is keras.layers.Dense:
        return len(layer.input.shape) == 2
    return (
        type(layer) is keras.layers.Conv2D
        and layer.groups == 1
        and tuple(layer.dilation_rate) == (1, 1)
        and layer.data_format == "channels_last"
        and None not in layer.output.shape[1:]
    )


def _is_used_once(layer: keras.Layer) -> bool:
    """Check whether a layer is called once; the formulas do not cover shared layers."""
    return len(getattr(layer, "_inbound_nodes", ())) == 1
