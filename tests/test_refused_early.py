"""What would go wrong in a run, or be counted as something it is not, is refused before it."""

import keras
import numpy as np
import pytest
from flwr.app import ArrayRecord, MetricRecord
from flwr.serverapp.strategy import FedAvg

from fog_flower.build_model import build_model
from fog_flower.data.load import load_dataset
from fog_flower.data.scale import told_scale
from fog_flower.errors import UserError
from fog_flower.models import MODELS
from fog_flower.tasks.classification import Classification
from simulations.preflight import TAKEN_BY_ALL, check
from strategies.gate import Decision

HERE = "tests.test_refused_early"
RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 3


# Attacks


def in_double(attacker):
    return [np.asarray(-array, np.float64) for array in attacker.honest_update]


def drops_an_array(attacker):
    return attacker.honest_update[:-1]


def transposed(attacker):
    return [array.T for array in attacker.honest_update]


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        ("drops_an_array", "arrays, but dW has"),
        ("transposed", r"array 0 as float32 \[\d+, \d+\], but dW has float32"),
    ],
)
def test_an_attack_that_the_cloud_refuses_whatever_its_numbers_is_no_attack(
    make_config, attack, words
):
    config = make_config(attack=f"{HERE}:{attack}", malicious_nodes=1)
    with pytest.raises(UserError, match=f"attack='{HERE}:{attack}': sent .*{words}.*honest_update"):
        check(config)


def test_an_attack_in_double_precision_is_sent_in_that_of_dw(make_config):
    from tests.runs import run_here, updates

    folder = run_here(
        make_config(attack=f"{HERE}:in_double", malicious_nodes=1, gate="open", num_server_rounds=1)
    )
    assert [row["accepted"] for row in updates(folder)] == ["True"] * 3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"attack_rounds": "5"}, "attack-rounds='5', but num-server-rounds=2: nobody would attack"),
        ({"attack_rounds": "3-"}, "attack-rounds='3-', but num-server-rounds=2"),
        ({"attack_probability": 0.0}, "attack-probability=0: nobody would attack"),
        ({"malicious_nodes": "nodes:0,0"}, "malicious-nodes='nodes:0,0'"),
    ],
)
def test_attackers_who_do_nothing_are_no_attack(make_config, settings, words):
    with pytest.raises(UserError, match=words):
        check(make_config(**{"attack": "sign-flip", "malicious_nodes": 1, **settings}))


# Gates


class Infinite:
    def judge(self, trial):
        return [Decision(True, "x", weight=np.inf)] * len(trial)


class Negative:
    def judge(self, trial):
        return [Decision(True, "x", weight=-3.0)] * len(trial)


class Mixed:
    def judge(self, trial):
        rest = [Decision(True, "as it is")] * (len(trial) - 1)
        return [Decision(True, "half", weight=0.5), *rest]


class OfArrays:
    def judge(self, trial):
        return [Decision(np.array([True, False]), "x")] * len(trial)


class Unpacks:
    def judge(self, trial):
        loss, accuracy = trial.evaluate([0], 10)
        return [Decision(loss < accuracy, "x")] * len(trial)


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ("Infinite", "gate Infinite: judge: gave the weight inf; give 0 or more"),
        ("Negative", "gate Negative: judge: gave the weight -3"),
        ("Mixed", "gave weights to some of the accepted updates and none to others"),
        ("OfArrays", "gate OfArrays: judge: a Decision is not .*truth value"),
        ("Unpacks", r"gate Unpacks: judge: TypeError: .*in judge, .*test_refused_early.py:\d+"),
    ],
)
def test_a_gate_is_asked_before_the_run(make_config, gate, words):
    with pytest.raises(UserError, match=words):
        check(make_config(gate=f"{HERE}:{gate}"))


# Strategies and mods


class Missing(FedAvg):
    def aggregate_train(self, server_round, replies):
        return self.momentum, None


