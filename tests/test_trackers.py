"""Who follows a run: figures as in the tables, nothing outside the run's folder, no lost run."""

import json
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray
from wandb.proto import wandb_internal_pb2

from fog_flower.errors import UserError
from fog_flower.records.trackers import TRACKERS, build_tracker
from fog_flower.records.trackers.mlflow import MLflow
from simulations.preflight import check_plug_ins
from tests.runs import column, ending_in_round, rounds, run_here, summary, updates

BLOCK, WANDB_HEADER = 32 * 1024, 7
ROOT = Path(__file__).resolve().parent.parent


class Seen:
    """A tracker that keeps what it is told, for the tests."""

    told: list = []  # noqa: RUF012

    def start(self, folder, facts):
        self.told.append(("start", folder, facts))

    def log(self, row, updates):
        self.told.append(("log", row, updates))

    def end(self, status):
        self.told.append(("end", status))


class Spoils(Seen):
    def log(self, row, updates):
        row.clear()
        for update in updates:
            update["fog_node"] = "spoilt"

    def start(self, folder, facts):
        facts["config"].clear()


class BreaksInRound1(Seen):
    ended: list = []  # noqa: RUF012

    def log(self, row, updates):
        self.told.append(row["round"])
        if row["round"] == 1:
            raise ConnectionError("no route to\nthe server")

    def end(self, status):
        self.ended.append(status)


class Exits(Seen):
    def log(self, row, updates):
        sys.exit("enough")


class BreaksAtTheEnd(Seen):
    def end(self, status):
        raise OSError(f"cannot say {status}")


class CannotStart(Seen):
    def start(self, folder, facts):
        raise ConnectionError("no server")


class CannotBeBuilt(Seen):
    def __init__(self):
        raise RuntimeError("no licence")


class WantsAnArgument(Seen):
    def __init__(self, project):
        self.project = project


class HasNoEnd:
    def start(self, folder, facts):
        pass

    def log(self, row, updates):
        pass


called: list = []
not_callable = 3


def follow(row, updates):
    called.append((row["round"], len(updates)))


def takes_nothing():
    return Seen()


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch):
    for told in (Seen.told, BreaksInRound1.ended, called):
        told.clear()
    for variable in [name for name in os.environ if name.startswith(("WANDB_", "MLFLOW_"))]:
        monkeypatch.delenv(variable)


def of_node(folder, node, name):
    return [float(row[name]) for row in updates(folder) if row["fog_node"] == str(node)]


def test_all_trackers_are_in_the_catalogue():
    assert set(TRACKERS.names()) >= {"mlflow", "tensorboard", "wandb"}


def test_tensorboard_has_the_figures_of_the_tables(make_config):
    folder = run_here(make_config(trackers="tensorboard"))

    def scalars(name, tag):
        events = EventAccumulator(str(folder / "tensorboard" / name))
        events.Reload()
        return [float(make_ndarray(tensor.tensor_proto)) for tensor in events.Tensors(tag)]

    expected = [float(row["test_accuracy"]) for row in rounds(folder)]
    assert scalars("cloud", "test_accuracy") == pytest.approx(expected)
    assert scalars("cloud", "train_loss") == pytest.approx(column(folder, "train_loss"))
    assert scalars("fog-node-2", "train_accuracy") == pytest.approx(
        of_node(folder, 2, "train_accuracy")
    )


def leveldb_records(content, before):
    """Yield the records of LevelDB's log format; ``before`` bytes of the first block are left out.

    A block has 32 KiB; each part of a record has a checksum (4 bytes), a length (2) and a type: 1
    is whole, 2 the first part, 3 a middle one, 4 the last.
    """
    position, record = 0, b""
    while position + 7 <= len(content):
        left = BLOCK - (position + before) % BLOCK
        if left < 7:
            position += left
            continue
        _, length, kind = struct.unpack_from("<IHB", content, position)
        position += 7 + length
        record += content[position - length : position]
        if kind in (1, 4):
            yield record
            record = b""


