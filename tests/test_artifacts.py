"""What a run leaves besides its tables."""

import importlib.util
from pathlib import Path

import pytest

from fog_flower.errors import UserError
from simulations.app_folder import default_run_config
from tests.runs import run_here


def test_nothing_but_tables(make_config):
    folder = run_here(make_config(artifacts=""))
    tables = {"run.json", "privacy.json", "rounds.csv", "updates.csv"}
    assert {path.name for path in folder.iterdir()} == tables


def test_model_and_curves_by_default(make_config):
    folder = run_here(make_config(artifacts=default_run_config()["artifacts"]))
    assert (folder / "model.keras").is_file()
    assert (folder / "curves.png").is_file()


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
    config = make_config(run_name="nothing", artifacts="model,curves")
    with pytest.raises(UserError, match=r"artifacts='model,curves': needs .*pip install"):
        run_here(config)
    assert not (Path(config.results_dir) / "nothing" / "model.keras").exists()
