"""What a run leaves besides its tables."""

import importlib.util
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from fog_flower.errors import UserError
from tests.runs import column, rounds, run_here, updates


def test_nothing_but_tables(make_config):
    folder = run_here(make_config(artifacts=""))
    assert {path.name for path in folder.iterdir()} == {"run.json", "rounds.csv", "updates.csv"}


def test_model_and_curves_by_default(make_config):
    folder = run_here(make_config())
    assert (folder / "model.keras").is_file()
    assert (folder / "curves.png").is_file()


def test_tensorboard_has_the_figures_of_the_tables(make_config):
    folder = run_here(make_config(trackers="tensorboard"))

    def scalars(name, tag):
        events = EventAccumulator(str(folder / "tensorboard" / name))
        events.Reload()
        return [float(make_ndarray(tensor.tensor_proto)) for tensor in events.Tensors(tag)]

    expected = [float(row["test_accuracy"]) for row in rounds(folder)]
    assert scalars("cloud", "test_accuracy") == pytest.approx(expected)
    assert scalars("cloud", "train_loss") == pytest.approx(column(folder, "train_loss"))
    node = [float(row["train_accuracy"]) for row in updates(folder) if row["fog_node"] == "2"]
    assert scalars("fog-node-2", "train_accuracy") == pytest.approx(node)


def test_unknown_artifacts_are_named(make_config):
    with pytest.raises(UserError, match="artifacts='model,movie': there is no movie; write any"):
        make_config(artifacts="model,movie")


def test_pictures_that_cannot_be_drawn_are_refused_before_the_first_round(make_config, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "seaborn" else found(name, *rest),
    )
    config = make_config(run_name="nothing")
    with pytest.raises(UserError, match=r"artifacts='model,curves,checkpoint' needs .*pip install"):
        run_here(config)
    assert not (Path(config.results_dir) / "nothing" / "model.keras").exists()
