"""DP-SGD: clipping agrees with one example at a time, sampling is Poisson, noise is as wide."""

import functools
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from clients.fog_node import NodeData
from clients.local_training import _trainer
from clients.privacy.fog_node._apart import check_examples_apart
from clients.privacy.fog_node._clipping import Clipping, check_model
from clients.privacy.fog_node._private_epoch import PrivateEpoch
from clients.privacy.fog_node.dp_sgd import DpSgd, poisson_batches
from clients.proximal import ProximalSGD
from clients.training import Trainer
from fog_flower.build_model import build_model
from fog_flower.errors import UserError
from fog_flower.models import MODELS
from fog_flower.seeds import generator
from fog_flower.tasks.classification import Classification
from fog_flower.tasks.examples import Examples, Spec
from simulations.preflight import check
from tests.conftest import SPEC, TASK
from tests.runs import rounds, run_here

WHAT = "fog-protection='dp-sgd', model='m'"
RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(7, *SPEC.shape)).astype(np.float32)
TARGETS = RNG.integers(0, 10, 7)
WEIGHTS = np.array([1, 1, 1, 1, 1, 0.5, 0], np.float32)


def model_of(*layers):
    return keras.Sequential([keras.Input(SPEC.shape), *layers, keras.layers.Dense(10, "softmax")])


