"""A run that was stopped and went on is the run that was not stopped, bit for bit."""

import io
from pathlib import Path

import filelock
import pytest
from flwr.app import Error, Message
from flwr.common.constant import ErrorCode

from fog_flower.errors import UserError
from fog_flower.records.files import write_json
from fog_flower.records.reading import LOCK, close_run
from simulations.cli.continued import settings_to_go_on
from simulations.cli.run_display import RunDisplay, print_run
from simulations.cli.terminal import Terminal
from simulations.engines import engine_named
from simulations.engines.inline_grid import InlineGrid
from simulations.preflight import check
from strategies.continuing import conditions as conditions_here
from tests.runs import (
    assert_equal_weights,
    ending_in_round,
    figures,
    rounds,
    run_here,
    summary,
    updates,
)

USER = "tests.user_strategies"
STRATEGIES = {
    "FedAvg": {},
    "without-gate": {"gate": "off"},
    "FedAdam": {"strategy": "FedAdam", "strategy_args": "eta=0.01"},
    "FedAvgM": {"strategy": "FedAvgM", "strategy_args": "server_momentum=0.9"},
    "FLTrust": {"strategy": "FLTrust", "gate": "off"},
    "own-state": {"strategy": f"{USER}:Remembers"},
    "refers-to-itself": {"strategy": f"{USER}:AsksItself"},
    "draws-clients": {
        "fog_nodes": 5,
        "strategy_args": "fraction_train=0.4,min_train_nodes=1",
    },
    "dropout": {"model": "tests.small_models:with_dropout"},
    "cosine": {"learning_rate_schedule": "cosine"},
    "attack": {"fog_nodes": 4, "attack": "alie", "malicious_nodes": "1", "attack_rounds": "2-"},
    "masks": {
        "fog_nodes": 4,
        "mask_groups": 2,
        "attack": "crash",
        "malicious_nodes": "1",
        "attack_rounds": "1",
    },
    "centralized": {"architecture": "centralized"},
}


@pytest.fixture
def stopped_after(make_config):
    """Return a function that makes a run, and stops it while it makes the round after one."""

    def run(last_round, **settings):
        config = make_config(run_name=f"stopped-{last_round}", **settings)
        stop = ending_in_round(last_round + 1, KeyboardInterrupt())
        with stop, pytest.raises(KeyboardInterrupt):
            run_here(config)
        return str(place_of(config))

    return run


def place_of(config):
    return Path(config.results_dir) / config.run_name


def without_seconds(rows):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


@pytest.mark.parametrize("settings", STRATEGIES.values(), ids=STRATEGIES)
def test_it_equals_the_run_that_was_not_stopped(make_config, stopped_after, settings):
    settings = {"num_server_rounds": 3, **settings}
    whole = run_here(make_config(**settings, run_name="whole"))
    stopped = stopped_after(1, **settings)
    rest = run_here(make_config(**settings, run_name="rest", continue_from=stopped))
    assert figures(rest) == figures(whole)
    assert without_seconds(updates(rest)) == without_seconds(updates(whole))
    assert summary(rest)["final"] == summary(whole)["final"]
    assert_equal_weights(rest, whole)


def test_a_run_may_be_stopped_again_and_again(make_config, stopped_after):
    whole = run_here(make_config(num_server_rounds=4, run_name="whole"))
    first = stopped_after(1, num_server_rounds=4)
    second = stopped_after(3, num_server_rounds=4, continue_from=first)
    rest = run_here(make_config(num_server_rounds=4, run_name="rest", continue_from=second))
    assert figures(rest) == figures(whole)
    stretches = summary(rest)["stretches"]
    assert [(s["first_round"], s["last_round"]) for s in stretches] == [(1, 1), (2, 3)]
    assert (summary(rest)["starts"], summary(rest)["repeated_rounds"]) == (3, 2)
    assert all(s["versions"]["flwr"] and s["hardware"]["cores"] for s in stretches)
    took = [float(row["round_seconds"]) for row in rounds(rest)[1:]]
    assert summary(rest)["seconds"] >= sum(took[:3])


def test_who_continues_the_same_run_again_pays_for_the_first_time_too(make_config, stopped_after):
    settings = {"num_server_rounds": 4, "noise_source": "entropy"}
    first = stopped_after(1, **settings)
    stopped_after(3, **settings, continue_from=first)
    rest = run_here(make_config(**settings, run_name="rest", continue_from=first))
    assert summary(rest)["starts"] == 3
    # round 2 of the first; rounds 2 and 3 of the second, and the one that was not recorded
    assert summary(rest)["repeated_rounds"] == 1 + 3


def test_one_that_is_stopped_before_its_first_round_loses_nothing(make_config, stopped_after):
    first = stopped_after(2, num_server_rounds=3)
    second = stopped_after(0, num_server_rounds=3, continue_from=first)
    rest = run_here(make_config(num_server_rounds=3, run_name="rest", continue_from=second))
    assert [row["round"] for row in rounds(rest)] == ["0", "1", "2", "3"]
    assert [s["last_round"] for s in summary(rest)["stretches"]] == [2]
    assert summary(rest)["starts"] == 3  # each start drew shares and noise


