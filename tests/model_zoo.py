"""Models of many kinds: some that plain Keras trains, and some that must be refused."""

import keras
import numpy as np
from keras import layers

SHAPE = (32, 32, 3)
_one = None


def _sequential(*parts):
    return keras.Sequential([keras.Input(SHAPE), layers.Flatten(), *parts])


def _last(**settings):
    return layers.Dense(10, **settings)


def softmax():
    return _sequential(layers.Dense(16, activation="relu"), _last(activation="softmax"))


def logits():
    return _sequential(layers.Dense(16, activation="relu"), _last())


def logits_from_zero():
    return _sequential(layers.Dense(16, activation="relu"), _last(kernel_initializer="zeros"))


def log_softmax():
    return _sequential(_last(activation="log_softmax"))


def sigmoid():
    return _sequential(_last(activation="sigmoid"))


def bfloat16_weights():
    return _sequential(_last(activation="softmax", dtype="bfloat16"))


def float64_weights():
    return _sequential(_last(activation="softmax", dtype="float64"))


class Temperature(layers.Layer):
    """A layer with a learnable temperature, one number."""

    def build(self, shape):
        self.t = self.add_weight(name="t", shape=(), initializer="ones")

    def call(self, x):
        return x * self.t


def scalar_weight():
    return _sequential(_last(), Temperature(), layers.Softmax())


class Counting(layers.Layer):
    """A layer with weights int64, bool and uint8; it counts the training batches."""

    def build(self, shape):
        for name, dtype in (("count", "int64"), ("seen", "bool"), ("bytes", "uint8")):
            weight = self.add_weight(
                name=name, shape=(), dtype=dtype, trainable=False, initializer="zeros"
            )
            setattr(self, name, weight)

    def call(self, x, training=False):
        if training:
            self.count.assign(self.count + 1)
            self.seen.assign(True)
            self.bytes.assign(keras.ops.cast(200, "uint8"))
        return x


def counters():
    return _sequential(Counting(), _last(activation="softmax"))


def normalization():
    normalize = layers.Normalization()
    normalize.adapt(np.random.default_rng(0).normal(size=(50, *SHAPE)).astype("float32"))
    return keras.Sequential(
        [keras.Input(SHAPE), normalize, layers.Flatten(), _last(activation="softmax")]
    )


def all_kinds_of_weights():
    normalize = layers.Normalization()
    normalize.adapt(np.random.default_rng(0).normal(size=(50, *SHAPE)).astype("float32"))
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            normalize,
            layers.Flatten(),
            Counting(),
            layers.Dense(16, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.1),
            _last(),
            Temperature(),
            layers.Softmax(),
        ]
    )


class AtFirstCall(keras.Model):
    """A model whose layers create their weights in the first call."""

    def __init__(self):
        super().__init__()
        self.flatten, self.dense = layers.Flatten(), _last(activation="softmax")

    def call(self, x):
        return self.dense(self.flatten(x))


def at_first_call():
    return AtFirstCall()


class AtFirstTraining(keras.Model):
    """A model with a layer that creates its weights in the first training step."""

    def __init__(self):
        super().__init__()
        self.flatten, self.dense = layers.Flatten(), _last(activation="softmax")
        self.more = layers.Dense(32)

    def call(self, x, training=False):
        x = self.flatten(x)
        return self.dense(x) + (0.0 * keras.ops.mean(self.more(x)) if training else 0.0)


def at_first_training():
    return AtFirstTraining()


def any_size():
    return keras.Sequential(
        [
            keras.Input((None, None, 3)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            _last(activation="softmax"),
        ]
    )


def with_lambda():
    return _sequential(layers.Lambda(lambda x: x / 2.0), _last(activation="softmax"))


def unused_weights():
    inputs = keras.Input(SHAPE)
    flat = layers.Flatten()(inputs)
    unused = layers.Dense(3)(flat)
    return keras.Model(
        inputs, layers.Lambda(lambda p: p[0])([_last(activation="softmax")(flat), unused])
    )


def takes_spec_and_task(spec, task):
    return keras.Sequential(
        [keras.Input(spec.shape), layers.Flatten(), layers.Dense(task.outputs, task.activation)]
    )


class OwnClass(AtFirstCall):
    pass


def legal_compiled():
    model = softmax()
    model.compile(optimizer=keras.optimizers.SGD(), loss="sparse_categorical_crossentropy")
    return model


# Models that must be refused.


def no_weights():
    spread = layers.Lambda(
        lambda x: keras.ops.softmax(keras.ops.tile(x[:, :1], (1, 10))), output_shape=(10,)
    )
    return keras.Sequential([keras.Input(SHAPE), layers.GlobalAveragePooling2D(), spread])


def frozen():
    model = softmax()
    model.trainable = False
    return model


def two_inputs():
    one, other = keras.Input(SHAPE), keras.Input(SHAPE)
    both = layers.Concatenate()([layers.Flatten()(one), layers.Flatten()(other)])
    return keras.Model([one, other], _last(activation="softmax")(both))


def two_outputs():
    inputs = keras.Input(SHAPE)
    flat = layers.Flatten()(inputs)
    return keras.Model(inputs, [_last(activation="softmax")(flat), layers.Dense(1)(flat)])


def named_outputs():
    inputs = keras.Input(SHAPE)
    flat = layers.Flatten()(inputs)
    return keras.Model(inputs, {"digit": _last(activation="softmax")(flat)})


def one_output():
    return _sequential(layers.Dense(1, activation="sigmoid"))


def small_images():
    return keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Flatten(), _last(activation="softmax")]
    )


def rescaling():
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            _last(activation="softmax"),
        ]
    )


def argmax():
    return _sequential(
        _last(activation="softmax"),
        layers.Lambda(lambda x: keras.ops.one_hot(keras.ops.argmax(x, axis=1), 10)),
    )


def not_finite():
    return _sequential(
        layers.Dense(16, kernel_initializer=keras.initializers.Constant(float("nan"))),
        _last(activation="softmax"),
    )


def raises():
    return layers.Dense(-3)


def exits():
    raise SystemExit(3)


def same_object():
    global _one  # noqa: PLW0603
    if _one is None:
        _one = softmax()
    return _one


def needs_three(one, two, three):
    return softmax()


def a_tuple():
    return softmax(), 3


def with_adam():
    model = softmax()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    return model


def with_momentum():
    model = softmax()
    model.compile(optimizer=keras.optimizers.SGD(momentum=0.9))
    return model


def with_a_rate():
    model = softmax()
    model.compile(optimizer=keras.optimizers.SGD(0.5))
    return model


def with_squares():
    model = softmax()
    model.compile(optimizer="sgd", loss="mse")
    return model


def with_smoothing():
    model = softmax()
    model.compile(optimizer="sgd", loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1))
    return model


def sets_floatx():
    keras.config.set_floatx("float64")
    return softmax()


def sets_policy():
    keras.config.set_dtype_policy("mixed_float16")
    return softmax()


def sets_channels():
    keras.config.set_image_data_format("channels_first")
    return softmax()


class OwnStep(AtFirstCall):
    def __init__(self):
        super().__init__()
        self.dense = _last()

    def train_step(self, data):
        return super().train_step(data)


def logits_with_own_step():
    return OwnStep()


class Broken(AtFirstCall):
    def train_step(self, data):
        raise KeyError("nothing here")


def broken_step():
    return Broken()