class Shrinks(FedAvg):
    def aggregate_train(self, server_round, replies):
        arrays, metrics = super().aggregate_train(server_round, replies)
        return ArrayRecord(arrays.to_numpy_ndarrays()[:-1]), metrics


class FailsInRoundTwo(FedAvg):
    def configure_train(self, server_round, arrays, config, grid):
        if server_round == 2:
            raise RuntimeError("no state")
        return super().configure_train(server_round, arrays, config, grid)


class Nothing(FedAvg):
    def configure_train(self, server_round, arrays, config, grid):
        return None


class Momentum(FedAvg):
    """Keeps W, which only configure_train tells."""

    def configure_train(self, server_round, arrays, config, grid):
        self.weights = arrays.to_numpy_ndarrays()
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(self, server_round, replies):
        arrays, metrics = super().aggregate_train(server_round, replies)
        merged = arrays.to_numpy_ndarrays()
        steps = [new - old for new, old in zip(merged, self.weights, strict=True)]
        kept = getattr(self, "velocity", [0.0] * len(steps))
        self.velocity = [0.9 * v + s for v, s in zip(kept, steps, strict=True)]
        pairs = zip(self.weights, self.velocity, strict=True)
        return ArrayRecord([w + v for w, v in pairs]), metrics


class AsksNodes(FedAvg):
    """Can only be tried with nodes behind the grid."""

    def configure_train(self, server_round, arrays, config, grid):
        grid.send_and_receive([])
        return super().configure_train(server_round, arrays, config, grid)


def mod_none(message, context, call_next):
    call_next(message, context)


def mod_attribute(message, context, call_next):
    return call_next(message, context).weights


def mod_shape(message, context, call_next):
    reply = call_next(message, context)
    layers = reply.content["arrays"].to_numpy_ndarrays()
    reply.content["arrays"] = ArrayRecord([layer.ravel() for layer in layers])
    return reply


def mod_empty(message, context, call_next):
    del message.content["arrays"]
    return call_next(message, context)


def mod_one_node(message, context, call_next):
    """Break one fog node on purpose, which an experiment may want."""
    return (mod_shape if context.node_config["partition-id"] == 0 else mod_counts)(
        message, context, call_next
    )


def mod_counts(message, context, call_next):
    """Keep a number from round to round."""
    count = context.state.get("rounds", MetricRecord({"n": 0}))["n"]
    context.state["rounds"] = MetricRecord({"n": count + 1})
    if message.content["config"]["server-round"] == 2 and not count:
        raise RuntimeError("the state is lost")
    return call_next(message, context)


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        ("Missing", "aggregate_train: AttributeError: .*'momentum' .*in aggregate_train, .*early"),
        ("Shrinks", r"aggregate_train returned arrays of shapes .*, but W has"),
        ("FailsInRoundTwo", "configure_train: RuntimeError: no state .*early.py"),
        ("Nothing", "configure_train returned None; return a list of messages"),
    ],
)
def test_a_strategy_is_tried_before_the_run(make_config, strategy, words):
    name = f"{HERE}:{strategy}"
    with pytest.raises(UserError, match=f"^strategy='{name}': tried .*{words}") as error:
        check(make_config(strategy=name))
    assert "\n" not in str(error.value)
    assert f"fog-flower check strategy {name}" in str(error.value)


@pytest.mark.parametrize(
    ("mod", "words"),
    [
        ("mod_none", "returned NoneType; return the message that call_next returned"),
        ("mod_attribute", "AttributeError: .*in mod_attribute, .*test_refused_early.py"),
        ("mod_shape", "the cloud would refuse the reply of every fog node .wrong shape"),
        ("mod_empty", "called call_next with a message that has no 'arrays'"),
    ],
)
def test_a_mod_is_tried_before_the_run(make_config, mod, words):
    with pytest.raises(UserError, match=f"^client-mods='{HERE}:{mod}': {words}"):
        check(make_config(client_mods=f"{HERE}:{mod}"))