def test_what_failed_after_the_last_round_is_made_again_without_a_round(
    make_config, monkeypatch, tmp_path
):
    def full(*_):
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr("keras.Model.save", full)
        with pytest.raises(OSError, match="no space"):
            run_here(make_config())
    failed = tmp_path / "results" / "run"
    rest = run_here(make_config(run_name="rest", continue_from=str(failed)))
    assert summary(rest)["status"] == "finished"
    assert_equal_weights(rest, run_here(make_config(run_name="whole")))


def test_a_killed_run_has_its_figures_and_says_how_to_go_on(make_config, stopped_after):
    """Its server process wrote nothing at the end: the launcher does it."""
    folder = Path(stopped_after(2, num_server_rounds=3))
    record = summary(folder)
    write_json(folder / "run.json", {**record, "status": "running", "final": {}, "seconds": 0.0})
    close_run(folder, interrupted=False, cause="No heartbeat")
    assert summary(folder)["final"] == record["final"]
    assert 0.0 < summary(folder)["seconds"] <= record["seconds"]
    assert f"to continue: fog-flower continue {folder}" in table_of(folder)


def test_of_a_run_that_was_killed_with_its_launcher_the_rounds_are_shown(stopped_after):
    folder = Path(stopped_after(2, num_server_rounds=3))
    record = summary(folder)
    write_json(folder / "run.json", {**record, "status": "running", "final": {}, "seconds": 0.0})
    with filelock.FileLock(folder / LOCK):
        assert "stopped-2: running" in table_of(folder)
    (folder / LOCK).touch()  # what a killed process leaves
    shown = table_of(folder)
    assert "stopped-2: stopped: its process has ended" in shown
    assert f"2 of 3, {record['final']['rejected']} updates refused" in shown
    assert f"{100 * record['final']['test_accuracy']:.2f}%" in shown


def table_of(folder):
    shown = io.StringIO()
    print_run(Terminal(file=shown, width=200), folder)
    return shown.getvalue()


def test_the_rounds_of_the_stopped_run_are_not_shown_again(tmp_path):
    shown = io.StringIO()
    rows = [{"round": str(n), "accepted": "3", "rejected": "0"} for n in range(5)]
    for row in rows:
        row |= {"test_accuracy": "0.5", "cloud_validation_accuracy": "0.5"}
    display = RunDisplay(Terminal(file=shown, width=200), 4, tmp_path, taken_over=2)
    for known in (1, 3, 5):
        display.update(rows[:known])
    assert [line[:9] for line in shown.getvalue().splitlines()] == ["round 3/4", "round 4/4"]


def test_two_processes_do_not_make_the_same_run(make_config):
    config = make_config()
    folder = place_of(config)
    folder.parent.mkdir(parents=True)
    launch = engine_named("inline")
    with (
        filelock.FileLock(folder.parent / f".{folder.name}.lock"),
        pytest.raises(UserError, match="is being made by another process: wait for it, or"),
    ):
        launch(config, lambda rows: None)
    assert launch(config, lambda rows: None).cause == ""
    with pytest.raises(UserError, match="was created by another run meanwhile"):
        launch(config, lambda rows: None)
    assert summary(folder)["status"] == "finished"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_finished_run_leaves_no_checkpoint(make_config):
    folder = run_here(make_config())
    assert {path.name for path in folder.iterdir()} == {
        *("run.json", "privacy.json", "rounds.csv", "updates.csv", "model.keras")
    }
    with pytest.raises(UserError, match="run has finished: there is nothing to continue"):
        check(make_config(run_name="more", continue_from=str(folder)))


def test_a_run_that_keeps_none_cannot_go_on(make_config, stopped_after):
    stopped = stopped_after(1, artifacts="model")
    with pytest.raises(UserError, match="if its artifacts include checkpoint"):
        check(make_config(run_name="more", continue_from=stopped))


def test_other_settings_are_refused(make_config, stopped_after):
    stopped = stopped_after(1)
    with pytest.raises(UserError, match=r"has batch-size=32, not 64"):
        check(make_config(run_name="more", continue_from=stopped, batch_size=64))
    # Where it lies and what it leaves is another matter.
    check(make_config(run_name="more", continue_from=stopped, artifacts="", round_timeout=60.0))


@pytest.mark.parametrize(
    "name", ["fog-flower's code", "data", "precision", "TF_ENABLE_ONEDNN_OPTS"]
)
def test_other_conditions_are_refused(make_config, stopped_after, monkeypatch, name):
    stopped = stopped_after(1)
    real = conditions_here.conditions

    def other(config, sha256):
        return {**real(config, sha256), name: "another"}

    monkeypatch.setattr("strategies.continuing.stopped_run.conditions", other)
    config = make_config(run_name="more", continue_from=stopped)
    with pytest.raises(UserError, match=rf"{name} was \w+, and here it is another; restore it"):
        run_here(config)
    assert not place_of(config).exists()


