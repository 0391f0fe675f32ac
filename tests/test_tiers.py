"""End nodes blur and ship; fog nodes check what arrives and go on with the rest."""

import io

import numpy as np
import pytest

from clients.end_node import EndNode, add_noise
from clients.fog_node import gather
from clients.node_store import stored_data
from clients.shipment import MAGIC, RefusedShipmentError, pack, unpack
from fog_flower.data.dataset import Examples
from fog_flower.data.preprocess import fit_normaliser
from tests.conftest import make_digits

DATA = Examples(*make_digits(60, 1))
NORMALISER = fit_normaliser(DATA.images)
IMAGES, LABELS = NORMALISER(DATA.images[:4]), DATA.labels[:4]


def shipped(config, fog=0, end=0):
    return unpack(EndNode(fog, end, DATA).ship(config, NORMALISER))


def test_without_noise_the_shipment_is_the_normalised_data(make_config):
    images, labels = shipped(make_config(noise_sigma=0.0))
    np.testing.assert_array_equal(images, NORMALISER(DATA.images))
    np.testing.assert_array_equal(labels, DATA.labels)


def test_noise_has_the_configured_size_in_standardised_units(make_config):
    images, _ = shipped(make_config(noise_sigma=0.01))
    noise = images - NORMALISER(DATA.images)
    assert abs(noise.std() - 0.01) < 1e-4
    assert abs(noise.mean()) < 1e-4


def test_noise_in_pixel_units_is_scaled_by_each_channels_deviation(make_config):
    images, _ = shipped(make_config(noise_sigma=0.01, noise_unit="pixel"))
    noise = (images - NORMALISER(DATA.images)).std((0, 1, 2))
    np.testing.assert_allclose(noise, 0.01 / NORMALISER.std, rtol=0.02)


def test_every_end_node_has_a_generator_of_its_own(make_config):
    config = make_config()
    base = shipped(config, 0, 0)[0]
    np.testing.assert_array_equal(base, shipped(config, 0, 0)[0])
    for fog, end in ((0, 1), (1, 0)):
        assert not np.array_equal(base, shipped(config, fog, end)[0])
    assert not np.array_equal(base, shipped(make_config(seed=1), 0, 0)[0])


def test_neutral_noise_does_not_touch_a_bit():
    assert add_noise(IMAGES, 0.0, np.random.default_rng(0)) is IMAGES


@pytest.mark.parametrize(("fraction", "count"), [(1.0, 60), (0.5, 30), (0.001, 1)])
def test_an_end_node_shares_a_fraction(make_config, fraction, count):
    assert len(shipped(make_config(share_fraction=fraction))[1]) == count


def test_round_trip():
    images, labels = unpack(pack(IMAGES, LABELS))
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)
    assert (images.dtype, labels.dtype) == (np.float32, np.int64)


def flipped(position):
    shipment = bytearray(pack(IMAGES, LABELS))
    shipment[position] ^= 1
    return bytes(shipment)


def object_shipment():
    import hashlib

    buffer = io.BytesIO()
    np.savez(buffer, images=np.array([{"code": "runs"}]), labels=LABELS)
    payload = buffer.getvalue()
    return MAGIC + hashlib.sha256(payload).digest() + payload


HOSTILE = {
    "empty": (b"", "magic"),
    "rubbish": (b"rubbish" * 100, "magic"),
    "pickle": (b"\x80\x04cos\nsystem\n(S'true'\ntR.", "magic"),
    "wrong magic": (flipped(0), "magic"),
    "wrong checksum": (flipped(len(MAGIC)), "checksum"),
    "changed on the way": (flipped(5000), "checksum"),
    "truncated": (pack(IMAGES, LABELS)[:-1], "checksum"),
    "objects inside": (object_shipment(), "pickle"),
    "wrong shape": (pack(IMAGES[:, :28], LABELS), "images"),
    "wrong dtype": (pack(IMAGES.astype(np.float64), LABELS), "float64"),
    "integer overflow": (pack(IMAGES, LABELS.astype(np.int32)), "int32"),
    "too few labels": (pack(IMAGES, LABELS[:3]), "labels"),
    "label 10": (pack(IMAGES, np.array([0, 1, 2, 10])), "labels from 0 to 10"),
    "label -1": (pack(IMAGES, np.array([0, 1, 2, -1])), "labels from -1"),
    "NaN": (pack(np.where(IMAGES > 1, np.nan, IMAGES).astype(np.float32), LABELS), "non-finite"),
    "infinity": (pack(np.full_like(IMAGES, np.inf), LABELS), "non-finite"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_bad_shipment_is_refused_and_named_and_the_rest_is_used(kind):
    bad, word = HOSTILE[kind]
    good = pack(IMAGES, LABELS)
    data = gather(3, [(0, good), (1, bad), (2, good)])
    assert len(data.labels) == 8
    (line,) = data.refused
    assert "end node 1 at fog node 3" in line
    assert word in line
    assert data.bytes_received == 2 * len(good) + len(bad)


def test_a_fog_node_without_any_data_says_so():
    with pytest.raises(RefusedShipmentError, match="fog node 2 has no data"):
        gather(2, [(0, b"rubbish")])


def test_node_data_is_built_once_and_then_mapped(tmp_path):
    built = []

    def build():
        built.append(1)
        return gather(0, [(0, pack(IMAGES, LABELS)), (1, b"bad")])

    first = stored_data(tmp_path / "node", build)
    second = stored_data(tmp_path / "node", build)
    assert built == [1]
    np.testing.assert_array_equal(first.images, second.images)
    assert first.refused == second.refused
    assert isinstance(second.images, np.memmap)