@pytest.mark.parametrize(
    "settings",
    [
        {"strategy": f"{HERE}:Momentum"},
        {"strategy": f"{HERE}:AsksNodes"},
        {"client_mods": f"{HERE}:mod_counts", "strategy": "FedProx"},
        {"client_mods": f"{HERE}:mod_one_node"},
        {"strategy": f"{HERE}:Momentum", "fog_nodes": 6, "mask_groups": 3},
        {"client_mods": f"{HERE}:mod_counts", "fog_protection": "selective(fraction=0.1)"},
        {"client_mods": f"{HERE}:mod_counts", "training_metrics": "dropped"},
    ],
)
def test_what_may_work_in_a_run_is_not_refused(make_config, settings):
    check(make_config(**settings))


# Data


def with_labels(x):
    return (x, LABELS), (x[:30], LABELS[:30])


def float_pixels():
    return with_labels(RNG.integers(0, 256, (60, 8, 8)).astype(np.float32))


def masked():
    return with_labels(np.ma.masked_greater(RNG.normal(size=(60, 5)), 1.0))


def channels_first():
    return with_labels(RNG.integers(0, 256, (60, 3, 8, 8)).astype(np.uint8))


def negative_amounts():
    return with_labels(RNG.integers(-5, 50, (60, 6)))


def wide_amounts():
    return with_labels(RNG.integers(0, 60_000, (60, 6)).astype(np.uint16))


def tiny(spec, task):
    return keras.Sequential(
        [keras.Input(spec.shape), keras.layers.Flatten(), keras.layers.Dense(task.outputs)]
    )


def of_data(make_config, name, **settings):
    sizes = {"train_examples": 0, "validation_examples": 10, "test_examples": 0, "end_nodes": 1}
    data = {"dataset": f"{HERE}:{name}", "model": f"{HERE}:tiny", "normalisation": "public"}
    return make_config(**{**data, **sizes, **settings})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("float_pixels", "whole numbers from 0 to 255 look like images: store them as uint8"),
        ("masked", "x_train has masked values"),
        ("channels_first", r"\[60, 3, 8, 8\] has its channels first"),
        ("negative_amounts", "tokens must be 0 or more.*kind='rows'"),
    ],
)
def test_data_that_would_be_misread_are_refused(make_config, name, words):
    with pytest.raises(UserError, match=f"dataset='{HERE}:{name}': .*{words}"):
        check(of_data(make_config, name))


@pytest.mark.parametrize("name", ["negative_amounts", "wide_amounts"])
def test_the_remedy_works_for_a_function_s_arrays(make_config, name):
    data = check(of_data(make_config, name, dataset_args="kind='rows'"))
    assert data.spec.dtype == "float32"


def grey_squares():
    return with_labels(RNG.integers(0, 256, (60, 8, 8)).astype(np.uint8))


@pytest.mark.parametrize(
    ("data", "model", "words"),
    [
        ("grey_squares", "cnn", r"model='cnn' takes images of at least 22 x 22 .* \[8, 8, 1\]"),
        ("wide_amounts", "mlp", "model='mlp' takes numbers, but inputs are tokens"),
    ],
)
def test_a_built_in_model_that_does_not_take_the_inputs_is_refused(make_config, data, model, words):
    with pytest.raises(UserError, match=words):
        check(of_data(make_config, data, model=model, noise_sigma=0.0), spare_tensorflow=True)


def test_models_that_take_all_usual_images_are_not_built(make_config, monkeypatch):
    from fog_flower import build_model

    monkeypatch.delattr(build_model, "build_untrained")
    check(make_config(model="mlp"), spare_tensorflow=True)


@pytest.mark.parametrize("model", MODELS.names())
def test_each_built_in_model_takes_what_is_not_checked(model):
    assert build_model(model, TAKEN_BY_ALL, Classification(10), 0).built


# Scale


def table(low=0.0, high=1.0):
    """Return rows whose first column is from low to high, and whose others are standardised."""
    x = RNG.normal(size=(60, 3))
    x[:, 0] = np.linspace(low, high, 60)
    return with_labels(x)


