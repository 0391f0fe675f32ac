"""The rendered digits: repeatable, well-formed, legible, with SVHN's class frequencies."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fog_flower.data.rendered import fonts, render
from fog_flower.data.rendered.camera import MIN_CONTRAST
from fog_flower.data.rendered.labels import SVHN_CLASS_COUNTS, labels_of
from fog_flower.data.rendered.render import render_digits, render_one


@pytest.fixture(scope="module")
def train() -> tuple[np.ndarray, np.ndarray]:
    return render_digits("train", 400, 7, workers=1)


def test_images_and_labels_have_the_promised_form(train):
    images, labels = train
    assert images.shape == (400, 32, 32, 3)
    assert images.dtype == np.uint8
    assert labels.shape == (400,)
    assert labels.dtype == np.int64
    assert set(np.unique(labels)) == set(range(10))


def test_same_seed_gives_same_images(train):
    images, labels = render_digits("train", 400, 7, workers=1)
    np.testing.assert_array_equal(images, train[0])
    np.testing.assert_array_equal(labels, train[1])


def test_other_seed_gives_other_images(train):
    images, labels = render_digits("train", 50, 8, workers=1)
    assert not np.array_equal(labels, train[1][:50])
    assert not (images == train[0][:50]).all(axis=(1, 2, 3)).any()


def test_parts_share_no_image():
    for index in range(20):
        train_image = render_one("train", index, 3, seed=7)
        assert not np.array_equal(train_image, render_one("test", index, 3, seed=7))


def test_fewer_images_are_the_head_of_more(train):
    images, labels = render_digits("train", 30, 7, workers=1)
    np.testing.assert_array_equal(images, train[0][:30])
    np.testing.assert_array_equal(labels, train[1][:30])


def test_number_of_processes_does_not_matter(train, monkeypatch):
    # As if 400 images were many: in chunks, and each chunk in one of two processes.
    monkeypatch.setattr(render, "_CHUNK", 150)
    monkeypatch.setattr(render, "_WORTH_A_PROCESS", 1)
    seen = []
    images, _ = render_digits("train", 400, 7, workers=2, progress=lambda *done: seen.append(done))
    np.testing.assert_array_equal(images, train[0])
    assert seen == [(150, 400), (300, 400), (400, 400)]


def test_an_image_does_not_depend_on_those_before_it(train):
    images, labels = train
    np.testing.assert_array_equal(render_one("train", 123, int(labels[123]), seed=7), images[123])


@pytest.mark.parametrize(("part", "size"), [("train", 73_257), ("test", 26_032)])
def test_full_size_has_the_class_counts_of_svhn(part, size):
    labels = labels_of(part, size, seed=0)
    assert tuple(np.bincount(labels, minlength=10)) == SVHN_CLASS_COUNTS[part]
    # A head has nearly the same frequencies, and more images begin the list again.
    share = np.bincount(labels[:5000], minlength=10) / 5000
    np.testing.assert_allclose(share, np.array(SVHN_CLASS_COUNTS[part]) / size, atol=0.02)
    np.testing.assert_array_equal(labels_of(part, size + 9, seed=0)[size:], labels[:9])


def test_no_image_is_empty(train):
    grey = train[0].mean(axis=-1)
    assert grey.std(axis=(1, 2)).min() > MIN_CONTRAST
    # Light on dark and dark on light both occur, in similar numbers.
    middle = grey[:, 8:24, 12:20].mean(axis=(1, 2)) > grey.mean(axis=(1, 2))
    assert 0.35 < middle.mean() < 0.65


def test_digits_differ_from_each_other_on_average():
    # The mean picture of a class, light and dark alike, is another one for another class.
    def mean_shape(digit: int, indices: range) -> np.ndarray:
        grey = np.stack([render_one("train", i, digit, seed=1) for i in indices]).mean(axis=-1)
        centred = grey - grey.mean(axis=(1, 2), keepdims=True)
        shape = np.abs(centred / centred.std(axis=(1, 2), keepdims=True)).mean(axis=0)
        return (shape - shape.mean()).ravel()

    shapes = {digit: mean_shape(digit, range(150)) for digit in (0, 1, 4)}
    for digit, expected in shapes.items():
        again = mean_shape(digit, range(150, 300))
        nearest = max(shapes, key=lambda other: float(np.corrcoef(again, shapes[other])[0, 1]))
        assert nearest == digit, expected.shape


def test_no_images_are_no_images():
    images, labels = render_digits("test", 0, 0)
    assert images.shape == (0, 32, 32, 3)
    assert labels.shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("validation", 10, 0), "part"),
        (("train", -1, 0), "count"),
        (("train", 10, -1), "seed"),
    ],
)
def test_a_bad_argument_is_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        render_digits(*arguments)


def test_a_bad_number_of_workers_is_named():
    with pytest.raises(ValueError, match="workers"):
        render_digits("train", 10, 0, workers=0)


def test_a_missing_font_package_is_an_error(monkeypatch):
    monkeypatch.setitem(fonts.FONT_FILES, "no-such-fonts", {"nowhere": ("A.ttf",)})
    with pytest.raises(RuntimeError, match="no-such-fonts"):
        fonts.typefaces.__wrapped__()


def test_a_missing_font_file_is_an_error(monkeypatch):
    monkeypatch.setitem(fonts.FONT_FILES, "matplotlib", {"matplotlib": ("Absent.ttf",)})
    with pytest.raises(RuntimeError, match=r"Absent\.ttf"):
        fonts.typefaces.__wrapped__()


def test_every_typeface_has_ten_visible_digits():
    for face in fonts.typefaces():
        assert len(face) == 10
        for glyph in face:
            assert 10 < glyph.mask.shape[0] <= fonts.DIGIT_HEIGHT + 16
            assert glyph.mask.max() > 200


def test_rendering_does_not_load_tensorflow():
    code = "import sys, fog_flower.data.rendered.render; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture
def real_digits(tmp_path):
    """Two files of SVHN's format with black pictures: of 0, 1 and 2, and of 2."""
    from scipy.io import savemat

    paths = [tmp_path / "a.mat", tmp_path / "b.mat"]
    for path, labels in zip(paths, ([10, 1, 2], [2]), strict=True):
        pictures = np.zeros((32, 32, 3, len(labels)), np.uint8)
        savemat(path, {"X": pictures, "y": np.array(labels, np.uint8)[:, None]})
    return paths


