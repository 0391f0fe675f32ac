"""The engine that launches ``flwr run``, watches it, and finds out how the run ended."""

import contextlib
from collections.abc import Iterator

import tomli_w

from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.records.reading import close_run
from fog_flower.records.run_folder import folder_of
from simulations.app_folder import app_folder
from simulations.engines.ending import cause_of, wait_for_end
from simulations.engines.outcome import Launch, Outcome, Watch, observed
from simulations.engines.placement import Placement, gpus, place, threaded_share
from simulations.engines.processes import LOCAL, free_ports
from simulations.engines.ray_head import own_ray
from simulations.engines.superlink import SuperLink, own_superlink
from simulations.preflight import user_folders


@contextlib.contextmanager
def prepared(config: RunConfig, actors: int | None = None) -> Iterator[Launch]:
    """Start to load Flower, and yield a function that makes a run of this configuration.

    Parameters
    ----------
    config : RunConfig
        With absolute paths and a run name. The caller checks it (``simulations.preflight.check``)
        before the run is made.
    actors : int, optional
        How many fog nodes train at the same time; the fastest number by default.
    """
    (port,) = free_ports(1)
    with own_superlink(user_folders(config), RAY_ADDRESS=f"{LOCAL}:{port}") as superlink:
        yield lambda watch: _launch(superlink, port, config, watch, actors)


def _launch(
    superlink: SuperLink, ray_port: int, config: RunConfig, watch: Watch, actors: int | None
) -> Outcome:
    """Run the configuration on Flower's simulation, and return when it has ended.

    Raises
    ------
    UserError
        If Flower does not start.
    KeyboardInterrupt
        On Ctrl-C, after everything was stopped and the records were closed.
    """
    folder = folder_of(config)
    placed = place(config.fog_nodes, threaded_share(config.model), gpus=len(gpus()), actors=actors)
    try:
        with own_ray(ray_port, placed, superlink.environment) as ray:
            superlink.wait_until_ready()
            run_id = _submit(superlink, config, placed)
            with observed(folder, watch):
                ended_by = wait_for_end(superlink, folder, ray.failure)
                cause = cause_of(superlink, run_id, folder, ended_by)
                superlink.stop()
    except KeyboardInterrupt:
        superlink.stop()
        close_run(folder, interrupted=True, cause="interrupted (Ctrl-C or SIGTERM)")
        raise
    if cause:
        close_run(folder, interrupted=False, cause=cause)
    return Outcome(folder, cause)


def _submit(superlink: SuperLink, config: RunConfig, placed: Placement) -> str:
    # A file, because key=value pairs cannot represent every text.
    overrides = superlink.workspace / "run-config.toml"
    overrides.write_text(tomli_w.dumps(config.to_run_config()))
    # Each actor uses as many threads as Ray gives it CPUs.
    federation = (
        f"num-supernodes={config.fog_nodes} client-resources-num-cpus={placed.threads} "
        f"client-resources-num-gpus={placed.gpu_share}"
    )
    app = app_folder(superlink.workspace)
    reply, said = superlink.flwr_json(
        *("run", str(app)),
        *("--run-config", str(overrides)),
        *("--federation-config", federation),
    )
    if not reply.get("success") or not reply.get("run-id"):
        raise UserError(f"`flwr run` refused: {reply.get('error-message') or said}")
    return str(reply["run-id"])