def read_wandb(folder):
    """Return configuration, rows by step, summary, exit code and files of an offline run.

    W&B's own process writes the end a moment after it was told.
    """
    (log,) = (folder / "wandb").glob("offline-run-*/run-*.wandb")
    deadline = time.monotonic() + 60
    while (found := parse_wandb(log))[3] is None and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def parse_wandb(log):
    config, rows, end, exit_code, files = {}, {}, {}, None, []
    for data in leveldb_records(log.read_bytes()[WANDB_HEADER:], WANDB_HEADER):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.HasField("run"):
            config |= {i.key: json.loads(i.value_json) for i in record.run.config.update}
        if record.HasField("history"):
            items = {
                item.key or "/".join(item.nested_key): json.loads(item.value_json)
                for item in record.history.item
            }
            rows[record.history.step.num] = items
        if record.HasField("summary"):
            end |= {
                i.key or "/".join(i.nested_key): json.loads(i.value_json)
                for i in record.summary.update
            }
        if record.HasField("exit"):
            exit_code = record.exit.exit_code
        if record.HasField("files"):
            files += [file.path for file in record.files.files]
    return config, rows, end, exit_code, files


def test_wandb_keeps_everything_offline_in_the_runs_folder(make_config):
    folder = run_here(make_config(trackers="wandb", artifacts="curves"))
    told, rows, end, exit_code, files = read_wandb(folder)
    assert told["num-server-rounds"] == 2
    assert told["data"]["sha256"] == summary(folder)["data"]["sha256"]
    assert sorted(rows) == [0, 1, 2]
    for number, row in enumerate(rounds(folder)):
        assert rows[number]["test_accuracy"] == float(row["test_accuracy"])
    figures = [rows[number]["fog-node-2/train_accuracy"] for number in (1, 2)]
    assert figures == of_node(folder, 2, "train_accuracy")
    assert (end["status"], exit_code) == ("finished", 0)
    assert set(files) >= {"run.json", "rounds.csv", "updates.csv", "curves.png"}
    (kept,) = (folder / "wandb").glob("offline-run-*/files")
    assert json.loads((kept / "run.json").read_text())["status"] == "finished"
    assert (kept / "curves.png").read_bytes() == (folder / "curves.png").read_bytes()


def test_wandb_says_how_a_run_ended(make_config, tmp_path):
    with ending_in_round(2, RuntimeError("a fault")), pytest.raises(RuntimeError):
        run_here(make_config(trackers="wandb"))
    _, rows, end, exit_code, files = read_wandb(tmp_path / "results" / "run")
    assert sorted(rows) == [0, 1]
    assert (end["status"], exit_code) == ("failed", 1)
    assert "traceback.txt" in files


