"""Sums of per-example clipped gradients, in one backward pass.

Ghost norms with book-keeping (Li et al. 2022, arXiv:2110.05679; Bu et al. 2023, arXiv:2210.00038):
of each layer only its inputs a and the gradient g of its pre-activations are kept. For a Dense
layer, the norm of each example's gradient is that of a times that of g, and the clipped gradients
are added up in one product. For a convolution, whose gradient is a sum over positions, the gradient
of each example is computed.

The bound has to hold for any W, also for one that was made to break it, and for any loss. So no
norm is computed of anything but what is added: what cancels, vanishes or overflows does so in both.
Squares are taken in float64 where their product may not vanish although they do. And because matrix
products round otherwise for other numbers of rows, batches are filled up to multiples of ``ROWS``.
"""

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from fog_flower.errors import UserError
from fog_flower.tasks.classification import Classification
from fog_flower.tasks.task import Task

ROWS = 32  # batches are filled up to a multiple; convolutions take so many examples at a time
FEW_INPUTS = 64  # of a position of a convolution


class Clipping:
    """Clips the gradient of each example of a batch, in the graph.

    Parameters
    ----------
    model : keras.Model
        If all trainable layers are Dense on vectors or plain Conv2D, each used once, many
        examples take one backward pass. Otherwise every example takes its own.
        Check it with ``check_model`` first.
    task : Task
        Defines the loss.
    """

    def __init__(self, model: keras.Model, task: Task) -> None:
        self._model, self._task = model, task
        self.one_pass = not layers_without_formula(model) and _calls_each_once(model)
        self._together = all(map(_is_dense, _trainable(model)))

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
        if not self.one_pass:
            return self._one_by_one(inputs, targets, weights, clip)
        count = tf.shape(weights)[0]
        more = -count % ROWS
        filled = tf.concat([tf.range(count), tf.zeros([more], tf.int32)], 0)
        inputs, targets = tf.gather(inputs, filled), tf.gather(targets, filled)
        weights = tf.concat([weights, tf.zeros([more], tf.float32)], 0)
        if self._together:
            sums, losses, norms = self._in_one_pass(inputs, targets, weights, clip)
            return sums, losses[:count], norms[:count]
        sums = [tf.zeros(v.shape, tf.float32) for v in self._model.trainable_variables]
        parts = tf.shape(weights)[0] // ROWS
        losses, norms = tf.TensorArray(tf.float32, parts), tf.TensorArray(tf.float32, parts)
        for number in tf.range(parts):
            some = slice(number * ROWS, (number + 1) * ROWS)
            of_part, of_each, lengths = self._in_one_pass(
                inputs[some], targets[some], weights[some], clip
            )
            sums = [total + one for total, one in zip(sums, of_part, strict=True)]
            losses, norms = losses.write(number, of_each), norms.write(number, lengths)
        return sums, losses.concat()[:count], norms.concat()[:count]

    def _in_one_pass(
        self, inputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, clip: tf.Tensor
    ) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            with _kept(self._model, tape.watch) as kept:
                outputs = self._model(inputs, training=True)
            losses = tf.cast(_losses(self._task, targets, outputs), tf.float32)
            total = tf.reduce_sum(losses)
        gradients = tape.gradient(total, [z for _, _, z in kept])
        parts = [_part(layer, a, g) for (layer, a, _), g in zip(kept, gradients, strict=True)]
        norms = tf.sqrt(tf.cast(tf.add_n([part.squares() for part in parts]), tf.float32))
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


