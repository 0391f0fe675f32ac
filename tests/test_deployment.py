"""A deployment: SuperLink and SuperNodes as processes, on this machine's loopback."""

import os

import pytest

from fog_flower.records.reading import is_orphan
from fog_flower.records.recorder import can_continue
from fog_flower.records.run_folder import folder_of
from tests.deployment import Deployment, deployment
from tests.launched import ASKED_FOR
from tests.runs import figures, rounds, run_here, summary, updates

SMALL = {"model": "mlp-2-hidden", "gate": "open", "protection": "", "artifacts": ""}


def status_of(folder) -> str:
    return summary(folder)["status"] if (folder / "run.json").exists() else ""


def wait_for_round(deployed: Deployment, folder, number: int) -> None:
    deployed.wait_for(
        lambda: (folder / "rounds.csv").exists() and len(rounds(folder)) > number,
        f"round {number}",
        seconds=240,
    )


def wait_for_end(deployed: Deployment, folder) -> None:
    deployed.wait_for(lambda: status_of(folder) not in ("", "running"), "an end", seconds=480)


@pytest.mark.e2e
def test_a_deployment_gives_the_figures_of_the_inline_engine(make_config, tmp_path):
    inline = run_here(make_config(**SMALL, run_name="inline"))
    config = make_config(**SMALL, run_name="deployed")
    folder = folder_of(config)
    seeded = config.changed({"protection": "noise", "run-name": "seeded"})
    with deployment(tmp_path / "field", nodes=3) as deployed:
        refused, run_id = (deployed.run(one.to_run_config()) for one in (seeded, config))
        wait_for_end(deployed, folder)
        assert deployed.listening() == {"127.0.0.1"}
        deployed.wait_for(lambda: deployed.status(run_id)[0] == "finished:completed", "success")
        status, cause = deployed.status(refused)
        assert status == "finished:failed"
        assert "noise-source='seeded': on a deployment whoever knows the seed" in cause
    assert summary(folder)["status"] == "finished", summary(folder)["cause"]
    assert summary(folder)["federation"] == "deployment"
    assert not folder_of(seeded).exists()
    for ours, theirs in zip(figures(folder), figures(inline), strict=True):
        for name in ("round", "accepted", "rejected", "bytes_up", "bytes_down", "note"):
            assert ours[name] == theirs[name], name
        for name in ("train_accuracy", "cloud_validation_accuracy", "test_accuracy"):
            assert float(ours[name]) == pytest.approx(float(theirs[name]), abs=0.021, nan_ok=True)
        for name in ("train_loss", "test_loss"):
            assert float(ours[name]) == pytest.approx(float(theirs[name]), rel=1e-3, nan_ok=True)


@pytest.mark.e2e
@pytest.mark.skipif(ASKED_FOR not in os.environ, reason=f"takes minutes; set {ASKED_FOR}=1")
def test_nodes_and_superlink_are_killed_and_the_run_goes_on(make_config, tmp_path):
    settings = SMALL | {"artifacts": "checkpoint", "num_server_rounds": 5, "round_timeout": 200.0}
    config = make_config(**settings, min_available_nodes=2)
    folder = folder_of(config)
    with deployment(tmp_path / "field", nodes=3) as deployed:
        deployed.run(config.to_run_config())
        wait_for_round(deployed, folder, 1)
        deployed.kill_node(1)
        wait_for_round(deployed, folder, 2)
        refused = [row for row in updates(folder) if row["round"] == "2" and row["fog_node"] != "0"]
        assert [(row["fog_node"], row["accepted"]) for row in refused] == [
            ("1", "False"),
            ("2", "True"),
        ]
        deployed.start_node(1, 3)
        wait_for_round(deployed, folder, 3)
        deployed.kill_superlink()
        assert summary(folder)["status"] == "running"
        deployed.wait_for(lambda: is_orphan(folder), "the end of the ServerApp", seconds=90)
        assert can_continue(folder, summary(folder))
        made = len(rounds(folder))
        deployed.start_superlink()
        rest = config.changed({"continue-from": str(folder), "run-name": "rest"})
        deployed.run(rest.to_run_config())
        wait_for_end(deployed, folder_of(rest))
    assert summary(folder_of(rest))["status"] == "finished", summary(folder_of(rest))["cause"]
    assert rounds(folder_of(rest))[:made] == rounds(folder)
    assert [row["round"] for row in rounds(folder_of(rest))] == ["0", "1", "2", "3", "4", "5"]
    assert updates(folder_of(rest))[-2]["fog_node"] == "1"
