"""The environment of the processes that an engine starts."""

import os
import secrets
import sys
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from fog_flower.data.rendered.version import renderer_version
from fog_flower.variables import (
    GIT_COMMIT_VARIABLE,
    LAUNCHER_VARIABLE,
    RENDERER_VARIABLE,
    SCRATCH_VARIABLE,
)
from simulations.checkout import checkout_commit
from simulations.engines.orphan_watch import this_process
from simulations.engines.processes import scripts

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
NO_PROXY = "no_proxy"

# A user's own settings for other instances of Flower and Ray must not reach ours.
NOT_INHERITED = ("FLWR_HOME", "PYTHONPATH", "RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_JOB_CONFIG_JSON")

FLOWER = {
    # This environment has all dependencies of the app; a new one per run takes 4 to 13 seconds.
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.5",
}
RAY = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # The actors have their own environment, so they would never use prestarted workers.
    "RAY_enable_worker_prestart": "0",
    "RAY_prestart_worker_first_driver": "0",
    # By default workers have niceness 15, and hardly run beside another busy process.
    "RAY_worker_niceness": "0",
    # Otherwise Ray replaces 127.0.0.1 by the machine's network address, and listens there.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_START_HOOK": "simulations.engines.ray_start.without_services",
}


def run_environment(workspace: Path, own_folders: Iterable[str], commands: Path) -> dict[str, str]:
    """Return the environment of a run's processes.

    Parameters
    ----------
    workspace : Path
        Of the run; Ray's token is written there, and Flower's settings belong there.
    own_folders : iterable of str
        Folders of the user that the app may import from. They come last, so that no file there
        shadows a library or a package of ours.
    commands : Path
        The first folder on the ``PATH``.
    """
    path = [str(commands), str(scripts()), os.environ.get("PATH", "")]
    return {
        **without_loopback_proxies({k: v for k, v in os.environ.items() if k not in NOT_INHERITED}),
        **FLOWER,
        **RAY,
        "PATH": os.pathsep.join(path),
        "PYTHONPATH": os.pathsep.join(dict.fromkeys([*_libraries(), *own_folders])),
        "FLWR_HOME": str(workspace / "flwr"),
        "RAY_AUTH_TOKEN_PATH": str(_new_token(workspace)),
        SCRATCH_VARIABLE: str(workspace / "node-data"),
        RENDERER_VARIABLE: renderer_version(),
        GIT_COMMIT_VARIABLE: checkout_commit(),
        LAUNCHER_VARIABLE: this_process(),
    }


def without_loopback_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which processes of this machine do not use a proxy to talk.

    Flower's HTTP library fails to load if a proxy has an unsupported scheme, even if the proxy is
    never used. Such proxies are removed.
    """
    kept = dict(environment)
    for name in environment:
        if name.lower() in PROXIES and not _speaks(environment[name]):
            del kept[name]
    for name in (NO_PROXY, NO_PROXY.upper()):
        told = environment.get(NO_PROXY) or environment.get(NO_PROXY.upper(), "")
        hosts = [host.strip() for host in told.split(",") if host.strip()]
        kept[name] = ",".join(dict.fromkeys([*hosts, *LOOPBACK]))
    return kept


def _speaks(proxy: str) -> bool:
    scheme = urlsplit(proxy).scheme.lower() if "://" in proxy else "http"
    if scheme in ("socks5", "socks5h"):
        return find_spec("socksio") is not None
    return scheme in ("http", "https")


def _libraries() -> list[str]:
    """Return the import path of this process, without the current folder."""
    here = str(Path.cwd())
    return [entry for entry in sys.path if entry and entry != here]


def _new_token(workspace: Path) -> Path:
    """Write the token that a process needs to use the run's Ray, readable by this user only."""
    path = workspace / "ray-token"
    path.touch(mode=0o600)
    path.write_text(secrets.token_hex(32))
    return path
