"""Node data goes with its run, or else with age; nobody else gets at it."""

import os
import time
from pathlib import Path

import pytest

from fog_flower import scratch
from fog_flower.errors import UserError
from fog_flower.scratch import KEEP_HOURS, clear_old_scratch, mark_used, scratch_dir, scratch_root


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
