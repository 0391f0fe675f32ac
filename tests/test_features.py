"""Fixed maps of inputs, which every tier applies."""

import json

import numpy as np
import pytest

from fog_flower.config import RunConfig
from fog_flower.data.featured import Featured
from fog_flower.data.features import FEATURES
from fog_flower.data.features._grey import standardised_grey
from fog_flower.data.features._stored import stored
from fog_flower.data.features.hog import hog
from fog_flower.data.features.patches import answers, patches
from fog_flower.data.features.projection import projection
from fog_flower.data.features.rendered_cnn import rendered_cnn
from fog_flower.data.field import prepare_field
from fog_flower.data.load import load_dataset
from fog_flower.data.preprocess import ColumnNormaliser
from fog_flower.errors import UserError
from simulations.contract.kinds import check_contract
from simulations.overrides import configure, configure_settings
from simulations.preflight import check
from tests.runs import run_here, summary

HERE = __name__
SMALL = {
    "dataset": "simulations.contract.made_up:digits",
    "train-examples": 240,
    "validation-examples": 60,
    "test-examples": 60,
    "fog-nodes": 2,
    "end-nodes": 2,
    "model": "linear",
    "protection": "",
}


def config_of(**settings) -> RunConfig:
    named = {key.replace("_", "-"): value for key, value in settings.items()}
    return configure_settings({**SMALL, "run-name": "features", **named})


def means(inputs, times=1):
    return inputs.mean(axis=(1, 2)) * times


def of_the_batch(inputs):
    return means(inputs) - means(inputs).mean(axis=0)


def drawn(inputs):
    return np.random.default_rng().normal(size=(len(inputs), 3))


def one_row(inputs):
    return means(inputs)[:1]


def infinite(inputs):
    return means(inputs) * np.inf


def edge(angle: float, size: int = 8) -> np.ndarray:
    """Return an image [1, size, size, 1] that grows brighter in one direction."""
    down, across = np.mgrid[:size, :size] * 0.1
    image = across * np.cos(angle) + down * np.sin(angle)
    return image[None, ..., None].astype(np.float32)


# Histograms of oriented gradients


@pytest.mark.parametrize(("angle", "orientation"), [(0.0, 0), (np.pi / 4, 1), (np.pi / 2, 2)])
def test_an_edge_is_found_in_its_direction(angle, orientation):
    found = hog(edge(angle), cell=4, orientations=4).reshape(4, 4)
    assert (found.argmax(axis=1) == orientation).all()


def test_a_direction_between_two_orientations_is_shared_by_both():
    cells = hog(edge(np.pi / 8)[:, :, :, :], cell=4, orientations=4).reshape(4, 4)
    assert np.allclose(cells[:, 0], cells[:, 1], rtol=1e-3)


def test_an_edge_and_its_negative_are_the_same():
    rng = np.random.default_rng(0)
    images = rng.normal(size=(3, 12, 16, 3)).astype(np.float32)
    assert np.allclose(hog(images), hog(-images), atol=1e-6)


def test_contrast_and_brightness_do_not_matter():
    rng = np.random.default_rng(0)
    images = rng.normal(size=(3, 12, 16, 1)).astype(np.float32)
    assert np.allclose(hog(images), hog(5 * images + 3), atol=2e-2)


def test_no_image_is_longer_than_one():
    rng = np.random.default_rng(0)
    lengths = np.linalg.norm(hog(rng.normal(size=(20, 32, 32, 3)).astype(np.float32)), axis=1)
    assert (lengths <= 1.0).all()
    assert (lengths > 0.9).all()


def test_an_image_without_edges_is_zeros():
    assert not hog(np.ones((2, 8, 8, 3), np.float32)).any()


def test_what_does_not_fill_a_cell_is_left_out():
    images = np.random.default_rng(0).normal(size=(2, 10, 11, 1)).astype(np.float32)
    assert hog(images, cell=4).shape == (2, 36)


# Maps that were made on rendered digits


def test_the_network_s_features_are_its_last_hidden_layer():
    import keras

    from simulations.pretraining import network_of

    images = np.random.default_rng(0).normal(size=(4, 32, 32, 3)).astype(np.float32)
    network = network_of(10)
    network.set_weights(stored("rendered_cnn"))
    hidden = keras.Model(network.inputs[0], network.layers[-3].output)
    wanted = np.asarray(hidden(standardised_grey(images), training=False))
    wanted = wanted / np.linalg.norm(wanted, axis=1, keepdims=True)
    np.testing.assert_allclose(rendered_cnn(images), wanted, rtol=1e-4, atol=1e-6)


def test_patches_answer_by_hand():
    image = np.random.default_rng(0).normal(size=(1, 32, 32, 1)).astype(np.float32)
    filters = stored("patches")[0]
    grey = standardised_grey(image)[0, :, :, 0]
    found = np.zeros((27, 27))
    for row in range(27):
        for column in range(27):
            patch = grey[row : row + 6, column : column + 6]
            answer = abs((patch * filters[:, :, 0, 3]).sum()) / np.sqrt(patch.var() + 0.05)
            found[row, column] = max(answer - 0.8, 0.0)
    middle = found[9:18, 9:18].mean()  # 27 answers, pools of 9, stride 6: the third begins at 9
    assert answers(image, filters).reshape(5, 5, 100)[2, 2, 3] == pytest.approx(middle, rel=1e-4)


def test_a_digit_and_its_negative_have_the_same_patches():
    images = np.random.default_rng(0).normal(size=(3, 28, 28, 1)).astype(np.float32)
    np.testing.assert_allclose(patches(images), patches(-images), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(patches(images), axis=1), 1.0, rtol=1e-5)