MODELS_IN_ONE_PASS = {
    **{
        name: lambda name=name: build_model(name, SPEC, TASK, 0, "float32")
        for name in ("mlp-narrow", "cnn-small", "cnn-narrow")
    },
    "strides": lambda: model_of(
        keras.layers.Conv2D(4, 5, strides=2, padding="same", use_bias=False),
        keras.layers.Activation("relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(8, "tanh", use_bias=False),
    ),
}
ONE_BY_ONE = {
    "normalised": lambda: model_of(keras.layers.LayerNormalization(), keras.layers.Flatten()),
    "grouped": lambda: model_of(keras.layers.Conv2D(6, 3, groups=3), keras.layers.Flatten()),
}


def by_hand(model, clip):
    """Return the sum of clipped gradients, and norms, with plain gradients of one example each."""
    sums, norms = [np.zeros(v.shape) for v in model.trainable_variables], []
    for x, y, weight in zip(INPUTS, TARGETS, WEIGHTS, strict=True):
        with tf.GradientTape() as tape:
            loss = TASK.losses(tf.constant([y]), model(x[None], training=True))[0]
        found = [
            g.numpy() for g in tape.gradient(loss, [v.value for v in model.trainable_variables])
        ]
        norm = np.sqrt(sum(float(np.square(g, dtype=np.float64).sum()) for g in found))
        norms.append(norm)
        sums = [s + weight * min(1.0, clip / norm) * g for s, g in zip(sums, found, strict=True)]
    return sums, np.array(norms)


@pytest.mark.parametrize("name", [*MODELS_IN_ONE_PASS, *ONE_BY_ONE])
@pytest.mark.parametrize("clip", [0.1, 20.0, np.inf])
def test_it_agrees_with_one_example_at_a_time(name, clip):
    model = (MODELS_IN_ONE_PASS | ONE_BY_ONE)[name]()
    clipping = Clipping(model, TASK)
    assert clipping.one_pass == (name in MODELS_IN_ONE_PASS)
    sums, losses, norms = tf.function(clipping.clipped_sum)(
        tf.constant(INPUTS),
        tf.constant(TARGETS),
        tf.constant(WEIGHTS),
        tf.constant(np.float32(clip)),
    )
    wanted, lengths = by_hand(model, clip)
    np.testing.assert_allclose(norms, lengths, rtol=1e-5)
    assert losses.shape == (7,)
    for found, want in zip(sums, wanted, strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-5 * np.abs(want).max())


def test_a_layer_that_is_used_twice_is_not_taken_for_two():
    inputs = keras.Input((10,))
    dense = keras.layers.Dense(10, "tanh")
    model = keras.Model(inputs, dense(dense(inputs)))
    assert not Clipping(model, TASK).one_pass


def test_a_model_that_is_used_twice_goes_one_by_one():
    inner = keras.Sequential([keras.Input((10,)), keras.layers.Dense(10, "tanh")])
    inputs = keras.Input((32, 32, 3))
    small = keras.layers.Dense(10)(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, keras.layers.Softmax()(inner(inner(small))))
    found = clipped(model, np.inf)
    for one, want in zip(found, by_hand(model, np.inf)[0], strict=True):
        np.testing.assert_allclose(one, want, rtol=1e-4, atol=1e-5 * np.abs(want).max())


def clipped(model, clip, chosen=slice(None)):
    sums, _, _ = tf.function(Clipping(model, TASK).clipped_sum)(
        tf.constant(INPUTS[chosen]),
        tf.constant(TARGETS[chosen]),
        tf.constant(WEIGHTS[chosen]),
        tf.constant(np.float32(clip)),
    )
    return [one.numpy() for one in sums]


def with_squares_that_vanish():
    """Return a Dense model with activations near 1e19, whose gradients there are near 1e-19."""
    model = keras.Sequential(
        [
            *(keras.Input((32, 32, 3)), keras.layers.Flatten()),
            *(keras.layers.Dense(128, "relu"), keras.layers.Dense(64, "relu")),
            keras.layers.Dense(10, "softmax"),
        ]
    )
    unit = 1.3e19 / np.sqrt(128)
    last = np.zeros((64, 10), np.float32)
    last[:, 0] = 1.19e-19
    shapes = [weight.shape for weight in model.get_weights()]
    model.set_weights(
        [
            np.random.default_rng(0).standard_normal(shapes[0]) * unit * 1e-4,
            *(np.full(128, unit), np.full(shapes[2], 1e-3 / (unit * 128)), np.zeros(64)),
            *(last, np.zeros(10)),
        ]
    )
    return model


def with_terms_that_cancel(bias, pull):
    """Return a convolutional model whose kernel gradients are differences of large numbers."""
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Conv2D(32, 3, strides=4, activation="relu"),
            keras.layers.Conv2D(64, 3, activation="relu"),
            *(keras.layers.Flatten(), keras.layers.Dense(10, "softmax")),
        ]
    )
    rng = np.random.default_rng(0)
    weights = model.get_weights()
    weights[0] = rng.standard_normal(weights[0].shape) * bias * 1e-5
    weights[1] = np.full(32, bias)
    weights[2] = np.full(weights[2].shape, 1e-3 / (bias * 288))
    weights[3] = np.full(64, 1e-3)
    pulls = rng.standard_normal((weights[4].shape[0] // 64, 64))
    weights[4] = np.zeros(weights[4].shape)
    weights[4][:, 0] = pull * (pulls - pulls.mean(axis=0)).reshape(-1)
    model.set_weights(weights)
    return model


def with_a_detector():
    """Return a model with an activation of 1e33 where one image has a patch, which nothing uses.

    Beside it, the products that make up the gradient of the last convolution vanish.
    """
    model = build_model("cnn-small", SPEC, TASK, 0, "float32")
    weights = [np.zeros_like(weight) for weight in model.get_weights()]
    seen = tf.nn.avg_pool2d(INPUTS[3:4], 2, 2, "VALID").numpy()  # the model begins with a pool
    patch = seen[0, 4:7, 4:7] / np.linalg.norm(seen[0, 4:7, 4:7])
    answers = np.sort(tf.nn.conv2d(seen, patch[..., None], 1, "VALID").numpy().ravel())
    weights[0][..., 0] = 1e33 * patch
    weights[1][:] = 1e6
    weights[1][0] = -1e33 * answers[-2:].mean()
    weights[2][..., 0, :] = -1.0
    weights[2][:, :, 1:, :] = 1e-11
    weights[3][:] = 1e-4
    weights[4][:, 0] = 1e-4
    weights[6][0, 0] = 1.0
    model.set_weights(weights)
    return model


@pytest.mark.parametrize(
    "make",
    [
        with_a_detector,
        with_squares_that_vanish,
        functools.partial(with_terms_that_cancel, 1e3, 10.0),
        functools.partial(with_terms_that_cancel, 1e4, 0.01),
    ],
)
@pytest.mark.parametrize("clip", [0.5, 1.0])
def test_no_model_gets_past_the_bound(make, clip):
    """Not even with W made to break it: all that an example adds is at most the clip."""
    model = make()
    assert Clipping(model, TASK).one_pass
    for number in range(len(INPUTS)):
        added = clipped(model, clip, slice(number, number + 1))
        length = np.sqrt(sum(float(np.square(one, dtype=np.float64).sum()) for one in added))
        assert length <= 1.001 * clip * abs(WEIGHTS[number])


def with_columns_that_cancel(name):
    """Return an MLP whose gradients are rounding errors of sums that would be zero."""
    model = build_model(name, SPEC, TASK, 0, "float32")
    rng = np.random.default_rng(3)
    weights = [np.zeros_like(weight) for weight in model.get_weights()]
    weights[-1] = rng.standard_normal(10)
    weights[-2][:] = 1e25 * rng.uniform(1, 2, (len(weights[-2]), 1))
    for bias in weights[1:-1:2]:
        bias[:] = 1e-30  # hidden units: tiny and active
    weights[2][:] = np.eye(*weights[2].shape) * 1e-3
    model.set_weights(weights)
    return model


@pytest.mark.parametrize("count", [12, 15, 16, 31, 32])
def test_one_example_more_does_not_change_what_the_others_add(count):
    """Products of matrices with more rows may round otherwise, and W may make much of that."""
    model = with_columns_that_cancel("mlp-narrow")
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(count + 1, *SPEC.shape)).astype(np.float32)
    targets = rng.integers(0, 10, count + 1)
    clip = tf.function(Clipping(model, TASK).clipped_sum, reduce_retracing=True)
    more, less = (
        clip(tf.constant(inputs[:n]), tf.constant(targets[:n]), tf.ones(n), tf.constant(1.0))[0]
        for n in (count + 1, count)
    )
    added = [
        one.numpy().astype(np.float64) - other.numpy()
        for one, other in zip(more, less, strict=True)
    ]
    assert np.sqrt(sum(np.square(one).sum() for one in added)) <= 1.001


class OfTheBatch(Classification):
    """Losses that are a thousand times as large where any of the batch is large."""

    def losses(self, targets, outputs):
        losses = super().losses(targets, outputs)
        return losses * (1e-3 + tf.cast(tf.reduce_max(losses) > 3.0, tf.float32))


def test_a_loss_of_the_users_own_sees_one_example_at_a_time():
    model, task = build_model("linear", SPEC, TASK, 0, "float32"), OfTheBatch(TASK.classes)
    inputs = np.concatenate([np.tile(INPUTS[:1], (15, 1, 1, 1)), 100 * INPUTS[:1]])
    outputs = model(inputs)
    targets = outputs.numpy().argmax(axis=1)
    targets[-1] = outputs.numpy()[-1].argmin()
    alone = task.losses(targets[:1], outputs[:1])
    assert task.losses(targets, outputs)[0] > 100 * alone
    more, less = (
        Clipping(model, task).clipped_sum(inputs[:n], targets[:n], tf.ones(n), tf.constant(1.0))
        for n in (16, 15)
    )
    added = [one - other for one, other in zip(more[0], less[0], strict=True)]
    assert float(tf.linalg.global_norm(added)) <= 1.001
    np.testing.assert_allclose(more[1][:15], less[1], rtol=1e-5)


class Ours(Classification):
    """The same task by another name."""


def test_a_task_of_the_users_own_trains_like_ours():
    model = build_model("cnn-small", SPEC, TASK, 0, "float32")
    given = (tf.constant(INPUTS), tf.constant(TARGETS), tf.constant(WEIGHTS), tf.constant(0.5))
    for one, other in zip(
        tf.function(Clipping(model, TASK).clipped_sum)(*given)[0],
        tf.function(Clipping(model, Ours(TASK.classes)).clipped_sum)(*given)[0],
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("name", ["mlp-narrow", "cnn-small"])
def test_norms_in_bfloat16_are_those_of_its_gradients(name):
    exact = Clipping(build_model(name, SPEC, TASK, 0, "float32"), TASK)
    rough = Clipping(build_model(name, SPEC, TASK, 0, "bfloat16"), TASK)
    given = (tf.constant(INPUTS), tf.constant(TARGETS), tf.constant(WEIGHTS), tf.constant(1.0))
    sums, _, norms = tf.function(rough.clipped_sum)(*given)
    np.testing.assert_allclose(norms, tf.function(exact.clipped_sum)(*given)[2], rtol=0.02)
    assert {one.dtype for one in sums} == {tf.float32}


@pytest.mark.parametrize(("source", "same"), [("entropy", False), ("seeded", True)])
def test_what_random_layers_do_is_secret_where_noise_is(make_config, source, same):
    """A seed tells what they do at each place of a batch, and so who is in it."""
    model = model_of(keras.layers.Flatten(), keras.layers.Dropout(0.5))
    config = make_config(batch_size=7, noise_source=source)
    trainer = Trainer(model, SPEC, TASK, private=DpSgd(clip=np.inf, noise=0.0))
    data = NodeData(INPUTS, TARGETS, (7,), 0, ())
    start = model.get_weights()
    one, other = (
        trainer.train(config, start, data, fog_node=0, server_round=1).delta for _ in range(2)
    )
    assert np.array_equal(one[0], other[0]) == same


def test_private_training_does_not_multiply_in_ten_bits(make_config):
    tf.config.experimental.enable_tensor_float_32_execution(True)
    epoch(make_config(batch_size=30), build_model("mlp-narrow", SPEC, TASK, 0, "float32"), DpSgd())
    assert not tf.config.experimental.tensor_float_32_execution_enabled()


def test_layers_are_as_they_were():
    model = build_model("cnn-small", SPEC, TASK, 0, "float32")
    before = model(INPUTS).numpy()
    Clipping(model, TASK).clipped_sum(
        tf.constant(INPUTS), tf.constant(TARGETS), tf.constant(WEIGHTS), tf.constant(1.0)
    )
    np.testing.assert_array_equal(model(INPUTS), before)
    assert all("call" not in vars(layer) for layer in model.layers)


def epoch(config, model, mechanism, count=90, **place):
    """Run one epoch from the model's weights, and return them before and after."""
    optimizer = ProximalSGD(learning_rate=config.learning_rate)
    optimizer.anchor(model.trainable_variables, 0.0)
    before = model.get_weights()
    data = Examples(
        np.tile(INPUTS, (count // 7 + 1, 1, 1, 1))[:count], np.tile(TARGETS, 13)[:count]
    )
    place = {"fog_node": 0, "server_round": 1, "epoch": 0} | place
    PrivateEpoch(model, optimizer, SPEC, TASK, WHAT).run(mechanism, config, data, **place)
    return before, model.get_weights(), data


def test_without_noise_and_bound_it_is_sgd_on_the_same_batches(make_config):
    config = make_config(batch_size=30, learning_rate=0.1)
    model = build_model("mlp-narrow", SPEC, TASK, 0, "float32")
    before, after, data = epoch(config, model, DpSgd(clip=np.inf, noise=0.0))
    batches = poisson_batches(90, 30 / 90, 3, generator(config.seed, "dp-sgd", 0, 1, 0))
    model.set_weights(before)
    for chosen in batches:
        with tf.GradientTape() as tape:
            losses = TASK.losses(data.targets[chosen], model(data.inputs[chosen], training=True))
            loss = tf.reduce_sum(losses) / 30.0
        values = [v.value for v in model.trainable_variables]
        for variable, gradient in zip(values, tape.gradient(loss, values), strict=True):
            variable.assign_sub(0.1 * gradient)
    for found, want in zip(after, model.get_weights(), strict=True):
        np.testing.assert_allclose(found, want, atol=1e-6)


def test_every_example_is_in_a_batch_with_the_same_chance_whoever_else_is():
    batches = poisson_batches(1000, 0.05, 400, np.random.default_rng(0))
    sizes = np.array([len(batch) for batch in batches])
    assert sizes.mean() == pytest.approx(50, abs=1)
    assert sizes.var() == pytest.approx(1000 * 0.05 * 0.95, rel=0.25)  # a fixed size has none
    counts = np.bincount(np.concatenate(batches), minlength=1000)
    assert counts.mean() == pytest.approx(20, abs=0.5)


def test_the_noise_is_as_wide_as_it_is_accounted_for(make_config):
    config = make_config(batch_size=30, learning_rate=1.0)
    model = build_model("mlp-narrow", SPEC, TASK, 0, "float32")
    tiny = 1e-6  # so that nothing but noise is left
    before, after, _ = epoch(config, model, DpSgd(clip=tiny, noise=2.0))
    moved = np.concatenate([(a - b).ravel() for a, b in zip(after, before, strict=True)])
    steps = 3
    assert moved.std() == pytest.approx(2.0 * tiny / 30 * np.sqrt(steps), rel=0.05)


def test_noise_of_two_rounds_nodes_and_layers_is_not_the_same(make_config):
    config = make_config(batch_size=90, learning_rate=1.0)
    moves = []
    for place in ({}, {"server_round": 2}, {"fog_node": 1}):
        model = build_model("mlp-narrow", SPEC, TASK, 0, "float32")
        before, after, _ = epoch(config, model, DpSgd(clip=1e-6, noise=2.0), **place)
        moves.append([(a - b).ravel()[:10] for a, b in zip(after, before, strict=True)])
    drawn = np.array([array for move in moves for array in move if len(array) == 10])
    assert np.abs(np.corrcoef(drawn) - np.eye(len(drawn))).max() < 0.99


def test_from_the_system_s_entropy_it_is_another_one_each_time(make_config):
    config = make_config(batch_size=90, learning_rate=1.0, noise_source="entropy")
    moves = []
    for _ in range(2):
        model = build_model("mlp-narrow", SPEC, TASK, 0, "float32")
        before, after, _ = epoch(config, model, DpSgd(clip=1e-6, noise=2.0))
        moves.append(after[0] - before[0])
    assert not np.allclose(*moves, atol=1e-9)


def test_the_noise_follows_from_epsilon_rounds_and_examples(make_config):
    config = make_config(batch_size=256, num_server_rounds=20, model="mlp-narrow")
    mechanism = DpSgd(epsilon=4.512)
    assert mechanism.noise_for(config, 10_000) == pytest.approx(1.0, abs=0.01)
    told = mechanism.guarantee(config, 10_000, 20)
    assert told.epsilon == pytest.approx(4.51, abs=0.02)
    assert mechanism.guarantee(config, 10_000, 5).epsilon < told.epsilon


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("epsilon=0", "epsilon=0 must be positive"),
        ("delta=2", "delta=2 must be between"),
        ("clip=0", "clip=0 must be positive"),
        ("clip='1'", "dp-sgd: clip='1' must be a number; 0.1 to 2 is usual"),
        ("clip=True", "clip=True must be a number"),
        ("clip=1e999", "clip=inf bounds nothing"),
        ("noise='1'", "dp-sgd: noise='1' must be a number; leave it out, and give epsilon"),
        ("noise=1e999", "noise=inf must be finite"),
        ("epsilom=3", "there is no argument 'epsilom'; there are: epsilon, delta, clip, noise"),
        ("epsilon=", "write name=value"),
        ("epsilon=2000", "fog-protection=dp-sgd: epsilon=2000 promises nothing; use at most 100"),
        (
            "epsilon=1e-7,delta=1e-12",
            "dp-sgd: epsilon=1e-07: no noise is enough .* rounds; use a larger",
        ),
    ],
)
def test_odd_arguments_are_refused_before_the_run(make_config, given, words):
    with pytest.raises(UserError, match=words):
        check(make_config(fog_protection=f"dp-sgd({given})", batch_size=120, num_server_rounds=1))


def test_a_bound_of_whole_batches_beside_it_is_refused(make_config):
    with pytest.raises(UserError, match="clip-norm=1 bounds the gradient of a batch"):
        check(make_config(fog_protection="dp-sgd", clip_norm=1.0))


def mixing():
    return model_of(keras.layers.BatchNormalization(name="bn"), keras.layers.Flatten())


def regularised():
    return model_of(
        keras.layers.Flatten(), keras.layers.Dense(4, kernel_regularizer="l2", name="bounded")
    )


def with_a_centred_layer():
    return model_of(keras.layers.Flatten(), Centred(name="centred"))


def with_a_running_mean():
    return model_of(keras.layers.Flatten(), Averaging(name="averaging"))


UNFIT = {
    "mixing": ("layer 'bn' of the model is a BatchNormalization", "use GroupNormalization or"),
    "regularised": (
        "layer 'bounded' of the model (Dense) adds a loss",
        "leave its regularizer out",
    ),
    "with_a_centred_layer": ("layer 'centred' (Centred) computes with the whole batch", "use one"),
    "with_a_running_mean": ("changes its weights ", "use layers that keep nothing"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_model_whose_examples_mix_is_refused_before_the_run(make_config, name):
    text, model = "dp-sgd(epsilon=3)", f"{__name__}:{name}"
    with pytest.raises(UserError) as refused:
        check(make_config(fog_protection=text, model=model))
    told = str(refused.value)
    assert told.startswith(f"fog-protection={text!r}, model={model!r}: ")
    for words in UNFIT[name]:
        assert words in told
    check(make_config(model=model))  # it can be trained without


@pytest.mark.parametrize("name", UNFIT)
def test_a_fog_node_refuses_it_in_the_same_words(name):
    """On a deployment nothing is checked before."""
    model = f"{__name__}:{name}"
    with pytest.raises(UserError) as refused:
        _trainer(model, 0.0, "float32", SPEC, TASK, ("dp-sgd(epsilon=3)",))
    told = str(refused.value)
    assert told.startswith(f"fog-protection='dp-sgd(epsilon=3)', model={model!r}: ")
    assert UNFIT[name][0] in told


def test_a_run_learns_tells_no_metrics_and_accounts(make_config):
    config = make_config(
        fog_protection="dp-sgd(noise=0.3)", batch_size=12, learning_rate=0.5, num_server_rounds=3
    )
    rows = rounds(run_here(config))
    assert float(rows[-1]["test_accuracy"]) > 0.5
    assert {row["train_loss"] for row in rows} == {"nan"}


def test_all_models_of_the_catalogue_can_be_trained_privately():
    for name in MODELS.names():
        check_model(WHAT, build_model(name, SPEC, TASK, 0, "float32"))


def with_layer_normalization():
    return ONE_BY_ONE["normalised"]()


def test_slow_layers_are_named_before_the_run(make_config, caplog):
    slow = f"{__name__}:with_layer_normalization"
    check(make_config(model=slow, fog_protection="dp-sgd"))
    assert "(LayerNormalization)" in caplog.text
    assert "Dense)" not in caplog.text
    caplog.clear()
    check(make_config(fog_protection="dp-sgd"))
    assert "backward pass of its own" not in caplog.text


class Centred(keras.layers.Layer):
    """Subtracts the mean of the batch: no weights, no name that gives it away."""

    def call(self, inputs):
        return inputs - keras.ops.mean(inputs, axis=0, keepdims=True)


class CentredInTraining(Centred):
    def call(self, inputs, training=False):
        return super().call(inputs) if training else inputs


class Ranked(keras.layers.Layer):
    """Adds how many of the batch are smaller, through which no gradient flows."""

    def call(self, inputs):
        smaller = inputs[:, None] > inputs[None]
        return inputs + keras.ops.sum(keras.ops.cast(smaller, "float32"), axis=1)


@pytest.mark.parametrize("layer", [Centred, CentredInTraining, Ranked])
def test_layers_that_compute_with_the_whole_batch_are_refused(layer):
    model = model_of(keras.layers.Flatten(), layer(name="this_one"))
    words = rf"depends on the other examples of its batch.*; layer 'this_one' \({layer.__name__}\)"
    with pytest.raises(UserError, match=words):
        check_examples_apart(WHAT, model, SPEC)


class OfItsOwn(keras.Model):
    """A model whose layers cannot be tried one by one."""

    def __init__(self):
        super().__init__()
        self.flat, self.centred = keras.layers.Flatten(), Centred()
        self.answer = keras.layers.Dense(10, "softmax")

    def call(self, inputs):
        return self.answer(self.centred(self.flat(inputs)))


def test_a_model_that_does_not_tell_its_layers_is_refused_all_the_same():
    model = OfItsOwn()
    model(INPUTS)
    with pytest.raises(UserError, match="a layer computes with the whole batch"):
        check_examples_apart(WHAT, model, SPEC)


def test_layers_that_take_each_example_by_itself_pass_and_stay_as_they_are():
    model = model_of(
        keras.layers.LayerNormalization(), keras.layers.Flatten(), keras.layers.Dropout(0.5, seed=3)
    )
    before = [np.array(variable) for variable in model.variables]
    check_examples_apart(WHAT, model, SPEC)
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(np.array(variable), value)
    tokens = Spec((5,), "int32", vocabulary=20)
    embedded = keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            keras.layers.Embedding(20, 4),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(10, "softmax"),
        ]
    )
    check_examples_apart(WHAT, embedded, tokens)


class Averaging(keras.layers.Layer):
    """Keeps a running mean of its inputs, which no gradient reaches."""

    def build(self, shape):
        self.mean = self.add_weight(
            shape=shape[1:], initializer="zeros", trainable=False, name="mean"
        )

    def call(self, inputs, training=False):
        if training:
            self.mean.assign(0.9 * self.mean + 0.1 * keras.ops.mean(inputs, axis=0))
        return inputs


def test_a_layer_that_keeps_something_of_its_inputs_is_refused():
    model = model_of(keras.layers.Flatten(), Averaging())
    with pytest.raises(UserError, match=r"changes its weights .*mean.*without noise"):
        check_examples_apart(WHAT, model, SPEC)
    assert not np.any(np.array(model.layers[-2].mean))  # and stays as it was


@pytest.mark.parametrize(
    ("name", "spoilt"),
    [
        *itertools.product(["mlp-narrow", "cnn-small", "normalised"], [np.nan, np.inf, 3e38]),
        *itertools.product(["strides"], [np.nan, np.inf]),  # a saturated tanh has a gradient of 0
    ],
)
def test_an_example_without_a_finite_gradient_adds_nothing(name, spoilt):
    model = (MODELS_IN_ONE_PASS | ONE_BY_ONE)[name]()
    inputs = INPUTS.copy()
    inputs[2] = spoilt
    if name == "normalised" and spoilt == 3e38:
        inputs[2, 0] = -spoilt  # a constant image has a finite gradient there
    sums, _, _ = tf.function(Clipping(model, TASK).clipped_sum)(
        tf.constant(inputs), tf.constant(TARGETS), tf.constant(WEIGHTS), tf.constant(np.float32(1))
    )
    without = np.where(np.arange(len(WEIGHTS)) == 2, 0, WEIGHTS).astype(np.float32)
    others, _, norms = tf.function(Clipping(model, TASK).clipped_sum)(
        tf.constant(INPUTS), tf.constant(TARGETS), tf.constant(without), tf.constant(np.float32(1))
    )
    assert np.all(np.isfinite(norms))
    for one, other in zip(sums, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
