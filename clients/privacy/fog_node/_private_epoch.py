"""An epoch of DP-SGD in one TensorFlow graph."""

import secrets

import keras
import numpy as np
import tensorflow as tf

from clients.privacy._rng import protecting_rng
from clients.privacy.fog_node._apart import check_examples_apart
from clients.privacy.fog_node._clipping import Clipping, check_model
from clients.privacy.fog_node.dp_sgd import DpSgd
from clients.shared_tensor import shared_tensor
from fog_flower.config import ENTROPY, RunConfig
from fog_flower.tasks.examples import Examples, Spec
from fog_flower.tasks.task import Task

LARGEST_SEED = 2**63 - 1


def check_private(what: str, model: keras.Model, spec: Spec) -> None:
    """Check that DP-SGD protects each example of this model.

    Parameters
    ----------
    what : str
        The keys of protection and model with their values, for error messages.
    model : keras.Model
    spec : Spec
        Of its inputs.

    Raises
    ------
    UserError
        If a layer mixes examples, or the model adds losses or changes weights of its own.
    """
    check_model(what, model)
    check_examples_apart(what, model, spec)


class PrivateEpoch:
    """Runs the steps of one epoch on Poisson samples, with clipped and noised gradients.

    Parameters
    ----------
    model : keras.Model
    optimizer : keras.optimizers.Optimizer
        Applies the noised gradients. It may add terms that need no data, such as a proximal term.
    spec, task : Spec, Task
    what : str
        For error messages; see ``check_private``, which raises them.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        spec: Spec,
        task: Task,
        what: str,
    ) -> None:
        check_private(what, model, spec)
        # Products of ten bits, as GPUs compute them otherwise, would make norms and sums differ.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        self._model, self._optimizer = model, optimizer
        self._clipping = Clipping(model, task)
        optimizer.build(model.trainable_variables)
        self._run = tf.function(
            self._steps,
            input_signature=[
                tf.TensorSpec((None, *spec.shape), spec.dtype),
                tf.TensorSpec((None, *task.target_shape), task.target_dtype),
                tf.TensorSpec((None,), tf.int64),
                tf.TensorSpec((None,), tf.int64),
                tf.TensorSpec((None, 2), tf.int64),
                *[tf.TensorSpec((), tf.float32)] * 3,
            ],
        )

    def run(
        self,
        mechanism: DpSgd,
        config: RunConfig,
        data: Examples,
        *,
        fog_node: int,
        server_round: int,
        epoch: int,
    ) -> None:
        """Train one epoch from the model's current weights.

        Samples and noise come from the system's entropy, or, with ``noise-source=seeded``, from the
        run's seed. In that case whoever knows the seed can remove the noise.
        """
        count = len(data.targets)
        rng = protecting_rng(config, "dp-sgd", fog_node, server_round, epoch)
        batches = mechanism.batches(config, count, rng)
        steps = len(batches)
        seeds = rng.integers(0, LARGEST_SEED, (steps, 2))
        if config.noise_source == ENTROPY:
            drawn = [secrets.randbelow(LARGEST_SEED) for _ in range(2 * steps)]
            seeds = np.array(drawn, np.int64).reshape(steps, 2)
        self._run(
            shared_tensor(data.inputs),
            data.targets,
            np.concatenate(batches).astype(np.int64),
            np.cumsum([0, *map(len, batches)]),
            seeds,
            mechanism.clip,
            mechanism.noise_for(config, count),
            float(min(config.batch_size, count)),
        )

    def _steps(
        self,
        inputs: tf.Tensor,
        targets: tf.Tensor,
        order: tf.Tensor,
        edges: tf.Tensor,
        seeds: tf.Tensor,
        clip: tf.Tensor,
        noise: tf.Tensor,
        expected: tf.Tensor,
    ) -> None:
        for number in tf.range(tf.shape(seeds)[0]):
            chosen = order[edges[number] : edges[number + 1]]
            weights = tf.ones(tf.shape(chosen), tf.float32)
            # A sample may be empty, so one example with weight 0 is added.
            chosen, weights = tf.concat([chosen, [0]], 0), tf.concat([weights, [0.0]], 0)
            sums, _, _ = self._clipping.clipped_sum(
                tf.gather(inputs, chosen), tf.gather(targets, chosen), weights, clip
            )
            sums = tf.cond(
                noise > 0.0,
                lambda sums=sums, number=number: _noised(sums, seeds[number], noise * clip),
                lambda sums=sums: sums,
            )
            self._optimizer.apply([total / expected for total in sums])


def _noised(sums: list[tf.Tensor], seed: tf.Tensor, deviation: tf.Tensor) -> list[tf.Tensor]:
    """Add Gaussian noise to each sum, drawn with a seed of its own."""
    return [
        total
        + deviation * tf.random.stateless_normal(total.shape, tf.stack([seed[0], seed[1] ^ number]))
        for number, total in enumerate(sums)
    ]