def test_realism_reads_every_file_and_says_how_sure_it_is(real_digits):
    from simulations.experiments.realism import Training, measure_realism

    epochs = []
    realism = measure_realism(
        real_digits,
        training=Training(images=64, epochs=2),
        trained=lambda *done: epochs.append(done),
    )
    assert realism.images == 4
    assert [file.images for file in realism.files] == [3, 1]
    low, high = realism.interval
    assert 0 <= low <= realism.accuracy <= high <= 1
    assert high - low > 0.3  # four images tell little
    assert np.isfinite(realism.per_class[:3]).all()
    assert np.isnan(realism.per_class[3:]).all()
    assert [epoch for epoch, _ in epochs] == [1, 2]


def test_realism_is_kept_where_it_is_asked_for(real_digits, tmp_path):
    one, other = real_digits
    out = tmp_path / "realism.json"
    command = [sys.executable, "-m", "simulations.cli", "data", "realism", "--mat", str(one)]
    command += ["--mat", str(other), "--train-images", "64", "--epochs", "1"]
    nowhere = tmp_path / "absent" / "realism.json"
    refused = subprocess.run(
        [*command, "--out", str(nowhere)], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "there is no folder" in refused.stderr
    printed = subprocess.run(
        [*command, "--out", str(out)], capture_output=True, text=True, check=True
    ).stdout
    kept = json.loads(out.read_text())
    assert f"accuracy {kept['accuracy']:.1%} on 4 real digits" in printed
    assert [file["images"] for file in kept["files"]] == [3, 1]
    assert kept["per_class"][3:] == [None] * 7
    assert kept["hardware"]["cores"] > 0


def test_realism_needs_a_file_with_digits(tmp_path):
    from fog_flower.errors import UserError
    from simulations.experiments.realism import measure_realism

    with pytest.raises(UserError, match="mat"):
        measure_realism([])
    with pytest.raises(UserError, match="absent"):
        measure_realism([tmp_path / "absent.mat"])


def test_a_script_that_starts_itself_again_is_told_what_to_do(tmp_path):
    """Drawing in processes runs the script once more in each of them, which cannot end well."""
    script = tmp_path / "own.py"
    script.write_text(
        "from fog_flower.data.request import Request\n"
        "from fog_flower.data.sources.rendered_digits import rendered_digits\n"
        "rendered_digits(Request('', None, 0, train_examples=3000, test_examples=10))\n"
    )
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "FOG_FLOWER_CACHE": str(tmp_path), "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = done.stderr.strip().splitlines()[-1]
    assert "dataset='rendered-digits': the processes that draw 3000 train images" in said
    assert "below `if __name__ == '__main__':`" in said
