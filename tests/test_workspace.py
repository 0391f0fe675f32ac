"""Temporary folders go with their process, and nobody else's are touched."""

import subprocess
import sys
from pathlib import Path

import pytest

from fog_flower.errors import UserError
from simulations.engines.workspace import OWNER, own_workspace

HOLD = (
    "import sys, pathlib\n"
    "from simulations.engines.workspace import own_workspace\n"
    "with own_workspace(pathlib.Path(sys.argv[1])) as folder:\n"
    "    print(folder, flush=True)\n"
    "    sys.stdin.read()\n"
)


def hold(parent: Path) -> tuple[subprocess.Popen, Path]:
    """Let another process make a workspace, and keep it until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, Path(process.stdout.readline().strip())


def test_a_workspace_is_gone_afterwards_and_so_is_that_of_a_killed_process(tmp_path):
    killed, left = hold(tmp_path)
    killed.kill()
    killed.communicate()
    alive, kept = hold(tmp_path)
    (tmp_path / "fog-flower-something-else").mkdir()
    with own_workspace(tmp_path) as folder:
        assert folder.parent == tmp_path
        assert not left.exists()
        assert kept.exists()
    assert not folder.exists()
    alive.communicate("")
    assert not kept.exists()
    assert (tmp_path / "fog-flower-something-else").exists()


def test_what_another_machine_left_in_a_shared_folder_stays(tmp_path):
    """Of a process of another kernel nobody here can say whether it lives."""
    killed, left = hold(tmp_path)
    killed.kill()
    killed.communicate()
    (left / OWNER).write_text("another boot of another machine")
    half_made = tmp_path / "fog-flower-pid1-just-made"
    half_made.mkdir()  # its owner has not got as far as to say who it is
    with own_workspace(tmp_path):
        assert left.exists()
        assert half_made.exists()


def test_the_lock_counts_and_not_a_number_that_is_unknown_here(tmp_path):
    """In another container with the same folder a living process may have any number."""
    alive, folder = hold(tmp_path)
    unseen = folder.rename(tmp_path / f"fog-flower-pid{2**22 + 1}-abc")
    with own_workspace(tmp_path):
        assert unseen.exists()
    alive.communicate("")


def test_a_folder_that_cannot_be_written_is_named_with_the_variable(tmp_path):
    with (
        pytest.raises(UserError, match=r"cannot be written .*set RAY_TMPDIR to"),
        own_workspace(tmp_path / "absent", "RAY_TMPDIR"),
    ):
        pass
    with (
        pytest.raises(UserError, match=r"No space left on device.*TMPDIR") as caught,
        own_workspace(tmp_path) as folder,
    ):
        raise OSError(28, "No space left on device", str(folder / "app" / "a.py"))
    assert str(folder) in str(caught.value)
    with pytest.raises(OSError, match="of somebody else"), own_workspace(tmp_path):
        raise OSError(28, "of somebody else", "/elsewhere")
