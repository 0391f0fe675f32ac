"""The cloud trains the final W once more, on all of its labelled examples."""

import json

import numpy as np
import pytest
import tensorflow as tf

from fog_flower.data.load import load_dataset
from fog_flower.seeds import generator
from simulations.experiments.attack_grid import COMPARE_SCALE, comparison
from simulations.reports.attack_grid import write_comparison
from simulations.reports.attack_grid.grid_records import load_comparison
from simulations.sweep.execute import execute
from simulations.sweep.sweep_plan import plan_sweep
from strategies.cloud import Cloud
from strategies.cloud_trainer import CloudTrainer
from strategies.updates import own_update
from tests.runs import assert_equal_weights, figures, run_here, summary, weights

TESTED = ("test_loss", "test_accuracy", "test_worst_class_accuracy", "backdoor_success")


@pytest.fixture
def runs(make_config):
    """The same run without a refit and with one of two epochs: configurations and folders."""
    settings = {"cloud_examples": 30, "validation_examples": 40, "artifacts": "model"}
    configs = [make_config(refit_epochs=n, run_name=str(n), **settings) for n in (0, 2)]
    return {config.refit_epochs: (config, run_here(config)) for config in configs}


def test_the_rounds_are_those_of_the_run_without_it(runs):
    (_, plain), (_, refitted) = runs[0], runs[2]
    assert figures(plain) == figures(refitted)
    assert "refit" not in summary(plain)
    before = summary(refitted)["final"]["before_refit"]
    assert before == {name: summary(plain)["final"][name] for name in TESTED}


def test_it_is_plain_training_on_all_labelled_examples_of_the_cloud(runs):
    (config, plain), (_, refitted) = runs[0], runs[2]
    cloud = Cloud(config, load_dataset(config))
    dataset, split = cloud.dataset, cloud.split
    parts = (dataset.train.take(split.cloud), dataset.test.take(split.validation))
    inputs = np.concatenate([cloud.preprocess(part.inputs) for part in parts])
    targets = np.concatenate([part.targets for part in parts])
    assert len(targets) == 70
    cloud.model.set_weights(weights(plain))
    for epoch, rate in ((1, config.learning_rate), (2, config.learning_rate / 2)):  # a cosine
        order = generator(config.seed, "cloud-shuffle", epoch, 0).permutation(70)
        for start in range(0, 70, config.batch_size):
            batch = order[start : start + config.batch_size]
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(
                    dataset.task.losses(targets[batch], cloud.model(inputs[batch]))
                )
            variables = cloud.model.trainable_variables
            for variable, slope in zip(variables, tape.gradient(loss, variables), strict=True):
                variable.assign(variable - rate * slope)
    for expected, found in zip(cloud.model.get_weights(), weights(refitted), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    now = cloud.evaluate(weights(refitted))
    final = summary(refitted)["final"]
    assert final["test_accuracy"] == pytest.approx(now.test.accuracy)
    assert final["test_loss"] == pytest.approx(now.test.loss, rel=1e-4)


def test_the_record_says_that_no_validation_examples_are_left(runs):
    record = summary(runs[2][1])
    assert record["final"]["cloud_validation_accuracy"] is None
    assert record["final"]["cloud_validation_loss"] is None
    assert record["refit"]["examples"] == 70
    assert record["refit"]["epochs"] == 2
    ledger = json.loads((runs[2][1] / "privacy.json").read_text())
    (told,) = [one for one in ledger["releases"] if "trained on all" in one["release"]]
    assert "validation examples" in str(told)


def test_a_model_that_diverges_in_it_is_said_to_have(make_config, monkeypatch):
    def exploding(self, weights, server_round):
        return own_update([np.full_like(array, np.inf) for array in weights], 1, np.nan)

    monkeypatch.setattr(CloudTrainer, "update", exploding)
    record = summary(run_here(make_config(refit_epochs=1, validation_examples=40)))
    assert record["status"] == "finished"
    assert record["final"]["diverged"]
    assert record["final"]["diverged_in_round"] is None
    assert record["final"]["before_refit"]["test_loss"] > 0


def test_a_comparison_refits_what_is_named_so():
    grid, _ = comparison(
        "gate+cloud+refit,gate+cloud,cloud-alone+refit,FedAvg+refit", "nan", "3:1", 50, 4
    )
    found = {cell.tags["strategy"]: cell.settings for cell in grid.cells}
    assert set(found) == {
        "gate=learned+cloud+refit",
        "gate=learned+cloud",
        "cloud-alone+refit",
        "FedAvg+refit",
    }
    assert [one.get("refit-epochs") for one in found.values()] == [4, None, 4, 4]
    assert [one.get("cloud-examples") for one in found.values()] == [50, 50, 50, None]
    assert [one["gate"] for one in found.values()] == ["learned", "learned", "cloud-alone", "off"]


def test_a_run_with_a_refit_is_also_one_without_it(tmp_path, overrides):
    overrides |= {"gate-args": "", "local-validation-examples": 0}
    grid, _ = comparison("gate+cloud+refit,cloud-alone+refit,honest", "nan", "3:1", 50, 2)
    plan = plan_sweep(grid, COMPARE_SCALE, (0,), "", overrides, tmp_path)
    assert execute(plan, "inline", lambda _: None) == ["finished"] * 3
    runs = load_comparison(tmp_path).runs.set_index("strategy")
    final = summary(tmp_path / "3-1" / "nan" / "gate=learned+cloud+refit" / "seed-0")["final"]
    assert runs["test_accuracy"]["gate=learned+cloud+refit"] == final["test_accuracy"]
    before = final["before_refit"]["test_accuracy"]
    assert runs["test_accuracy"]["gate=learned+cloud"] == before
    assert runs["arguments"]["gate=learned+cloud"] == "cloud-examples=50"
    assert {"cloud-alone", "cloud-alone+refit", "honest"} < set(runs.index)
    tables = dict(write_comparison(tmp_path))
    assert "the cloud alone with its refit" in tables["table"].read_text()
    # One of its own takes the place.
    grid, _ = comparison("gate+cloud", "nan", "3:1", 50)
    plan = plan_sweep(grid, COMPARE_SCALE, (0,), "", overrides, tmp_path)
    assert execute(plan, "inline", lambda _: None) == ["finished"]
    again = load_comparison(tmp_path).runs
    (own,) = again[again["strategy"] == "gate=learned+cloud"].to_dict("records")
    assert own["test_accuracy"] == before


def test_a_run_that_stopped_in_it_refits_when_it_is_continued(make_config, monkeypatch):
    settings = {"refit_epochs": 2, "validation_examples": 40, "artifacts": "model,checkpoint"}
    whole = run_here(make_config(run_name="whole", **settings))
    with monkeypatch.context() as patched:
        patched.setattr(CloudTrainer, "update", lambda *_: 1 / 0)
        with pytest.raises(Exception, match="division"):
            run_here(make_config(run_name="stopped", **settings))
    stopped = whole.parent / "stopped"
    assert summary(stopped)["status"] == "failed"
    after = run_here(make_config(run_name="after", continue_from=str(stopped), **settings))
    assert figures(after) == figures(whole)
    assert_equal_weights(after, whole)
    assert summary(after)["refit"]["examples"] == 40
