"""Each fog node tells how the final W does on its own data, and it changes nothing."""

import csv
import json

import numpy as np
import pytest

from clients.local_training import node_data, trainer_of
from fog_flower.errors import UserError
from tests.runs import run_here, summary


def test_every_fog_node_tells_what_w_does_on_what_it_has(make_config):
    config = make_config(fog_nodes=3, num_server_rounds=1, artifacts="model")
    plain = run_here(config)
    asked = run_here(config.changed({"own-evaluation": "final", "run-name": "asked"}))
    for name in ("test_accuracy", "cloud_validation_loss"):
        assert summary(plain)["final"][name] == summary(asked)["final"][name]
    assert "own_evaluation" not in summary(plain)
    told = summary(asked)["own_evaluation"]
    sizes = summary(asked)["nodes"]["num_examples"]
    assert [one["num_examples"] for one in told] == sizes
    import keras

    weights = keras.models.load_model(asked / "model.keras", compile=False).get_weights()
    for fog_node, one in enumerate(told):
        data = node_data(99, config, fog_node)
        found = trainer_of(config).evaluate(weights, data)
        assert one["accuracy"] == pytest.approx(found.accuracy)
        assert one["loss"] == pytest.approx(found.loss, rel=1e-5)
        assert np.isfinite(found.loss)
    released = json.loads((asked / "privacy.json").read_text())["releases"]
    assert any("final W on its data" in one["release"] for one in released)
    with (plain / "updates.csv").open() as one, (asked / "updates.csv").open() as other:
        names = ("accepted", "update_norm", "train_loss")
        for row, same in zip(csv.DictReader(one), csv.DictReader(other), strict=True):
            assert [row[n] for n in names] == [same[n] for n in names]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"fog_protection": "dp-sgd(epsilon=8,delta=1e-5,clip=1)"}, "what fog-protection hides"),
        ({"mask_groups": 2}, "what mask-groups hides"),
    ],
)
def test_it_is_refused_where_something_hides_the_data(make_config, settings, words):
    with pytest.raises(UserError, match=f"own-evaluation='final': .*{words}"):
        make_config(own_evaluation="final", fog_nodes=3, **settings)


def test_it_does_not_tell_hidden_counts(make_config):
    settings = {"partition": "linear", "example_counts": "equal", "gate": "off"}
    folder = run_here(make_config(own_evaluation="final", **settings))
    assert {one["num_examples"] for one in summary(folder)["own_evaluation"]} == {1}
