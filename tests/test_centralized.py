"""The centralized baseline: plain SGD over all raw data, with the records of a fog run."""

import numpy as np
import pytest

from fog_flower.build_model import build_model
from fog_flower.config import RunConfig
from fog_flower.data.load import load_dataset
from fog_flower.data.preprocess import fit_normaliser
from fog_flower.data.split import split_dataset
from fog_flower.errors import UserError
from fog_flower.seeds import generator
from simulations.app_folder import default_run_config
from simulations.overrides import configure
from tests.reference_loop import train_epoch
from tests.runs import column, rounds, run_here, summary, updates, weights


def test_equals_plain_sgd_over_all_raw_images(make_config):
    config = make_config(architecture="centralized", num_server_rounds=3)
    folder = run_here(config)

    data = load_dataset(config)
    train = data.train.take(split_dataset(data, config).train)
    images = fit_normaliser(train.inputs)(train.inputs)
    model = build_model(config.model, data.spec, data.task, config.seed)
    losses = []
    for epoch in range(1, 4):
        order = generator(config.seed, "shuffle", 0, epoch, 0).permutation(len(train))
        losses.append(train_epoch(model, images[order], train.targets[order], config, epoch)[0])
    for ours, theirs in zip(weights(folder), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)
    np.testing.assert_allclose(column(folder, "train_loss"), losses, rtol=1e-4)


def test_leaves_the_same_records_as_a_fog_run(make_config):
    central = run_here(make_config(architecture="centralized", run_name="central"))
    fog = run_here(make_config(run_name="fog"))
    assert list(rounds(central)[0]) == list(rounds(fog)[0])
    assert list(updates(central)[0]) == list(updates(fog)[0])
    assert list(summary(central)) == list(summary(fog))
    facts = summary(central)
    assert facts["nodes"]["num_examples"] == [360]
    assert facts["config"]["architecture"] == "centralized"
    assert facts["config"]["noise-sigma"] == 0.0
    assert facts["config"]["gate"] == "off"


def test_its_local_model_is_its_cloud_model(make_config):
    folder = run_here(make_config(architecture="centralized"))
    for row in rounds(folder)[1:]:
        local, cloud = row["local_validation_accuracy"], row["cloud_validation_accuracy"]
        assert float(local) == pytest.approx(float(cloud), abs=0.011)


def test_what_it_fixes_is_not_taken_silently_from_who_typed_otherwise():
    with pytest.raises(UserError, match="fog-nodes=7: architecture=centralized always has"):
        configure("demo", ["architecture=centralized", "fog-nodes=7"])
    assert configure("demo", ["architecture=centralized", "fog-nodes=1"]).fog_nodes == 1


def test_default_settings_give_way():
    config = RunConfig.from_run_config({**default_run_config(), "architecture": "centralized"})
    assert (config.fog_nodes, config.end_nodes, config.noise_sigma) == (1, 1, 0.0)


def test_there_is_no_other_architecture(make_config):
    with pytest.raises(UserError, match="architecture='edge': must be one of fog, centralized"):
        make_config(architecture="edge")
