"""Rendered digits reach a run by the cache; a larger set serves every smaller one."""

import sys

import numpy as np
import pytest

from fog_flower.data import embedded
from fog_flower.data.cache import cache_dir, cached_series
from fog_flower.data.dataset import Examples
from fog_flower.data.rendered import render_digits
from fog_flower.errors import UserError


@pytest.fixture
def fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FOG_FLOWER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def in_the_bundle(monkeypatch):
    """Flower's bundle has no drawing code."""
    monkeypatch.setitem(sys.modules, "fog_flower.data.rendered", None)
    missing = ModuleNotFoundError("No module", name="fog_flower.data.rendered")

    class Finder:
        def find_spec(self, name, path=None, target=None):
            if name == "fog_flower.data.rendered":
                raise missing

    monkeypatch.delitem(sys.modules, "fog_flower.data.rendered")
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])


def load(train, test, seed=0):
    return embedded.load_rendered(seed, train, test, None)


def test_a_larger_set_serves_a_smaller_one_with_the_same_images_and_hash(fresh_cache):
    alone = load(20, 10)
    sha256, images = alone.sha256, np.array(alone.train.images)
    for folder in (fresh_cache / "images").iterdir():
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    load(50, 30)
    served = load(20, 10)
    assert len(list((fresh_cache / "images").iterdir())) == 2  # nothing was drawn for it
    assert (served.sha256, served.name) == (sha256, alone.name)
    np.testing.assert_array_equal(served.train.images, images)
    np.testing.assert_array_equal(served.train.labels, render_digits("train", 20, 0)[1])


def test_the_bundle_reads_what_was_drawn_before(fresh_cache, request):
    before = load(20, 10)
    request.getfixturevalue("in_the_bundle")
    assert load(20, 10).sha256 == before.sha256
    assert len(load(12, 10).train) == 12


def test_the_bundle_says_which_command_draws_what_is_missing(fresh_cache, in_the_bundle):
    with pytest.raises(UserError, match=r"does not hold 20 train images of data-seed=3") as caught:
        load(20, 10, seed=3)
    assert "fog-flower data prepare train-examples=20 validation-examples=1 test-examples=9" in str(
        caught.value
    )


def test_the_bundle_prefers_the_version_that_the_launcher_drew_with(
    fresh_cache, in_the_bundle, monkeypatch
):
    def series(version, brightness):
        def make():
            return Examples(
                np.full((8, 32, 32, 3), brightness, np.uint8), np.arange(8, dtype=np.int64)
            )

        for part in ("train", "test"):
            cached_series(f"rendered-digits-{version}-seed0-{part}", 8, make)

    series("old", 1)
    series("new", 2)
    assert load(8, 8).train.images[0, 0, 0, 0] == 2
    monkeypatch.setenv("FOG_FLOWER_RENDERER", "old")
    assert load(8, 8).train.images[0, 0, 0, 0] == 1
    assert cache_dir() == fresh_cache