def test_another_version_of_the_users_strategy_is_refused(
    make_config, stopped_after, monkeypatch, tmp_path
):
    code = "from flwr.serverapp.strategy import FedAvg\nclass Mine(FedAvg):\n    pass\n"
    (tmp_path / "mine_here.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    stopped = stopped_after(1, strategy="mine_here:Mine")
    more = make_config(run_name="more", continue_from=stopped, strategy="mine_here:Mine")
    check(more)
    (tmp_path / "mine_here.py").write_text(code + "# edited\n")
    with pytest.raises(UserError, match=r"the code in mine_here.py was \w+, and here it is"):
        check(more)


def test_a_run_that_still_goes_on_is_left_alone(make_config, stopped_after, monkeypatch):
    monkeypatch.setattr("strategies.continuing.stopped_run.PATIENCE", 0.1)
    stopped = stopped_after(1)
    with filelock.FileLock(f"{stopped}/{LOCK}"), pytest.raises(UserError, match="still running"):
        check(make_config(run_name="more", continue_from=stopped))


@pytest.mark.parametrize("place", ["", "nowhere"])
def test_what_is_no_run_is_refused(make_config, tmp_path, place):
    with pytest.raises(UserError, match=r"there is no run.json in it"):
        check(make_config(continue_from=str(tmp_path / place)))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a file", b"text"])
def test_a_damaged_checkpoint_is_named(make_config, stopped_after, content):
    stopped = stopped_after(1)
    (Path(stopped) / "checkpoint.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"checkpoint.npz is damaged"):
        check(make_config(run_name="more", continue_from=stopped))


def test_a_relative_folder_is_refused(make_config):
    with pytest.raises(UserError, match="continue-from='run': must be absolute"):
        make_config(continue_from="run")


def test_state_that_cannot_be_kept_is_said(make_config, stopped_after, monkeypatch):
    said = []
    monkeypatch.setattr(
        "strategies.continuing.continuable.log", lambda _level, *words: said.append(words)
    )
    stopped = Path(stopped_after(2, strategy=f"{USER}:HoldsALock", num_server_rounds=3))
    (warning,) = [str(words[-1]) for words in said]  # once, not every round
    assert warning.startswith("HoldsALock.lock (lock) cannot be pickled: ")
    with pytest.raises(
        UserError, match=r"cannot be continued: HoldsALock.lock \(lock\) cannot be pick"
    ):
        check(
            make_config(
                strategy=f"{USER}:HoldsALock",
                num_server_rounds=3,
                run_name="more",
                continue_from=str(stopped),
            )
        )


def test_a_run_in_which_nothing_was_merged_begins_again(make_config, stopped_after):
    crash = {"attack": "crash", "malicious_nodes": "3"}
    stopped = stopped_after(1, **crash)
    with pytest.raises(UserError, match="nothing was merged in its rounds; start the run again"):
        check(make_config(run_name="more", continue_from=stopped, **crash))


def test_a_round_in_which_ray_died_is_not_gone_on_from(make_config, stopped_after, monkeypatch):
    """Flower answers for the fog nodes then, and the round ends as if they all had failed."""
    deliver = InlineGrid._deliver

    def die_in_round_2(grid, message):
        config = message.content.config_records.get("config")
        if not config or config.get("server-round") != 2:
            return deliver(grid, message)
        return Message(Error(ErrorCode.UNKNOWN, "the actor died"), reply_to=message)

    whole = run_here(make_config(num_server_rounds=4, run_name="whole"))
    with monkeypatch.context() as patched:
        patched.setattr(InlineGrid, "_deliver", die_in_round_2)
        stopped = stopped_after(3, num_server_rounds=4)
    assert [row["accepted"] for row in rounds(Path(stopped))][2] == "0"
    rest = run_here(make_config(num_server_rounds=4, run_name="rest", continue_from=stopped))
    assert figures(rest) == figures(whole)


def test_the_next_name_is_one_that_is_free(stopped_after):
    stopped = Path(stopped_after(1))
    assert settings_to_go_on(stopped, []).run_name == "stopped-1-from-round-2"
    second = stopped.rename(stopped.parent / "stopped-1-from-round-2")
    assert settings_to_go_on(second, []).run_name == "stopped-1-from-round-2-2"
    third = second.rename(stopped.parent / "stopped-1-from-round-2-2")
    assert settings_to_go_on(third, []).run_name == "stopped-1-from-round-2"
    assert settings_to_go_on(third, ["run-name=mine"]).run_name == "mine"


@pytest.mark.parametrize("table", ["rounds.csv", "updates.csv"])
def test_a_damaged_table_is_named(make_config, stopped_after, table):
    stopped = stopped_after(1)
    (Path(stopped) / table).write_text("round,accepted\n1,many\n")
    with pytest.raises(UserError, match="its tables are damaged"):
        check(make_config(run_name="more", continue_from=stopped))
