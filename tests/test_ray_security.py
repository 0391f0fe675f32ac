"""What a run on Ray opens to the network: nothing."""

import contextlib
import ipaddress
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from fog_flower.records.reading import read_rounds, read_run
from tests.launched import MARK, ONE_ACTOR, SMALL, finish, flower_processes, start, wait_for

# Nobody listens there: whatever is sent to a proxy is lost.
NOWHERE = "http://127.0.0.1:9"
PROXIES = {
    "http_proxy": NOWHERE,
    "HTTPS_PROXY": NOWHERE,
    "all_proxy": "socks5h://127.0.0.1:9",
    "NO_PROXY": "example.org",
}


def listening(pid: int) -> dict[tuple[str, int], str]:
    """Return where a process and its descendants listen, and which of them it is."""
    found = {}
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        try:
            sockets = process.net_connections("inet")
            command = " ".join(process.cmdline()[:2])
        except psutil.Error:
            continue
        for one in sockets:
            if one.status == psutil.CONN_LISTEN or (one.type == 2 and not one.raddr):  # TCP, UDP
                found[one.laddr.ip, one.laddr.port] = command
    return found


def is_loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def gcs_address(pid: int) -> str:
    words: list[str] = []
    for process in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it may have ended meanwhile
            words += process.cmdline()
    (port,) = {w.partition("=")[2] for w in words if w.startswith("--gcs_server_port=")}
    return f"127.0.0.1:{port}"


def connect(address: str, environment: dict[str, str]) -> subprocess.CompletedProcess:
    """Join Ray as anybody on this machine could try to, and run code in it."""
    script = (
        f"import ray; ray.init(address={address!r}, log_to_driver=False)\n"
        "print(ray.get(ray.remote(num_cpus=0)(lambda: 'it ran').remote()))"
    )
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**clean, "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def together(address: str, *environments: dict[str, str]) -> list[subprocess.CompletedProcess]:
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda environment: connect(address, environment), environments))


@pytest.mark.e2e
def test_a_run_on_ray_listens_on_loopback_alone_asks_for_its_token_and_ends_by_ctrl_c(
    tmp_path, npz_path, monkeypatch
):
    for name, value in PROXIES.items():  # and no proxy stands between its processes
        monkeypatch.setenv(name, value)
    process = start(
        tmp_path,
        "run",
        *(f"dataset=npz:{npz_path}", *SMALL, "num-server-rounds=500", "run-name=open", *ONE_ACTOR),
        **{MARK: str(tmp_path)},
    )
    folder = tmp_path / "results" / "runs" / "open"
    try:
        wait_for(lambda: len(read_rounds(folder)) > 2, process)
        sockets = listening(process.pid)
        address = gcs_address(process.pid)
        token = token_of(process.pid)
        anybody, guessing, owner = together(
            address,
            {"RAY_AUTH_MODE": "disabled"},
            {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "guessed" * 9},
            {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)},
        )
        readable_by_others = token.stat().st_mode & 0o077
    finally:
        process.send_signal(signal.SIGINT)
        code, output = finish(process)
    assert code == 130, output
    assert "interrupted" in output
    assert read_run(folder)["status"] == "interrupted"
    assert len(read_rounds(folder)) > 2  # what there was is kept
    assert flower_processes(tmp_path) == []
    assert {port for _, port in sockets} >= {int(address.partition(":")[2])}
    assert {where: who for where, who in sockets.items() if not is_loopback(where[0])} == {}
    assert not [who for who in sockets.values() if "ray.util.client" in who]
    assert 10001 not in {port for _, port in sockets}
    assert not readable_by_others
    assert not token.exists()
    for refused in (anybody, guessing):
        assert refused.returncode != 0
        assert "it ran" not in refused.stdout
        assert "uthenticat" in refused.stderr, refused.stderr
    assert "it ran" in owner.stdout, owner.stderr  # so that was not the reason


def token_of(pid: int) -> Path:
    (path,) = {
        process.environ()["RAY_AUTH_TOKEN_PATH"]
        for process in psutil.Process(pid).children(recursive=True)
        if "gcs_server" in process.name()
    }
    return Path(path)


def test_a_server_app_warns_of_a_ray_that_others_can_reach(monkeypatch):
    from flwr.superlink.grid import InMemoryGrid

    from fog_flower import simulated

    said = []
    monkeypatch.setattr(simulated, "log", lambda _level, text: said.append(text))
    grid = InMemoryGrid.__new__(InMemoryGrid)
    for mode, warned in ((None, 1), ("disabled", 2), ("token", 2)):
        if mode:
            monkeypatch.setenv("RAY_AUTH_MODE", mode)
        else:
            monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
        simulated.warn_of_open_ray(grid)
        assert len(said) == warned
    monkeypatch.delenv("RAY_AUTH_MODE")
    simulated.warn_of_open_ray(object())  # a deployment's, or the inline engine's
    assert len(said) == 2
    assert "RAY_AUTH_MODE=token" in said[0]
