"""Temporary folders go with their process."""

import subprocess
import sys

from simulations.workspace import own_workspace


def test_a_workspace_is_gone_afterwards_and_so_are_those_of_dead_processes(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / f"fog-flower-pid{dead.pid}-abc").mkdir()
    alive = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    kept = tmp_path / f"fog-flower-pid{alive.pid}-abc"
    kept.mkdir()
    (tmp_path / "fog-flower-something-else").mkdir()
    with own_workspace() as folder:
        assert folder.parent == tmp_path
        assert sorted(tmp_path.iterdir()) == sorted(
            [folder, kept, tmp_path / "fog-flower-something-else"]
        )
    assert not folder.exists()
    alive.communicate(b"\n")
