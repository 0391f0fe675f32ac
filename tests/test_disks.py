"""Disks that are full, read-only, or take no such name: one line with what to change."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from clients.fog_node import NodeData
from clients.node_store import stored_data
from fog_flower.data.cache import read_cached, write_cached
from fog_flower.data.whole_folder import reason, whole_folder
from fog_flower.errors import UserError
from fog_flower.records.run_folder import run_folder
from fog_flower.tasks.examples import Examples
from tests.launched import SMALL, fog_flower


def node_data(value: int = 1) -> NodeData:
    return NodeData(np.full((2, 3), value, np.float32), np.zeros(2, np.int64), (2,), 24, ())


def test_of_two_that_make_one_folder_the_first_counts_and_nothing_else_is_left(tmp_path):
    """Both the cache and the node's data are written so; the second writer loses a race."""

    def lose() -> NodeData:
        stored_data(tmp_path / "node", node_data)
        return node_data(2)

    assert stored_data(tmp_path / "node", lose).inputs[0, 0] == 1
    part = Examples(np.ones((2, 3), np.float32), np.zeros(2, np.int64))
    write_cached(tmp_path / "cached", part)
    write_cached(tmp_path / "cached", part)
    assert len(read_cached(tmp_path / "cached")[0]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cached", "node"]


def test_a_folder_is_not_there_until_it_is_whole_nor_after_an_error(tmp_path):
    with whole_folder(tmp_path / "new", "last", "do this") as staging:
        (staging / "last").write_text("")
        assert not (tmp_path / "new").exists()
    assert (tmp_path / "new" / "last").exists()
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "bad", "last", "do this"):
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(28, os.strerror(28)), "No space left on device"),
        (OSError("614400 requested and 227296 written"), "No space left on device"),  # NumPy
        (OSError([("a", "b", "[Errno 30] Read-only: 'a'")]), "Read-only file system"),  # shutil
        (OSError("something else"), "something else"),
    ],
)
def test_what_the_system_says_is_told_with_the_folder_and_the_remedy(tmp_path, error, why):
    folder = tmp_path / "set"
    with pytest.raises(UserError) as caught, whole_folder(folder, "last", "do this"):
        raise error
    assert str(caught.value) == f"{folder} cannot be written ({why}): do this"
    assert reason(error) == why


def test_node_data_that_does_not_fit_names_the_variables(tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError("614400 requested and 227296 written")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(UserError, match=r"No space left.*TMPDIR, or FOG_FLOWER_SCRATCH"):
        stored_data(tmp_path / "node", node_data)


def test_a_name_or_a_place_that_no_disk_takes_is_said_before_the_run(make_config, tmp_path):
    with pytest.raises(UserError, match=r"run-name='aaa.*300 characters are too many"):
        run_folder(make_config(run_name="a" * 300))
    with pytest.raises(UserError, match="250 characters are too many"):  # with a lock beside it
        run_folder(make_config(run_name="a" * 250))
    with pytest.raises(UserError, match="results-dir='/sys': cannot write there"):
        run_folder(make_config(results_dir="/sys"))
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"results-dir='.*/file/below': cannot write there"):
        run_folder(make_config(results_dir=str(tmp_path / "file" / "below")))
    assert run_folder(make_config(run_name="a" * 200)).parent.is_dir()
    assert list((tmp_path / "results").iterdir()) == []


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder with room for 300 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)]
    if os.getuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize(
    ("variable", "settings"),
    [("FOG_FLOWER_CACHE", ("dataset=rendered-digits",)), ("TMPDIR", ()), ("results-dir", ())],
)
def test_a_full_disk_ends_a_run_with_one_line_that_says_which(
    tmp_path, npz_path, small_disk, variable, settings
):
    where: dict[str, str] = {}
    if variable == "results-dir":
        settings = (f"results-dir={small_disk}", "artifacts=checkpoint")
    else:
        where[variable] = str(small_disk)
    code, output = fog_flower(
        tmp_path,
        *("run", "--engine", "inline", f"dataset=npz:{npz_path}", *SMALL, *settings),
        *("run-name=full", "num-server-rounds=3"),
        **where,
    )
    assert code == 1
    assert "Traceback" not in output
    last = output.splitlines()[-1]
    assert last.startswith("fog-flower: "), output
    assert str(small_disk) in last
    assert "No space left on device" in last
    if variable == "results-dir":
        assert (small_disk / "full" / "rounds.csv").read_text().count("\n") >= 2
        assert '"failed"' in (small_disk / "full" / "run.json").read_text()
    else:
        assert variable in last
        assert not list(Path(small_disk).rglob("*.tmp"))
