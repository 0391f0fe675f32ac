"""Launches ``flwr run`` properly, watches it, and tells how it really ended."""

import json
import time
from pathlib import Path
from typing import Any

import tomli_w

from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.records.reading import close_run, read_run
from fog_flower.records.recorder import FINISHED, RUNNING
from fog_flower.records.run_folder import folder_of
from simulations.app_folder import app_folder
from simulations.engines.outcome import POLL_SECONDS, Outcome, Watch, observed
from simulations.engines.superlink import SuperLink, last_lines, own_superlink
from simulations.placement import Placement, gpus, place
from simulations.preflight import user_folders

GRACE_SECONDS = 30.0  # from the run's last sign of life to Flower's own word about it


def launch(config: RunConfig, watch: Watch, actors: int | None = None) -> Outcome:
    """Run the configuration on Flower's simulation, and return when it has ended.

    Parameters
    ----------
    config : RunConfig
        Checked (``simulations.preflight.check``), with absolute paths and a run name.
    watch : callable
        Called with the rows of ``rounds.csv`` whenever there are more of them.
    actors : int, optional
        How many fog nodes train at the same time; what is fastest by default.

    Raises
    ------
    UserError
        If Flower does not start.
    KeyboardInterrupt
        On Ctrl-C, after everything was stopped and the records were closed.
    """
    folder = folder_of(config)
    try:
        placed = place(config.fog_nodes, config.model, gpus=len(gpus()), actors=actors)
        with own_superlink(user_folders(config), placed) as superlink:
            superlink.wait_until_ready()
            run_id = _submit(superlink, config, placed)
            with observed(folder, watch):
                _wait_for_end(superlink, folder)
                cause = _cause(superlink, run_id, folder)
    except KeyboardInterrupt:
        close_run(folder, interrupted=True, cause="interrupted (Ctrl-C or SIGTERM)")
        raise
    if cause:
        close_run(folder, interrupted=False, cause=cause)
    return Outcome(folder, cause)


def _submit(superlink: SuperLink, config: RunConfig, placed: Placement) -> str:
    # A file, because key=value pairs cannot carry every text.
    overrides = superlink.workspace / "run-config.toml"
    overrides.write_text(tomli_w.dumps(config.to_run_config()))
    # Ray tells each actor how many CPUs it has, and that many threads it takes.
    federation = (
        f"num-supernodes={config.fog_nodes} client-resources-num-cpus={placed.threads} "
        f"client-resources-num-gpus={placed.gpu_share}"
    )
    app = app_folder(superlink.workspace)
    answer = superlink.flwr(
        *("run", str(app), "--format", "json"),
        *("--run-config", str(overrides)),
        *("--federation-config", federation),
    )
    reply = _json(answer.stdout)
    if answer.returncode or not reply.get("success") or not reply.get("run-id"):
        detail = reply.get("error-message") or answer.stderr.strip() or answer.stdout.strip()
        raise UserError(f"`flwr run` refused: {detail.splitlines()[-1] if detail else 'no reason'}")
    return str(reply["run-id"])


def _wait_for_end(superlink: SuperLink, folder: Path) -> None:
    """Return when the run has ended, for good or bad, or every process of it is gone."""
    started, quiet_since = False, time.monotonic()
    while superlink.alive:
        if read_run(folder).get("status", RUNNING) != RUNNING:
            return
        if superlink.simulation_running():
            started, quiet_since = True, time.monotonic()
        elif started or time.monotonic() - quiet_since > 2 * GRACE_SECONDS:
            return
        time.sleep(POLL_SECONDS)


def _cause(superlink: SuperLink, run_id: str, folder: Path) -> str:
    """Return why the run failed, in one line; empty if Flower and the records say it finished.

    ``flwr run`` exits 0 whatever happens; the truth is the status in ``flwr ls``.
    """
    recorded = read_run(folder)
    if recorded.get("cause"):
        return str(recorded["cause"])
    deadline = time.monotonic() + GRACE_SECONDS
    while superlink.alive and time.monotonic() < deadline:
        runs = _json(superlink.flwr("ls", "--format", "json").stdout).get("runs", [])
        status: dict[str, Any] = next((run for run in runs if str(run.get("run-id")) == run_id), {})
        if status.get("status") == "finished:completed":
            if recorded.get("status") == FINISHED:
                return ""
            return "Flower says completed, but the records are not: the run left no final figures"
        if str(status.get("status", "")).startswith("finished"):
            detail = str(status.get("status-details", ""))
            return detail.removeprefix("Simulation failed with exception: ").strip() or "unknown"
        time.sleep(0.5)
    return f"Flower's processes ended without a word: {last_lines(superlink.log)}"


def _json(text: str) -> dict[str, Any]:
    # Flower may print a notice before the JSON.
    start = text.find("{")
    try:
        content: dict[str, Any] = json.loads(text[start:]) if start >= 0 else {}
    except json.JSONDecodeError:
        return {}
    return content
