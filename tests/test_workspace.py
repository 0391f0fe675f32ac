"""Temporary folders and node data go with their process, or else with age."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fog_flower import scratch
from fog_flower.errors import UserError
from fog_flower.scratch import KEEP_HOURS, clear_old_scratch, mark_used, scratch_dir, scratch_root
from simulations.workspace import numbering, own_workspace


def test_a_workspace_is_gone_afterwards_and_so_are_those_of_dead_processes(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    here = numbering()
    elsewhere = "0000" if here != "0000" else "ffff"  # another host that shares this folder
    (tmp_path / f"fog-flower-{here}-{dead.pid}-abc").mkdir()
    alive = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    kept = [
        tmp_path / f"fog-flower-{here}-{alive.pid}-abc",
        tmp_path / f"fog-flower-{elsewhere}-{dead.pid}-abc",
        tmp_path / "fog-flower-something-else",
    ]
    for folder in kept:
        folder.mkdir()
    with own_workspace() as folder:
        assert folder.parent == tmp_path
        assert sorted(tmp_path.iterdir()) == sorted([folder, *kept])
    assert not folder.exists()
    alive.communicate(b"\n")


def test_two_hosts_number_their_processes_apart(monkeypatch):
    ours = numbering()
    monkeypatch.setattr("platform.node", lambda: "another-host")
    assert numbering() != ours


def test_a_path_to_a_socket_of_ray_is_short_enough():
    folder = f"/tmp/fog-flower-{numbering()}-4194304-abcdefgh"
    socket = f"{folder}/session_2026-11-28_05-30-36_123456_4194304/sockets/plasma_store"
    assert len(socket) <= 107


def make_run(run_id: int, hours_ago: float) -> Path:
    folder = scratch_dir(run_id) / "fog-node-0"
    folder.mkdir(parents=True)
    then = time.time() - 3600 * hours_ago
    os.utime(folder.parent, (then, then))
    return folder.parent


def test_node_data_that_nobody_has_used_for_long_is_cleared(tmp_path, monkeypatch):
    monkeypatch.setenv("FOG_FLOWER_SCRATCH", str(tmp_path))
    old, used, new = make_run(1, KEEP_HOURS + 1), make_run(2, KEEP_HOURS + 1), make_run(3, 1)
    (tmp_path / "mine").mkdir()
    os.utime(tmp_path / "mine", (0, 0))
    mark_used(2)
    mark_used(4)  # was never made
    clear_old_scratch()
    assert not old.exists()
    assert sorted(tmp_path.iterdir()) == sorted([used, new, tmp_path / "mine"])


def test_node_data_goes_into_no_folder_of_somebody_else(tmp_path, monkeypatch):
    monkeypatch.delenv("FOG_FLOWER_SCRATCH")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert scratch_root().stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr(scratch.os, "getuid", lambda: os.geteuid() + 1)
    (tmp_path / f"fog-flower-{os.getuid()}").mkdir()
    with pytest.raises(UserError, match=r"is not a folder of this user's.*FOG_FLOWER_SCRATCH"):
        scratch_root()
