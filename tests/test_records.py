"""Records: whole, readable by others, never overwritten, and on disk after every round."""

import json
import os

import numpy as np
import pandas as pd
import pytest

from fog_flower.errors import UserError
from fog_flower.records.columns import ROUND_COLUMNS, UPDATE_COLUMNS
from fog_flower.records.files import GrowingCsv, write_json, write_text
from fog_flower.records.run_folder import run_folder
from tests.runs import ending_in_round, run_here, summary


@pytest.fixture
def folder(make_config):
    return run_here(make_config(artifacts="model,curves"))


def test_run_json_tells_everything_that_decided_the_run(folder, make_config):
    run = summary(folder)
    assert run["status"] == "finished"
    assert run["config"] == make_config(artifacts="model,curves").to_run_config()
    assert run["data"]["name"] == "npz:bars.npz"
    assert len(run["data"]["sha256"]) == 64
    assert sum(run["nodes"]["num_examples"]) == 360 == sum(run["data"]["train_group_counts"])
    assert run["versions"]["flwr"]
    assert run["hardware"]["cores"] >= 1
    assert len(run["code_identity"]) == 12
    assert run["seconds"] > 0
    assert 0 <= run["final"]["test_accuracy"] <= 1
    assert run["final"]["round"] == 2


def test_tables_are_complete(folder):
    rounds, updates = pd.read_csv(folder / "rounds.csv"), pd.read_csv(folder / "updates.csv")
    assert list(rounds.columns) == list(ROUND_COLUMNS)
    assert list(updates.columns) == list(UPDATE_COLUMNS)
    assert rounds["round"].tolist() == [0, 1, 2]
    assert len(updates) == 2 * 3
    trained = rounds[rounds["round"] > 0]
    assert trained.drop(columns=["note", "backdoor_success", "cloud_weight"]).notna().all(axis=None)
    assert (trained["accepted"] + trained["rejected"] == 3).all()
    assert (trained["round_seconds"] >= trained["train_seconds"]).all()


def test_bytes_are_counted_per_tier(folder):
    rounds = pd.read_csv(folder / "rounds.csv").set_index("round")
    one_model = 49_338 * 4
    assert (rounds.loc[1:, "bytes_up"] == 3 * one_model).all()
    assert (rounds.loc[1:, "bytes_down"] == 3 * one_model).all()
    assert rounds.loc[1, "bytes_from_end_nodes"] > 360 * 32 * 32 * 3 * 4
    assert rounds.loc[2, "bytes_from_end_nodes"] == 0


def test_the_mean_over_local_models_is_the_papers_metric(folder):
    rounds, updates = pd.read_csv(folder / "rounds.csv"), pd.read_csv(folder / "updates.csv")
    by_round = updates.groupby("round")["accuracy_alone"].mean()
    np.testing.assert_allclose(
        rounds.loc[1:, "local_validation_accuracy"].to_numpy(), by_round.to_numpy()
    )


def test_model_and_picture_are_there(folder):
    assert (folder / "model.keras").stat().st_size > 1000
    assert (folder / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_an_existing_run_folder_is_refused_and_untouched(make_config, folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(UserError, match=r"run-name='run': .* exists, and results are never"):
        run_here(make_config(num_server_rounds=2))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_that_cannot_be_made_is_named(make_config, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"results-dir=.*cannot write"):
        run_folder(make_config(results_dir=str(tmp_path / "file" / "below")))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named(make_config, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match=r"results-dir=.*cannot write"):
        run_folder(make_config(results_dir=str(tmp_path)))


def test_a_run_that_breaks_keeps_what_it_had(make_config, tmp_path):
    breaks = ending_in_round(2, RuntimeError("the disk is on fire"))
    with breaks, pytest.raises(RuntimeError, match="on fire"):
        run_here(make_config(num_server_rounds=3))
    run = summary(tmp_path / "results" / "run")
    assert run["status"] == "failed"
    assert "on fire" in run["cause"]
    assert run["final"]["round"] == 1
    assert len(pd.read_csv(tmp_path / "results" / "run" / "rounds.csv")) == 2


def test_json_has_no_nan(tmp_path):
    write_json(tmp_path / "a.json", {"loss": float("nan"), "list": [float("inf"), 1.5]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"loss": None, "list": [None, 1.5]}


def test_floats_survive_the_table(tmp_path):
    value = 0.1 + 0.2
    GrowingCsv(tmp_path / "a.csv", ["x"]).extend([{"x": value}])
    assert pd.read_csv(tmp_path / "a.csv", float_precision="round_trip")["x"][0] == value


def test_writing_leaves_no_half_file(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "a.txt", "new \ud800")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
