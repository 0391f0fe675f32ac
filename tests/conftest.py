"""Shared fixtures: small learnable data, configurations, and the first real images of SVHN."""

import gc
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from fog_flower.config import RunConfig
from fog_flower.tasks.classification import Classification
from fog_flower.tasks.examples import Spec
from simulations.app_folder import default_run_config

TASK = Classification(10)
SPEC = Spec((32, 32, 3), "float32")
SVHN_HEAD = Path(__file__).resolve().parents[2] / "shared" / "data" / "svhn-head"


def make_digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images that an MLP learns within a round: the place of a bright bar is the digit."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count)
    images = rng.integers(0, 120, (count, 32, 32, 3))
    for image, label in zip(images, labels, strict=True):
        image[3 * label : 3 * label + 4] += 120
    return images.astype(np.uint8), labels.astype(np.int64)


@pytest.fixture(scope="session")
def npz_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "bars.npz"
    x_train, y_train = make_digits(600, 1)
    x_test, y_test = make_digits(400, 2)
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path


@pytest.fixture
def make_config(npz_path: Path, tmp_path: Path):
    """Return a function that makes a small, checked configuration with the given overrides."""

    def make(**overrides) -> RunConfig:
        settings = {
            **default_run_config(),
            "dataset": f"npz:{npz_path}",
            "normalisation": "fitted",
            "train-examples": 360,
            "validation-examples": 100,
            "test-examples": 100,
            "end-nodes": 2,
            "model": "tests.small_models:small_mlp",
            "num-server-rounds": 2,
            "artifacts": "model,checkpoint",  # drawing curves takes a second
            "results-dir": str(tmp_path / "results"),
            "run-name": "run",
            **{key.replace("_", "-"): value for key, value in overrides.items()},
        }
        if settings["gate"] == "trusted" and not settings["gate-args"]:
            settings["gate-args"] = "examples=0"
        return RunConfig.from_run_config(settings)

    return make


@pytest.fixture
def overrides(npz_path: Path) -> dict[str, object]:
    """Return settings with which each run of a sweep takes a second."""
    return {
        "dataset": f"npz:{npz_path}",
        "normalisation": "fitted",
        "train-examples": 240,
        "validation-examples": 60,
        "test-examples": 60,
        "gate-args": "examples=0",
        "num-server-rounds": 2,
        "model": "tests.small_models:small_mlp",
    }


@pytest.fixture(scope="session")
def svhn_head() -> Path:
    if not SVHN_HEAD.is_dir():
        pytest.skip(f"the real head of SVHN is not at {SVHN_HEAD}")
    return SVHN_HEAD


@pytest.fixture(autouse=True, scope="module")
def frozen_heap() -> Iterator[None]:
    """Exclude the objects of TensorFlow, Keras and Ray from garbage collection.

    Flower's QFedAvg and Bulyan collect garbage after each update that they read. By the end of the
    suite this would take half a second each time, if all imported objects were scanned.
    """
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a separate cache and scratch folder, so that tests do not touch the user's."""
    base = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("FOG_FLOWER_CACHE", str(base / "cache"))
    monkeypatch.setenv("FOG_FLOWER_SCRATCH", str(base / "scratch"))


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the module of the broken mechanisms that the docs show, ready to be named."""
    page = Path(__file__).resolve().parent.parent / "docs" / "how-to" / "audit.md"
    found = re.search(r"^```python\n(# broken\.py\n.*?)^```", page.read_text(), re.M | re.S)
    assert found
    folder = tmp_path / "mechanisms"
    folder.mkdir()
    (folder / "broken.py").write_text(found[1])
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "broken", raising=False)
    return "broken"
