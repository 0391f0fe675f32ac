"""The engine that runs ServerApp, strategy and ClientApp, unchanged, in the calling process.

It needs no SuperLink, no Ray and no second import of TensorFlow. It starts at once, works with a
debugger, and can make many small runs in one process.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator

from flwr.app import Context, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import ServerApp

from fog_flower.causes import describe_failure
from fog_flower.config import RunConfig
from fog_flower.records.reading import close_run
from fog_flower.records.run_folder import folder_of
from fog_flower.variables import GIT_COMMIT_VARIABLE, SCRATCH_VARIABLE
from simulations.checkout import checkout_commit
from simulations.engines.inline_grid import SERVER_NODE_ID, InlineGrid
from simulations.engines.outcome import Launch, Outcome, Watch, observed
from simulations.engines.workspace import own_workspace
from simulations.quiet import load_tensorflow_quietly, only_errors_of_flower


@contextlib.contextmanager
def prepared(
    config: RunConfig,
    actors: int | None = None,  # noqa: ARG001  (fog nodes train one after the other)
) -> Iterator[Launch]:
    """Yield a function that makes a run of this configuration; nothing is loaded in advance.

    Parameters
    ----------
    config : RunConfig
        With absolute paths and a run name. The caller checks it (``simulations.preflight.check``)
        before the run is made.
    actors : int, optional
        Ignored: fog nodes train one after the other, each with all cores.
    """
    yield lambda watch: _launch(config, watch)


def _launch(config: RunConfig, watch: Watch) -> Outcome:
    """Run the configuration in this process, and return when it has ended.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, after the records were closed.
    """
    load_tensorflow_quietly()
    from clients.client_app import app as client_app  # noqa: PLC0415
    from strategies.server_app import app as server_app  # noqa: PLC0415

    folder = folder_of(config)
    cause = ""
    try:
        with _own_environment(), only_errors_of_flower(), observed(folder, watch):
            run_inline(server_app, client_app, config, secrets.randbits(63))
    except KeyboardInterrupt:
        close_run(folder, interrupted=True, cause="interrupted (Ctrl-C or SIGTERM)")
        raise
    except Exception as error:  # whatever a strategy or model raises ends the run, not the sweep
        cause = describe_failure(error)
    if cause:
        close_run(folder, interrupted=False, cause=cause)
    return Outcome(folder, cause)


def run_inline(
    server_app: ServerApp, client_app: ClientApp, config: RunConfig, run_id: int
) -> InlineGrid:
    """Run a whole ServerApp against a whole ClientApp in this process."""
    run_config = config.to_run_config()
    grid = InlineGrid(client_app, config.fog_nodes, run_config, run_id)
    context = Context(
        run_id=run_id,
        node_id=SERVER_NODE_ID,
        node_config={},
        state=RecordDict(),
        run_config=dict(run_config),
    )
    server_app(grid, context)
    return grid


@contextlib.contextmanager
def _own_environment() -> Iterator[None]:
    """Set the variables that the Ray engine's processes inherit, and restore them afterwards."""
    with own_workspace() as scratch:
        ours = {SCRATCH_VARIABLE: str(scratch), GIT_COMMIT_VARIABLE: checkout_commit()}
        before = {name: os.environ.get(name) for name in ours}
        os.environ.update(ours)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
