"""Rendered digits reach a run by the cache; a larger set serves every smaller one."""

import sys

import numpy as np
import pytest

from fog_flower.data.cache import cache_dir, cached_series
from fog_flower.data.rendered import fonts
from fog_flower.data.rendered.render import render_digits
from fog_flower.data.rendered.version import _version_here
from fog_flower.data.request import Request
from fog_flower.data.sources.rendered_digits import rendered_digits
from fog_flower.errors import UserError
from fog_flower.tasks.examples import Examples


@pytest.fixture
def fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FOG_FLOWER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def without_drawing(monkeypatch):
    """Let the libraries that draw be absent, as on a device that only reads."""
    for module in ("render", "fonts"):
        name = f"fog_flower.data.rendered.{module}"
        monkeypatch.delitem(sys.modules, name, raising=False)
    for library in ("cv2", "PIL"):
        monkeypatch.setitem(sys.modules, library, None)
    _version_here.cache_clear()
    yield
    _version_here.cache_clear()


def load(train, test, seed=0):
    return rendered_digits(Request("", None, seed, train, test))


def test_a_larger_set_serves_a_smaller_one_with_the_same_images_and_hash(fresh_cache):
    alone = load(20, 10)
    sha256, images = alone.sha256, np.array(alone.train.inputs)
    for folder in (fresh_cache / "examples").iterdir():
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    load(50, 30)
    served = load(20, 10)
    assert len(list((fresh_cache / "examples").iterdir())) == 2  # nothing was drawn for it
    assert (served.sha256, served.name) == (sha256, alone.name)
    np.testing.assert_array_equal(served.train.inputs, images)
    np.testing.assert_array_equal(served.train.targets, render_digits("train", 20, 0)[1])


def test_a_light_node_reads_what_was_drawn_before(fresh_cache, request):
    before = load(20, 10)
    request.getfixturevalue("without_drawing")
    assert load(20, 10).sha256 == before.sha256
    assert len(load(12, 10).train) == 12


def test_a_light_node_says_what_is_missing_and_how_to_get_it(fresh_cache, without_drawing):
    with pytest.raises(UserError, match=r"does not hold 20 train images of data-seed=3") as caught:
        load(20, 10, seed=3)
    assert "cv2" in str(caught.value)
    assert "pip install 'fog-flower[simulation]'" in str(caught.value)
    assert "fog-flower data prepare" in str(caught.value)


def test_without_the_fonts_it_is_the_same(fresh_cache, monkeypatch):
    before = load(20, 10)
    monkeypatch.setitem(fonts.FONT_FILES, "no-such-fonts", {"nowhere": ("A.ttf",)})
    fonts.typefaces.cache_clear()
    _version_here.cache_clear()
    try:
        assert load(20, 10).sha256 == before.sha256
        with pytest.raises(UserError, match=r"no-such-fonts.*fog-flower\[simulation\]"):
            load(30, 10)
    finally:
        fonts.typefaces.cache_clear()
        _version_here.cache_clear()


def test_a_light_node_prefers_the_version_that_the_launcher_drew_with(
    fresh_cache, without_drawing, monkeypatch
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
    assert load(8, 8).train.inputs[0, 0, 0, 0] == 2
    monkeypatch.setenv("FOG_FLOWER_RENDERER", "old")
    assert load(8, 8).train.inputs[0, 0, 0, 0] == 1
    assert cache_dir() == fresh_cache