def tiny_numbers():
    return with_labels(RNG.normal(size=(60, 3)) * 1e-4)


@pytest.mark.parametrize(
    ("data", "settings", "words"),
    [
        ("table", {"dataset_args": "low=18000.0,high=90000.0"}, "column 0 is 5.8e+04"),
        ("table", {"dataset_args": "low=18000.0,high=90000.0"}, None),  # once is enough
        ("tiny_numbers", {}, "column"),
        ("table", {"dataset_args": "low=18000.0,high=91000.0", "normalisation": "fitted"}, None),
        ("table", {"dataset_args": "low=-3.0,high=3.0"}, None),
        ("words", {"dataset": "tests.any_data:words", "model": "tests.any_data:embedding"}, None),
    ],
)
def test_inputs_far_from_unit_scale_are_warned_of(make_config, caplog, data, settings, words):
    check(of_data(make_config, data, noise_sigma=0.0, **settings))
    told = [one.getMessage() for one in caplog.records if "root mean square" in one.getMessage()]
    assert bool(told) == bool(words)
    if words:
        assert words in told[0]
        assert "normalisation=public: " in told[0]
        assert "use normalisation=fitted, or scale" in told[0]


@pytest.mark.parametrize("features", ["none", "hog", "patches"])
def test_built_in_data_and_features_have_unit_scale(make_config, features):
    config = make_config(
        dataset="rendered-digits", features=features, normalisation="public", train_examples=60
    )
    dataset = load_dataset(config)
    assert told_scale(config, dataset, np.arange(60)) == ""


# Models


def flat(spec, task):
    return keras.Sequential([keras.Input((12,)), keras.layers.Dense(task.outputs)])


def by_name(spec, task):
    x = keras.Input(spec.shape)
    return keras.Model(x, {"digit": keras.layers.Dense(task.outputs)(keras.layers.Flatten()(x))})


def in_half(spec, task):
    return keras.Sequential(
        [
            keras.Input(spec.shape),
            keras.layers.Flatten(),
            keras.layers.Dense(8, dtype="mixed_float16", name="half"),
            keras.layers.Dense(task.outputs, activation="softmax", dtype="float32"),
        ]
    )


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("flat", r"cannot be called with inputs .*; its input is \(None, 12\)"),
        ("by_name", r"returns outputs by name \(digit\)"),
        ("in_half", "its layer half computes in float16"),
    ],
)
def test_a_model_that_does_not_fit_is_told_in_a_line_that_can_be_read(make_config, model, words):
    with pytest.raises(UserError, match=words) as error:
        check(make_config(model=f"{HERE}:{model}"))
    told = str(error.value)
    assert len(told) < 420, told
    assert "\x1b" not in told
    assert "[[" not in told
    assert "build_model.py" not in told


# Partitions, strategies, names


def deals_nothing(groups, fog_nodes, seed):
    return None


def deals_lazily(groups, fog_nodes, seed):
    return (np.arange(n, len(groups), fog_nodes) for n in range(fog_nodes))


@pytest.mark.parametrize(("name", "kind"), [("deals_nothing", "NoneType"), ("deals_lazily", "gen")])
def test_a_partition_must_return_a_list(make_config, name, kind):
    with pytest.raises(UserError, match=f"partition=.*it returned {kind}.*return a list"):
        check(make_config(partition=f"{HERE}:{name}"))


def test_an_argument_that_a_strategy_must_have_is_asked_for(make_config):
    name = "tests.test_odd_strategies:HandsOnWithBeta"
    with pytest.raises(UserError, match=r"'beta'; write strategy-args=\"beta=...\""):
        check(make_config(strategy=name))


@pytest.mark.parametrize("name", ["..", ".", "a\nb", "a\x1b[31mb"])
def test_a_run_has_a_name_that_can_be_seen(make_config, name):
    with pytest.raises(UserError, match="run-name="):
        make_config(run_name=name)
