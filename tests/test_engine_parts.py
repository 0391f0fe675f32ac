"""The parts that start, watch and end the processes of a run on Ray."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fog_flower.errors import UserError
from simulations.engines import ending, processes
from simulations.engines.ending import MemoryLow, cause_of, wait_for_end
from simulations.engines.environment import run_environment, without_loopback_proxies
from simulations.engines.processes import end, free_ports, how_it_ended, start

NOWHERE = "http://127.0.0.1:9"


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("proxy", [NOWHERE, "127.0.0.1:9", "socks5h://127.0.0.1:9", "socks4://x:1"])
def test_flowers_http_library_reaches_this_machine_whatever_the_proxies(
    tmp_path, monkeypatch, name, proxy
):
    import httpx

    environment = without_loopback_proxies({name: proxy, "no_proxy": "example.org"})
    assert environment["no_proxy"].startswith("example.org,")
    assert environment["NO_PROXY"] == environment["no_proxy"]
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    with socket.create_server(("127.0.0.1", 0)) as server, httpx.Client(timeout=0.2) as client:
        port = server.getsockname()[1]
        with pytest.raises(httpx.ReadTimeout):  # it got there, and nobody answers
            client.get(f"http://127.0.0.1:{port}/")


def test_proxies_that_can_be_spoken_to_are_kept_for_the_rest_of_the_world():
    kept = without_loopback_proxies({"https_proxy": NOWHERE, "all_proxy": "socks4://x:1"})
    assert kept["https_proxy"] == NOWHERE
    assert "all_proxy" not in kept


def test_the_environment_of_a_run_has_the_users_folders_last_and_no_ray_of_theirs(
    tmp_path, monkeypatch
):
    for name in ("RAY_ADDRESS", "RAY_AUTH_TOKEN", "FLWR_HOME"):
        monkeypatch.setenv(name, "theirs")
    environment = run_environment(tmp_path, ["/users/own"], tmp_path / "commands")
    path = environment["PYTHONPATH"].split(":")
    assert path[-1] == "/users/own"
    assert any("-packages" in entry for entry in path)
    assert "theirs" not in {environment.get(n) for n in ("RAY_ADDRESS", "RAY_AUTH_TOKEN")}
    token = Path(environment["RAY_AUTH_TOKEN_PATH"])
    assert token.stat().st_mode & 0o777 == 0o600
    (tmp_path / "other").mkdir()
    other = run_environment(tmp_path / "other", [], tmp_path)
    assert token.read_text() != Path(other["RAY_AUTH_TOKEN_PATH"]).read_text()


def test_ports_are_free_different_and_not_among_those_that_connections_get():
    ports = free_ports(20)
    assert len(set(ports)) == 20
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(port < low for port in ports)


def test_without_ports_below_the_ephemeral_ones_no_port_is_given_twice(monkeypatch):
    monkeypatch.setattr(processes, "FIRST_PORT", processes._first_ephemeral_port())
    assert len(set(free_ports(200))) == 200


def test_a_child_and_what_it_started_are_ended_even_if_they_do_not_want_to(tmp_path):
    stubborn = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if len(sys.argv) < 2: subprocess.Popen([sys.executable, __file__, 'again'])\n"
        "print('up', flush=True)\n"
        "time.sleep(600)\n"
    )
    (tmp_path / "stubborn.py").write_text(stubborn)
    log = tmp_path / "log"
    process = start([sys.executable, str(tmp_path / "stubborn.py")], tmp_path, {}, log)
    deadline = time.monotonic() + 60
    while log.read_text().count("up") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    assert len(family) == 2
    from simulations.engines import processes

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(processes, "STOP_SECONDS", 0.2)
        end([process])
    assert all(not one.is_running() or one.status() == psutil.STATUS_ZOMBIE for one in family)


def test_how_a_process_ended_is_a_signals_name_or_a_number():
    assert how_it_ended(-9) == how_it_ended(137) == "SIGKILL"
    assert how_it_ended(1) == "exit status 1"
    assert how_it_ended(0) == "exit status 0"


class Link:
    """A SuperLink as far as its end is concerned."""

    def __init__(self, workspace, *, status=None, failure="", flower=None):
        self.workspace = workspace
        self.simulation_status = status
        self.simulation_started = True
        self.alive = not failure
        self.simulation_lines = ["first", "An exception occurred !! no such thing", "last"]
        self._failure, self._flower = failure, flower or {}

    def failure(self):
        return self._failure

    def last_words(self):
        return "first | last"

    def flwr_json(self, *_):
        return {"runs": [{"run-id": "7", **self._flower}]}, ""


def recorded(folder, **content):
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_text(json.dumps(content))
    return folder


def test_a_run_whose_process_was_killed_says_by_what_and_its_last_words(tmp_path, monkeypatch):
    folder = recorded(tmp_path / "run", status="running")
    link = Link(tmp_path, status=-9)
    ended_by = wait_for_end(link, folder, lambda: "")
    assert cause_of(link, "7", folder, ended_by).startswith(
        "the run's process ended (SIGKILL); the last lines of its log: first | last"
    )
    kills = iter([3, 4])
    monkeypatch.setattr(ending, "_kills", lambda: next(kills))
    said = wait_for_end(link, folder, lambda: "")
    assert said.endswith("; the system ended a process meanwhile for lack of memory")


def test_memory_that_was_short_is_told(monkeypatch):
    memory = MemoryLow()
    assert str(memory) == ""
    short = psutil.virtual_memory()._replace(available=2**20)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: short)
    memory.look()
    assert str(memory) == "; memory was short: 0.0 GiB were left"


def test_a_superlink_or_ray_that_ends_is_the_cause(tmp_path):
    folder = recorded(tmp_path / "run", status="running")
    link = Link(tmp_path, failure="Flower's SuperLink ended (SIGTERM): bye")
    assert cause_of(link, "7", folder, wait_for_end(link, folder, lambda: "")) == link.failure()
    link = Link(tmp_path)
    told = wait_for_end(link, folder, lambda: "Ray ended (exit status 1): no room")
    assert cause_of(link, "7", folder, told) == "Ray ended (exit status 1): no room"


@pytest.mark.parametrize(
    ("flower", "words"),
    [
        (
            {"status-details": "Simulation failed with exception: a bug"},
            "a bug",
        ),
        ({"status-details": ending.GENERIC}, "no such thing"),
        (
            {"status-details": "[Errno 28] No space left on device: '{here}/flwr/x'"},
            "{here} cannot be written (No space left on device): make room there, or set TMPDIR to "
            "another folder",
        ),
    ],
)
def test_flowers_word_counts_where_records_say_nothing(tmp_path, flower, words):
    detail = flower["status-details"].replace("{here}", str(tmp_path))
    link = Link(tmp_path, status=1, flower={"status": "finished:failed", "status-details": detail})
    folder = tmp_path / "run"
    ended_by = wait_for_end(link, folder, lambda: "")
    assert cause_of(link, "7", folder, ended_by) == words.replace("{here}", str(tmp_path))


def test_records_count_before_flowers_word_and_before_how_processes_ended(tmp_path):
    folder = recorded(tmp_path / "run", status="finished")
    assert cause_of(Link(tmp_path, status=-11), "7", folder, "the process ended (SIGSEGV)") == ""
    recorded(folder, status="failed", cause="the strategy has a bug")
    assert cause_of(Link(tmp_path, status=1), "7", folder, "") == "the strategy has a bug"


def test_a_superlink_that_cannot_start_says_why(tmp_path, monkeypatch):
    from simulations.engines import superlink

    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(superlink, "free_ports", lambda _count: [taken.getsockname()[1]])
        with superlink.own_superlink([]) as link:
            with pytest.raises(UserError, match=r"did not start.*address already in use"):
                link.wait_until_ready()
            processes = [link._process, link._simulation, link._first_command]
    assert all(isinstance(one, subprocess.Popen) and one.poll() is not None for one in processes)


def test_a_clock_that_is_set_does_not_make_an_orphan_of_a_run(monkeypatch):
    from simulations.engines import orphan_watch

    launcher = orphan_watch.this_process()
    monkeypatch.setattr(psutil.Process, "create_time", lambda _self: 0.0)
    assert orphan_watch.is_alive(launcher)
    pid, _, started = launcher.partition(":")
    assert not orphan_watch.is_alive(f"{pid}:{started}9")  # another process of that number
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    named = f"{child.pid}:{orphan_watch._started(child.pid)}"
    assert orphan_watch.is_alive(named)
    child.kill()
    deadline = time.monotonic() + 30
    while orphan_watch.is_alive(named):  # a zombie is none
        assert time.monotonic() < deadline
    child.communicate()
    assert not orphan_watch.is_alive(named)


def test_what_does_not_obey_is_ended_where_the_launcher_was_killed(monkeypatch):
    from simulations.engines import orphan_watch

    monkeypatch.setattr(orphan_watch, "GRACE_SECONDS", 0.2)
    monkeypatch.setattr(orphan_watch, "POLL_SECONDS", 0.1)
    deaf = "import signal as s; s.signal(s.SIGTERM, s.SIG_IGN); print(1, flush=True); input()"

    def started_by(launcher):
        child = subprocess.Popen(
            [sys.executable, "-c", deaf],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, orphan_watch.LAUNCHER_VARIABLE: launcher},
        )
        assert child.stdout.readline()
        return child

    ours, others = started_by("1:0"), started_by("1:1")
    try:
        assert [one.pid for one in orphan_watch.processes_of("1:0")] == [ours.pid]
        orphan_watch._end_those_left("1:0")
        assert ours.wait(30) == -signal.SIGKILL
        assert others.poll() is None  # another run's
    finally:
        for child in (ours, others):
            child.kill()
            child.communicate()


def test_a_temporary_folder_without_programs_is_said(tmp_path, monkeypatch):
    from simulations.engines import superlink

    monkeypatch.setattr(superlink.os, "access", lambda *_: False)
    with pytest.raises(UserError, match=r"mounted noexec.*TMPDIR"), superlink.own_superlink([]):
        pass
