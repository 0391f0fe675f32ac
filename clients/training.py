"""Local training of a fog node: SGD on its noisy data, epoch by epoch."""

import math
import secrets
import time
from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from clients.fog_node import NodeData
from clients.local_result import LocalResult
from clients.privacy.fog_node.dp_sgd import DpSgd
from clients.proximal import ProximalSGD
from clients.shared_tensor import shared_tensor
from fog_flower.causes import describe_failure
from fog_flower.config import ENTROPY, EPOCH_MEAN, RunConfig
from fog_flower.errors import UserError
from fog_flower.keras_weights import load_weights, weights_of
from fog_flower.seeds import generator, seed_for
from fog_flower.tasks.examples import Examples, Spec
from fog_flower.tasks.scores import Evaluation
from fog_flower.tasks.task import Task
from fog_flower.weights import Weights, as_dtype, subtract

JUDGED_AT_ONCE = 500  # examples per batch of an evaluation


class Trainer:
    """Trains one model, compiled once, for any node, round and run.

    Calls are independent of each other, because any actor may train any node: every call sets
    weights, anchors and random states anew.

    Parameters
    ----------
    model : keras.Model
        The uncompiled model; its weights do not matter.
    spec, task : Spec, Task
        Describe its inputs and targets.
    clip_norm : float
        Bound of the global gradient norm; 0 does not clip.
    private : DpSgd, optional
        Clips each example's gradient and adds noise; None trains by plain SGD.
    what : str
        The keys of protection and model with their values, for error messages.

    Attributes
    ----------
    threads : int
        TensorFlow's intra-op threads; 0 uses all cores.
    draws_globally : bool
        Whether the training step draws from TensorFlow's global generator.
    """

    def __init__(
        self,
        model: keras.Model,
        spec: Spec,
        task: Task,
        clip_norm: float = 0.0,
        private: DpSgd | None = None,
        what: str = "model",
    ) -> None:
        self._model, self._private = model, private
        self._what = what
        self._spec = spec
        self._task = task
        self._optimizer = ProximalSGD(global_clipnorm=clip_norm or None)
        self._optimizer.anchor(model.trainable_variables, 0.0)
        self._rate: float | None = None  # the optimizer's learning rate
        self._random_states = random_states(model)
        self.threads = tf.config.threading.get_intra_op_parallelism_threads()
        try:
            self._compile()
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"{what}: its training step is not a TensorFlow graph ({describe_failure(error)}); "
                "use operations of Keras or TensorFlow in it, not of NumPy"
            ) from error

    def train(
        self,
        config: RunConfig,
        start: Weights,
        data: NodeData,
        *,
        fog_node: int,
        server_round: int,
        mu: float = 0.0,
    ) -> LocalResult:
        """Train ``local-epochs`` epochs from W, and return dW.

        With ``upload=per-epoch`` (paper, section 3) dW is W_E - W, with ``epoch-mean`` (section
        4.3) it is mean_e(W_e) - W. With one epoch both are the same.

        Parameters
        ----------
        config : RunConfig
            Provides seed, learning rates, batch size, epochs and upload.
        start : Weights
            W, from the cloud.
        data : NodeData
        fog_node, server_round : int
            Key the shuffles, together with the run's seed and the epoch. The round also sets the
            learning rate.
        mu : float
            Weight of FedProx' proximal term, from the strategy; 0 is plain SGD.
        """
        began = time.perf_counter()
        rate = config.learning_rate_in(server_round)
        if rate != self._rate:
            self._optimizer.learning_rate = self._rate = rate
        load_weights(self._model, start)
        if self._optimizer.anchor(self._model.trainable_variables, mu):
            self._compile()  # the step traced so far has no proximal term
            load_weights(self._model, start)
        if self._private and config.noise_source == ENTROPY:
            self._reseed_secretly()
        else:
            self._reseed(seed_for(config.seed, "train", fog_node, server_round))
        history: dict[str, float] = {}
        total: Weights = []
        for epoch in range(config.local_epochs):
            if self._private:
                place = {"fog_node": fog_node, "server_round": server_round, "epoch": epoch}
                examples = Examples(data.inputs, data.targets)
                self._private_epoch.run(self._private, config, examples, **place)
                history = {"loss": math.nan, "accuracy": math.nan}  # they would disclose the data
            else:
                rng = generator(config.seed, "shuffle", fog_node, server_round, epoch)
                history = self._fit_epoch(data, rng, config.batch_size)
            if config.upload == EPOCH_MEAN:
                total = _accumulate(total, weights_of(self._model))
        if config.upload == EPOCH_MEAN:
            end = [
                as_dtype(t / config.local_epochs, s.dtype)
                for t, s in zip(total, start, strict=True)
            ]
        else:
            end = weights_of(self._model)
        return LocalResult(
            delta=subtract(end, start),
            loss=history["loss"],
            accuracy=history["accuracy"],
            seconds=time.perf_counter() - began,
        )

    def evaluate(self, weights: Weights, data: NodeData) -> Evaluation:
        """Return loss and accuracy of weights on a fog node's data."""
        losses, right = self.judge(weights, data)
        return Evaluation(float(losses.mean()), float(right.mean()))

    def judge(
        self, weights: Weights, data: NodeData
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Return the loss of each example [n], and whether it is answered right [n]."""
        load_weights(self._model, weights)
        parts = []
        for first in range(0, len(data.targets), JUDGED_AT_ONCE):
            some = slice(first, first + JUDGED_AT_ONCE)
            outputs = self._model(data.inputs[some], training=False)
            answers = np.asarray(self._task.answers(outputs))
            parts.append(self._task.scores(answers, data.targets[some]))
        losses = np.concatenate([part.losses for part in parts])
        return losses, np.concatenate([part.right for part in parts])

    def _compile(self) -> None:
        spec, task = self._spec, self._task
        if self._private:
            from clients.privacy.fog_node._private_epoch import PrivateEpoch  # noqa: PLC0415

            self._private_epoch = PrivateEpoch(self._model, self._optimizer, spec, task, self._what)
            self.draws_globally = False
            return
        self._task.compile(self._model, self._optimizer)
        # The first step creates the variables of metrics and optimizer, which a graph must not do.
        # train_on_batch would trace a graph of its own for it.
        self._model.train_step(
            (
                tf.zeros((1, *spec.shape), spec.dtype),
                tf.zeros((1, *task.target_shape), task.target_dtype),
            )
        )
        self._run_epoch = tf.function(
            self._steps,
            input_signature=[
                tf.TensorSpec((None, *spec.shape), spec.dtype),
                tf.TensorSpec((None, *task.target_shape), task.target_dtype),
                tf.TensorSpec((None,), tf.int64),
                tf.TensorSpec((), tf.int64),
            ],
        )
        # Setting TensorFlow's global seed makes it build every graph again, which takes as long as
        # an epoch of a small model. So it is set only if something draws from that generator.
        graph = self._run_epoch.get_concrete_function()
        self.draws_globally = _draws_globally(graph)
        if not self.draws_globally:
            self._run_epoch = graph  # saves the search for the right graph in every call
        # These are separate graphs: inside that of the training step they change its rounding.
        model = self._model
        self._reset_metrics = tf.function(model.reset_metrics).get_concrete_function()
        self._metrics_result = tf.function(model.get_metrics_result).get_concrete_function()

    def _reseed(self, seed: int) -> None:
        if self.draws_globally:
            keras.utils.set_random_seed(seed % 2**32)
        for number, state in enumerate(self._random_states):
            state.assign(np.array([seed % 2**32, number], dtype=state.dtype))

    def _reseed_secretly(self) -> None:
        """Draw what random layers do to each example from the system's entropy.

        Whoever knows the seed knows what they do at each place of a batch. One example more would
        then change what is done to all that follow it.
        """
        for state in self._random_states:
            words = np.frombuffer(secrets.token_bytes(8), np.uint32)
            state.assign(words.astype(state.dtype))

    def _fit_epoch(
        self, data: NodeData, rng: np.random.Generator, batch_size: int
    ) -> dict[str, float]:
        # Keras would shuffle with a global generator.
        order = rng.permutation(len(data.targets))
        inputs, targets = shared_tensor(data.inputs), tf.constant(data.targets)
        self._reset_metrics()
        self._run_epoch(inputs, targets, tf.constant(order), tf.constant(batch_size, tf.int64))
        return {name: float(value) for name, value in self._metrics_result().items()}

    def _steps(
        self, inputs: tf.Tensor, targets: tf.Tensor, order: tf.Tensor, batch_size: tf.Tensor
    ) -> None:
        """Run Keras' own training step on all batches in one graph.

        ``fit`` returns to Python for every batch and builds a data pipeline for every epoch, which
        takes half of the time for small models.
        """
        count = tf.shape(order, tf.int64)[0]
        for start in tf.range(0, count, batch_size):
            chosen = order[start : tf.minimum(start + batch_size, count)]
            self._model.train_step((tf.gather(inputs, chosen), tf.gather(targets, chosen)))


def random_states(model: keras.Model) -> list[keras.Variable]:
    """Return the seed states of Dropout and other random layers, which are no weights."""
    weights = {id(variable) for variable in model.weights}
    return [
        variable
        for variable in model.variables
        if id(variable) not in weights and tuple(variable.shape) == (2,)
    ]


def _draws_globally(function: tf.types.experimental.ConcreteFunction) -> bool:
    """Check whether a graph uses TensorFlow's global generator, as ``tf.random.normal`` does.

    Keras' own layers do not: they have their own seed states.
    """
    definition = function.graph.as_graph_def()
    nodes = [*definition.node, *(n for f in definition.library.function for n in f.node_def)]
    return any("seed2" in node.attr for node in nodes)


def _accumulate(total: Sequence[np.ndarray], weights: Weights) -> Weights:
    if not total:
        return [w.astype(np.float64) for w in weights]
    return [t + w for t, w in zip(total, weights, strict=True)]
