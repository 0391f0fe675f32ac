"""Any model that plain Keras trains runs through; any other is refused before the run, by name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from fog_flower.build_model import build_model, build_untrained
from fog_flower.errors import UserError
from fog_flower.weights import add, as_dtype, flatten, step_dtype, subtract, unflatten
from tests.conftest import SPEC, TASK
from tests.runs import figures, rounds, run_here, summary, updates, weights

RUN = {"train_examples": 90, "validation_examples": 40, "test_examples": 40, "end_nodes": 1}


def name_of(model: str) -> str:
    return f"tests.model_zoo:{model}"


@pytest.mark.parametrize(
    "model", ["all_kinds_of_weights", "at_first_call", "unused_weights", "float64_weights"]
)
def test_runs_through_training_gate_merge_and_checkpoint(make_config, model):
    folder = run_here(make_config(model=name_of(model), **RUN))
    assert summary(folder)["status"] == "finished"
    first, last = rounds(folder)[1], rounds(folder)[-1]
    assert int(first["accepted"]) + int(first["rejected"]) == 3
    assert not [row for row in updates(folder) if "shape" in row["reason"]]
    assert float(last["train_loss"]) < float(first["train_loss"])


@pytest.mark.parametrize(
    "model",
    [
        *("scalar_weight", "normalization", "any_size", "with_lambda", "takes_spec_and_task"),
        *("OwnClass", "legal_compiled", "log_softmax", "logits_from_zero"),
    ],
)
def test_what_plain_keras_trains_is_taken(model):
    model = build_untrained(name_of(model), SPEC, TASK, seed=0)
    answers = np.asarray(model(SPEC.sample(4), training=False))
    np.testing.assert_allclose(answers.sum(axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("attack", "gate", "strategy"),
    [
        *[(attack, "open", "FedAvg") for attack in ("nan", "inf", "gaussian", "alie")],
        ("replacement", "off", "FedMedian"),
        ("adaptive", "trusted", "FedAvg"),
        ("adaptive", "learned", "FedAvg"),
        ("sign-flip", "trusted", "FedAdam"),
        ("sign-flip", "zeno", "fltrust"),
    ],
)
def test_whole_numbers_and_truth_values_survive_attacks_and_strategies(
    make_config, attack, gate, strategy
):
    config = make_config(
        model=name_of("counters"),
        attack=attack,
        malicious_nodes="1",
        gate=gate,
        strategy=strategy,
        **RUN,
    )
    folder = run_here(config)
    assert not [row for row in updates(folder) if "shape" in row["reason"]]


def test_counters_are_merged_as_the_rounded_mean(make_config):
    settings = {**RUN, "train_examples": 90, "batch_size": 10, "gate": "open"}
    folder = run_here(make_config(model=name_of("counters"), **settings, artifacts="model"))
    path = folder / "model.keras"
    from tests.model_zoo import Counting

    model = keras.models.load_model(path, custom_objects={"Counting": Counting}, compile=False)
    counting = next(layer for layer in model.layers if isinstance(layer, Counting))
    assert int(counting.count.numpy()) == 2 * 3  # 30 examples a node and round, in batches of 10
    assert bool(counting.seen.numpy())
    assert int(counting.bytes.numpy()) == 200


def test_a_step_of_truth_values_and_unsigned_numbers_has_a_sign():
    w = [np.array([True, False]), np.array(250, np.uint8), np.array([3], np.int64), np.float32(1)]
    w = [np.asarray(array) for array in w]
    local = [np.array([False, True]), np.array(4, np.uint8), np.array([5], np.int64), np.float32(3)]
    local = [np.asarray(array) for array in local]
    delta = subtract(local, w)
    assert [array.dtype.name for array in delta] == ["int8", "int16", "int64", "float32"]
    assert delta[1] == -246
    assert [array.dtype for array in delta] == [step_dtype(array.dtype) for array in w]
    for back, expected in zip(add(w, delta), local, strict=True):
        np.testing.assert_array_equal(back, expected)
        assert back.dtype == expected.dtype
    for back, expected in zip(unflatten(flatten(w) + flatten(delta), w), local, strict=True):
        np.testing.assert_array_equal(back, expected)
        assert back.shape == expected.shape


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        (2.6, "int64", 3),
        (-0.4, "uint8", 0),
        (300.0, "uint8", 255),
        (300, "uint8", 255),
        (np.nan, "int64", 0),
        (np.inf, "int32", 2**31 - 1),
        (0.6, "bool", True),
        (0.4, "bool", False),
        (-1, "bool", False),
    ],
)
def test_whole_numbers_are_rounded_and_kept_in_range(value, dtype, expected):
    assert as_dtype(value, np.dtype(dtype)) == expected


def test_the_largest_numbers_do_not_wrap_around():
    assert as_dtype(np.inf, np.dtype("int64")) > 2**62
    assert as_dtype(-np.inf, np.dtype("int64")) < -(2**62)


def test_logits_train_exactly_as_well_as_the_same_with_softmax(make_config):
    runs = {
        model: run_here(make_config(model=name_of(model), num_server_rounds=3, run_name=model))
        for model in ("softmax", "logits")
    }
    first, other = figures(runs["softmax"]), figures(runs["logits"])
    for one, two in zip(first[1:], other[1:], strict=True):
        assert float(one["train_loss"]) == pytest.approx(float(two["train_loss"]), rel=1e-4)
        assert float(one["test_accuracy"]) == pytest.approx(float(two["test_accuracy"]), abs=0.011)
    assert float(other[-1]["test_accuracy"]) > 0.9
    for one, two in zip(weights(runs["softmax"]), weights(runs["logits"]), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4)
    saved = keras.models.load_model(runs["logits"] / "model.keras", compile=False)
    answers = np.asarray(saved(SPEC.sample(4)))
    np.testing.assert_allclose(answers.sum(axis=1), 1.0, rtol=1e-5)  # of whoever loads it


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("no_weights", "has no trainable weights"),
        ("frozen", "has no trainable weights"),
        ("two_inputs", r"takes 2 inputs, but an example has one, float32 \[32, 32, 3\]"),
        ("two_outputs", "has 2 outputs"),
        ("named_outputs", "has 1 outputs|output"),
        ("one_output", r"\[n, 10\], but its output is \(None, 1\)"),
        ("small_images", r"cannot be called with inputs float32 \[32, 32, 3\]; its input is"),
        ("rescaling", r"begins with Rescaling\(0.00392157\).*leave that layer out"),
        ("sigmoid", "do not sum to 1.*end the model with softmax"),
        ("argmax", "its training step fails"),
        ("not_finite", "outputs of the untrained model are not finite"),
        ("raises", r"raises.*model_zoo.py:\d+"),
        ("exits", r"SystemExit: 3 \(in exits, .*model_zoo.py:\d+\)"),
        ("same_object", "is the same object every time"),
        ("needs_three", r"needs \(one, two, three\), but is called with \(spec, task\)"),
        ("a_tuple", "returned builtins.tuple, not a Keras model"),
        ("SHAPE", "is a tuple; name a function"),
        ("with_adam", r"is compiled with Adam\(\), but fog nodes train with plain SGD"),
        ("with_momentum", r"is compiled with SGD\(momentum=0.9\)"),
        ("with_a_rate", "the learning rate 0.5, but learning-rate decides"),
        ("with_squares", "is compiled with the loss 'mse'"),
        ("with_smoothing", "is compiled with the loss 'categorical_crossentropy'"),
        ("sets_floatx", "sets Keras' floatx to 'float64' for everybody"),
        ("sets_policy", "sets Keras' dtype policy to 'mixed_float16'.*the key precision"),
        ("sets_channels", "sets Keras' image_data_format to 'channels_first'"),
        ("logits_with_own_step", "returns logits, but has a train_step of its own"),
        ("broken_step", r"its training step fails \(KeyError.*in train_step, .*model_zoo.py:\d+\)"),
        ("at_first_training", "makes 2 weights in its first training step"),
        ("bfloat16_weights", "is bfloat16, which cannot be sent"),
    ],
)
def test_what_would_fail_late_or_be_ignored_is_refused_in_one_line(model, words):
    with pytest.raises(UserError, match=rf"model='tests.model_zoo:{model}'.*({words})") as caught:
        build_untrained(name_of(model), SPEC, TASK, seed=0)
    assert "\n" not in str(caught.value)
    assert keras.config.floatx() == "float32"
    assert keras.config.dtype_policy().name == "float32"
    assert keras.config.image_data_format() == "channels_last"


BUILDS = """
import json, sys
import fog_flower.build_model
from fog_flower.tasks.classification import Classification
from fog_flower.tasks.examples import Spec
from fog_flower.tensorflow_setup import configure_tensorflow
import keras