def _losses(task: Task, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """Return the loss of each example [k]; a task of the user's own sees one example at a time.

    Otherwise its loss of an example could depend on the others, and so could their gradients.
    """
    if type(task) is Classification:
        return task.losses(targets, outputs)

    def alone(example: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        target, output = example
        loss = tf.reduce_sum(task.losses(target[None], output[None]))
        return tf.cast(loss, tf.float32)

    return tf.vectorized_map(alone, (targets, outputs))


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

    One pass for many examples covers Dense on vectors and plain Conv2D, each used once.
    """
    layers = _trainable(model)
    return [layer for layer in layers if not (_is_known(layer) and _is_used_once(layer))]


@dataclasses.dataclass(frozen=True)
class _DensePart:
    """A Dense layer's inputs a [k, size] and the gradient g of its pre-activations [k, units]."""

    layer: keras.layers.Dense
    inputs: tf.Tensor
    gradient: tf.Tensor

    def only(self, chosen: tf.Tensor) -> "_DensePart":
        """Return the part with zeros for the examples that are not ``chosen`` (bool [k])."""
        inputs, gradient = (_where(chosen, one) for one in (self.inputs, self.gradient))
        return _DensePart(self.layer, inputs, gradient)

    def squares(self) -> tf.Tensor:
        """Return the squared norm of each example's gradient, float64 [k]."""
        of_gradient = _square(self.gradient)
        squares = _square(self.inputs) * of_gradient
        return squares + of_gradient if self.layer.use_bias else squares

    def summed(self, counts: tf.Tensor) -> dict[int, tf.Tensor]:
        """Return the sum of ``counts`` [k] times each example's gradient, by variable."""
        counted = self.gradient * counts[:, None]
        found = {id(self.layer.kernel): tf.matmul(self.inputs, counted, transpose_a=True)}
        if self.layer.use_bias:
            found[id(self.layer.bias)] = tf.reduce_sum(counted, axis=0)
        return found


@dataclasses.dataclass(frozen=True)
class _ConvolutionPart:
    """The gradient of each example of a Conv2D layer, for the kernel [k, ...] and the bias [k, f].

    The bias' is None if the layer has none.
    """

    layer: keras.layers.Conv2D
    of_kernel: tf.Tensor
    of_bias: tf.Tensor | None

    @classmethod
    def of(
        cls, layer: keras.layers.Conv2D, inputs: tf.Tensor, gradient: tf.Tensor
    ) -> "_ConvolutionPart":
        """Compute them from the layer's inputs and the gradient of its pre-activations."""
        _, rows, columns, filters = gradient.shape
        positions = tf.reshape(gradient, [-1, rows * columns, filters])
        of_kernel = tf.matmul(_patches(layer, inputs), positions, transpose_a=True)
        of_bias = tf.reduce_sum(positions, axis=1) if layer.use_bias else None
        return cls(layer, of_kernel, of_bias)

    def only(self, chosen: tf.Tensor) -> "_ConvolutionPart":
        """Return the part with zeros for the examples that are not ``chosen`` (bool [k])."""
        of_bias = None if self.of_bias is None else _where(chosen, self.of_bias)
        return _ConvolutionPart(self.layer, _where(chosen, self.of_kernel), of_bias)

    def squares(self) -> tf.Tensor:
        """Return the squared norm of each example's gradient, float64 [k].

        Squares of the kernel's are in float32: what vanishes is too short to matter, and an example
        whose squares overflow adds nothing.
        """
        squares = tf.cast(tf.reduce_sum(self.of_kernel**2, axis=(1, 2)), tf.float64)
        return squares if self.of_bias is None else squares + _square(self.of_bias)

    def summed(self, counts: tf.Tensor) -> dict[int, tf.Tensor]:
        """Return the sum of ``counts`` [k] times each example's gradient, by variable."""
        kernel = self.layer.kernel
        found = {id(kernel): tf.reshape(tf.tensordot(counts, self.of_kernel, 1), kernel.shape)}
        if self.of_bias is not None:
            found[id(self.layer.bias)] = tf.tensordot(counts, self.of_bias, 1)
        return found


_Part = _DensePart | _ConvolutionPart


def _part(layer: keras.Layer, inputs: tf.Tensor, gradient: tf.Tensor) -> _Part:
    """Return the part of a layer, in float32 whatever the layer computes in."""
    inputs, gradient = tf.cast(inputs, tf.float32), tf.cast(gradient, tf.float32)
    if _is_dense(layer):
        return _DensePart(layer, inputs, gradient)
    return _ConvolutionPart.of(layer, inputs, gradient)


def _patches(layer: keras.layers.Conv2D, inputs: tf.Tensor) -> tf.Tensor:
    """Return the inputs that each position of a convolution sees, [k, positions, size]."""
    strides, padding = [1, *layer.strides, 1], layer.padding.upper()
    shape = layer.kernel.shape[:3]
    size = math.prod(shape)
    if size <= FEW_INPUTS:  # a convolution copies few inputs faster
        copy = tf.reshape(tf.eye(size), [*shape, size])
        patches = tf.nn.conv2d(inputs, copy, strides, padding)
    else:
        sizes = [1, *layer.kernel_size, 1]
        patches = tf.image.extract_patches(inputs, sizes, strides, [1, 1, 1, 1], padding)
    return tf.reshape(patches, [-1, patches.shape[1] * patches.shape[2], size])


@contextlib.contextmanager
def _kept(
    model: keras.Model, watch: Callable[[tf.Tensor], None]
) -> Iterator[list[tuple[keras.Layer, tf.Tensor, tf.Tensor]]]:
    """Record inputs and pre-activations of all trainable layers while the model is called."""
    kept: list[tuple[keras.Layer, tf.Tensor, tf.Tensor]] = []
    layers = _trainable(model)

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


def _where(chosen: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Return values [k, ...] with zeros where ``chosen`` [k] is false."""
    shape = [-1] + [1] * (len(values.shape) - 1)
    return tf.where(tf.reshape(chosen, shape), values, tf.zeros_like(values))


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


def _trainable(model: keras.Model) -> list[keras.Layer]:
    return [layer for layer in _layers(model) if layer.trainable_variables]


def _is_known(layer: keras.Layer) -> bool:
    """Check whether there is a formula for the per-example gradient norm of a layer."""
    if _is_dense(layer):
        return len(layer.input.shape) == 2
    return (
        type(layer) is keras.layers.Conv2D
        and layer.groups == 1
        and tuple(layer.dilation_rate) == (1, 1)
        and layer.data_format == "channels_last"
        and None not in layer.output.shape[1:]
    )


def _is_dense(layer: keras.Layer) -> bool:
    return type(layer) is keras.layers.Dense


def _is_used_once(layer: keras.Layer) -> bool:
    """Check whether a layer is called once; the formulas do not cover shared layers."""
    return len(getattr(layer, "_inbound_nodes", ())) == 1


def _calls_each_once(model: keras.Model) -> bool:
    """Check whether a call of the model calls each trainable layer at most once.

    A layer of a model that is used twice inside another is used once in its own.
    """
    if len(getattr(model, "inputs", None) or ()) != 1:
        return False  # a subclass of Model does not tell
    with _kept(model, lambda _: None) as kept:
        model(tf.zeros((1, *model.inputs[0].shape[1:])), training=False)
    return len({id(layer) for layer, _, _ in kept}) == len(kept)