def test_grey_images_have_one_size_mean_and_deviation():
    rng = np.random.default_rng(0)
    for shape in ((2, 28, 28, 1), (2, 32, 32, 3), (2, 48, 40, 5)):
        found = standardised_grey(7 + 3 * rng.normal(size=shape).astype(np.float32))
        assert found.shape == (2, 32, 32, 1)
        np.testing.assert_allclose(found.mean(axis=(1, 2)), 0.0, atol=1e-5)
        assert (np.abs(found.std(axis=(1, 2)) - 1.0) < 0.1).all()


# The key


def test_every_tier_sees_features():
    config = config_of(features="hog(cell=8)")
    field = prepare_field(config)
    assert field.dataset.spec.shape == (324,)
    found = field.preprocess(field.train.inputs[:5])
    own = load_dataset(config_of()).preprocess(field.train.inputs[:5])
    assert np.array_equal(found, hog(own, cell=8))
    assert field.preprocess.describe()["features"] == "hog(cell=8)"


def test_a_projection_keeps_lengths_and_is_a_public_linear_map():
    images = np.random.default_rng(1).normal(size=(20, 32, 32, 3)).astype(np.float32)
    found = projection(images, dimensions=384)
    assert found.shape == (20, 384)
    ratio = np.linalg.norm(found, axis=1) / np.linalg.norm(images.reshape(20, -1), axis=1)
    assert np.allclose(ratio, 1, atol=0.15)
    assert np.allclose(
        projection(images[:3] + 2 * images[3:6]), found[:3] + 2 * found[3:6], atol=1e-3
    )
    assert not np.allclose(projection(images, seed=1), found, atol=1)
    whole = np.linalg.norm(projection(images[:, :4, :4], dimensions=48), axis=1)
    assert np.allclose(whole, np.linalg.norm(images[:, :4, :4].reshape(20, -1), axis=1), rtol=1e-4)


def test_none_changes_nothing():
    one, other = load_dataset(config_of()), load_dataset(config_of(features="none"))
    assert one is other


@pytest.mark.parametrize(
    "features", [*FEATURES.names(), "hog(cell=8,orientations=4)", f"{HERE}:means"]
)
def test_built_in_maps_keep_their_contract(features):
    assert [f for f in check_contract("features", features, {}) if f.problem] == []


@pytest.mark.parametrize(
    ("features", "check_name", "words"),
    [
        ("of_the_batch", "maps each example by itself", "depend on other examples"),
        ("drawn", "maps the same twice", "differ"),
        ("infinite", "maps examples to finite numbers of one shape", "not finite"),
    ],
)
def test_the_contract_finds(features, check_name, words):
    found = {f.name: f.problem for f in check_contract("features", f"{HERE}:{features}", {})}
    assert words in found[check_name]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"features": "hgo"}, "features='hgo': choose from hog"),
        (
            {"features": "hog(cells=8)"},
            "no argument 'cells'; there are: cell, orientations; did you mean cell?",
        ),
        ({"features": "hog(cell=20)"}, "cell=20 needs images of at least 40 x 40 pixels, not 32"),
        ({"features": "projection(dimensions=3073)"}, "dimensions=3073 must be a whole number"),
        ({"features": "projection(dimensions=0)"}, "from 1 to 3072, the numbers of an input"),
        ({"features": f"{HERE}:SMALL"}, "is not a function"),
        ({"features": f"{HERE}:one_row"}, "return numbers ["),
        ({"features": f"{HERE}:infinite"}, "not finite"),
        ({"features": "hog", "model": "cnn"}, "takes images of at least"),
        (
            {"features": "hog", "protection": "noise", "noise-unit": "pixel"},
            "noise-unit='pixel': end nodes ship features='hog', which are no pixels",
        ),
        ({"features": "hog", "attack": "backdoor", "malicious-nodes": "1"}, "inputs of"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_run(settings, words):
    with pytest.raises(UserError) as error:
        check(configure_settings({**SMALL, "run-name": "features", **settings}))
    assert words in str(error.value)


def test_a_run_on_features(tmp_path):
    run = run_here(
        configure(
            "demo",
            [
                *(f"{key}={value}" for key, value in SMALL.items()),
                "features=hog",
                "learning-rate=1.0",
                "num-server-rounds=3",
                f"results-dir={tmp_path}",
                "run-name=hog",
            ],
        )
    )
    told = summary(run)
    assert told["status"] == "finished", told["cause"]
    assert told["data"]["preprocessing"]["features"] == "hog"
    assert told["model_parameters"] == (1764 + 1) * 10


def test_one_input_is_mapped_once_to_know_what_comes_out():
    mapped = []

    def halves(inputs):
        mapped.append(len(inputs))
        return inputs[:, ::2]

    plain = ColumnNormaliser(np.zeros(1), np.ones(1))
    featured = Featured("halves", halves, plain)
    rows = np.zeros((5, 6), np.float32)
    assert featured.spec(rows).shape == featured.spec(rows[:2]).shape == (3,)
    assert mapped == [1]
    assert featured.spec(np.zeros((5, 8), np.float32)).shape == (4,)
    assert featured.fitted(rows).spec(rows).shape == (3,)


def test_what_the_stored_network_reads_by_itself_is_recorded(npz_path, tmp_path, capsys):
    from simulations.pretraining import main

    out = tmp_path / "alone.json"
    main(["--judge", f"dataset=npz:{npz_path}", "validation-examples=1", "--out", str(out)])
    told = json.loads(out.read_text())
    assert told["test_examples"] > 0
    printed = f"{told['accuracy']:.2%} of {told['test_examples']} test digits of {told['data']}"
    assert printed in capsys.readouterr().out