def read_mlflow(folder, uri=None):
    client = MlflowClient(tracking_uri=uri or f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("fog-flower")
    return client, client.search_runs([experiment.experiment_id])


def test_mlflow_keeps_everything_in_the_runs_folder(make_config):
    folder = run_here(make_config(trackers="mlflow", artifacts="curves"))
    client, (run,) = read_mlflow(folder)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "run"
    assert run.data.params["num-server-rounds"] == "2"
    assert run.data.params.keys() == summary(folder)["config"].keys()
    assert run.data.tags["data.sha256"] == summary(folder)["data"]["sha256"]

    def values(name):
        history = client.get_metric_history(run.info.run_id, name)
        return [m.value for m in sorted(history, key=lambda metric: metric.step)]

    assert values("test_accuracy") == [float(row["test_accuracy"]) for row in rounds(folder)]
    assert values("fog-node-2/train_accuracy") == of_node(folder, 2, "train_accuracy")
    kept = {Path(f.path).name for f in client.list_artifacts(run.info.run_id)}
    assert kept == {"run.json", "rounds.csv", "updates.csv", "curves.png"}
    (record,) = (folder / "mlflow-artifacts").rglob("run.json")
    assert json.loads(record.read_text())["status"] == "finished"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_one_mlflow_database_for_all_runs(make_config, tmp_path, monkeypatch):
    uri = f"sqlite:///{tmp_path / 'all.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    run_here(make_config(trackers="mlflow", run_name="one"))
    with ending_in_round(2, KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        run_here(make_config(trackers="mlflow", run_name="two"))
    _, runs = read_mlflow(tmp_path, uri)
    assert {(run.info.run_name, run.info.status) for run in runs} == {
        ("one", "FINISHED"),
        ("two", "KILLED"),
    }
    assert not (tmp_path / "results" / "one" / "mlflow.db").exists()
    artifacts = tmp_path / "results" / "mlflow-artifacts"
    assert len(list(artifacts.rglob("run.json"))) == 2


@pytest.mark.parametrize("uri", ["sqlite:///runs.db", "mlruns", "file:mlruns", "sqlite://"])
def test_a_store_that_would_be_elsewhere_in_the_run_is_refused(uri, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(UserError, match=r"MLFLOW_TRACKING_URI=.*: must be absolute"):
        MLflow()


def test_several_trackers_and_a_users_own(make_config):
    folder = run_here(make_config(trackers="tensorboard, tests.test_trackers:Seen"))
    start, *logged, end = Seen.told
    assert start[1] == folder
    assert start[2]["config"]["num-server-rounds"] == 2
    assert [row["round"] for _, row, _ in logged] == [0, 1, 2]
    assert [len(verdicts) for *_, verdicts in logged] == [0, 3, 3]
    assert end == ("end", "finished")
    assert (folder / "tensorboard" / "cloud").is_dir()


def test_a_callback_is_called_after_every_round(make_config):
    run_here(make_config(trackers="tests.test_trackers:follow"))
    assert called == [(0, 0), (1, 3), (2, 3)]


def test_a_tracker_cannot_spoil_the_records(make_config):
    spoilt = run_here(make_config(trackers="tests.test_trackers:Spoils", run_name="spoilt"))
    assert [row["round"] for row in rounds(spoilt)] == ["0", "1", "2"]
    assert {row["fog_node"] for row in updates(spoilt)} == {"0", "1", "2"}
    assert summary(spoilt)["config"]["num-server-rounds"] == 2


def test_a_tracker_that_raises_does_not_cost_the_run(make_config, caplog):
    ours = "tests.test_trackers:BreaksInRound1"
    folder = run_here(make_config(trackers=f"{ours},tests.test_trackers:follow"))
    record = summary(folder)
    assert record["status"] == "finished"
    assert len(rounds(folder)) == 3
    (failure,) = record["tracker_failures"]
    assert failure.startswith(
        f"{ours} stopped following in round 1: ConnectionError: no route to the server (in log, "
    )
    assert "test_trackers.py:" in failure
    assert "\n" not in failure
    assert Seen.told[1:] == [0, 1]
    assert BreaksInRound1.ended == ["finished"]
    assert len(called) == 3
    assert caplog.text.count("the run goes on") == 1


def test_a_tracker_cannot_exit_the_run(make_config):
    folder = run_here(make_config(trackers="tests.test_trackers:Exits"))
    assert summary(folder)["status"] == "finished"
    (failure,) = summary(folder)["tracker_failures"]
    assert "stopped following in round 0: SystemExit: enough" in failure


def test_a_tracker_that_cannot_end_does_not_cost_the_run(make_config):
    folder = run_here(make_config(trackers="tests.test_trackers:BreaksAtTheEnd"))
    assert summary(folder)["status"] == "finished"
    (failure,) = summary(folder)["tracker_failures"]
    assert "did not end well: OSError: cannot say finished" in failure


def test_a_failure_is_on_disk_at_once(make_config, tmp_path):
    breaks = ending_in_round(2, RuntimeError("killed"))
    with breaks, pytest.raises(RuntimeError):
        run_here(make_config(trackers="tests.test_trackers:BreaksInRound1"))
    assert BreaksInRound1.ended == ["failed"]
    assert summary(tmp_path / "results" / "run")["tracker_failures"]


def test_a_tracker_that_cannot_start_ends_the_run_before_round_1(make_config, tmp_path):
    names = "tests.test_trackers:Seen,tests.test_trackers:CannotStart"
    with pytest.raises(UserError, match=r"CannotStart': cannot start \(ConnectionError: no server"):
        run_here(make_config(trackers=names))
    assert Seen.told[-1] == ("end", "failed")
    folder = tmp_path / "results" / "run"
    assert summary(folder)["status"] == "failed"
    assert not (folder / "rounds.csv").exists()


def test_interrupted_runs_end_their_trackers(make_config):
    with ending_in_round(1, KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        run_here(make_config(trackers="tests.test_trackers:Seen"))
    assert Seen.told[-1] == ("end", "interrupted")


def test_a_run_that_goes_on_tells_its_trackers_the_whole_run(make_config):
    with ending_in_round(2, KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        run_here(make_config(num_server_rounds=3, run_name="part"))
    config = make_config(
        num_server_rounds=3,
        run_name="rest",
        trackers="tests.test_trackers:Seen",
        continue_from=str(Path(make_config().results_dir) / "part"),
    )
    run_here(config)
    assert [told[1]["round"] for told in Seen.told if told[0] == "log"] == [0, 1, 2, 3]
    assert Seen.told[-1] == ("end", "finished")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tensorbord", "did you mean tensorboard"),
        ("tests.test_trackers:HasNoEnd", "has no end; a tracker is"),
        ("tests.test_trackers:CannotBeBuilt", r"RuntimeError: no licence \(in __init__, .*py:"),
        ("tests.test_trackers:WantsAnArgument", "missing 1 required positional argument"),
        ("tests.test_trackers:takes_nothing", "too many positional arguments; a tracker is"),
        ("tests.test_trackers:not_callable", "is a int; a tracker is"),
    ],
)
def test_what_is_no_tracker_is_refused_before_the_run(name, message, make_config):
    with pytest.raises(UserError, match=message):
        check_plug_ins(make_config(trackers=name))


def test_our_files_do_not_hide_the_libraries():
    for library in ("wandb", "mlflow", "tensorboard"):
        build_tracker(library)
        assert "site-packages" in str(__import__(library).__file__)


def test_with_central_dp_trackers_get_only_what_is_computed_from_w(make_config):
    name = "tests.test_trackers:Seen"
    private = {"strategy": "central-dp", "strategy_args": "epsilon=3.0", "gate": "off"}
    folder = run_here(make_config(trackers=f"{name},wandb,mlflow,tensorboard", **private))
    assert "nodes" in summary(folder)
    _, _, facts = Seen.told[0]
    assert "nodes" not in facts
    assert "shared_examples" not in facts["data"]
    for kind, row, of_nodes in (one for one in Seen.told if one[0] == "log"):
        assert (kind, of_nodes, set(row)) == ("log", [], set(rounds(folder)[0]))
        told = {n for n, value in row.items() if isinstance(value, str) or value == value}  # noqa: PLR0124
        assert told <= {n for n in row if n.startswith(("cloud_validation_", "test_"))} | {
            *("round", "note", "backdoor_success")
        }
        assert row["note"] == ""
    assert [path.name for path in (folder / "tensorboard").iterdir()] == ["cloud"]
    config, rows, _, _, files = read_wandb(folder)
    assert "nodes" not in config
    assert not any("fog-node" in key or "train_loss" in key for row in rows.values() for key in row)
    assert not set(files) & {"updates.csv", "rounds.csv", "run.json"}
    assert not list((folder / "mlflow-artifacts").rglob("*.csv"))


TOLD_TO_END = """
import signal, threading, time
from flwr.supercore.exit import register_signal_handlers
from fog_flower.records.tracking import Tracking

class Tracker:
    def start(self, folder, facts): print("started", flush=True)
    def log(self, row, updates): pass
    def end(self, status): print("ended", status, flush=True)

def server_app():
    tracking = Tracking({"mine": Tracker()})
    tracking.start(None, {})
    ready.set()
    time.sleep(60)

ready = threading.Event()
register_signal_handlers(None)  # as Flower's processes do
threading.Thread(target=server_app).start()
ready.wait()
signal.raise_signal(signal.SIGTERM)
"""


def test_a_process_that_is_told_to_end_ends_its_trackers():
    """Flower's ServerApp is a thread, and its process ends without interrupting it."""
    done = subprocess.run(
        [sys.executable, "-c", TOLD_TO_END], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert "Traceback" not in done.stderr
    assert done.stdout.split("\n")[:2] == ["started", "ended interrupted"]