configure_tensorflow()
spec = Spec((32, 32, 3), "float32")
model = fog_flower.build_model.build_model("cnn-small", spec, Classification(10), 0)
print(json.dumps({
    "backend": keras.config.backend(),
    "floatx": keras.config.floatx(),
    "epsilon": keras.config.epsilon(),
    "image_data_format": keras.config.image_data_format(),
    "weights": sorted({str(w.dtype) for w in model.weights}),
    "count": model.count_params(),
}))
"""
OURS = {
    "backend": "tensorflow",
    "floatx": "float32",
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "weights": ["float32"],
    "count": 57_002,
}


@pytest.mark.parametrize(
    ("variables", "settings"),
    [
        ({"KERAS_BACKEND": "jax"}, {"floatx": "float16", "image_data_format": "channels_first"}),
        ({}, {"backend": "torch", "floatx": "float64", "epsilon": 0.001}),
    ],
)
def test_no_global_setting_of_keras_reaches_a_run(tmp_path, variables, settings):
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    environment |= {"KERAS_HOME": str(tmp_path), **variables}
    done = subprocess.run(
        [sys.executable, "-c", BUILDS],
        env=environment,
        cwd=Path(__file__).resolve().parents[1],
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == OURS


def test_settings_that_were_made_before_do_not_reach_a_model(monkeypatch):
    keras.config.set_floatx("float16")
    keras.config.set_image_data_format("channels_first")
    model = build_model("cnn-small", SPEC, TASK, 0)
    assert {str(weight.dtype) for weight in model.weights} == {"float32"}
    assert model.count_params() == 57_002


def test_another_backend_that_was_loaded_before_is_named(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(UserError, match=r"KERAS_BACKEND: .*backend 'jax'.*=tensorflow"):
        build_model("cnn-small", SPEC, TASK, 0)
