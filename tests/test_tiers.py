"""End nodes blur and ship; fog nodes check what arrives and go on with the rest."""

import hashlib
import io

import numpy as np
import pytest

from clients.end_node import EndNode
from clients.fog_node import gather
from clients.node_store import stored_data
from clients.privacy._context import Context
from clients.privacy.end_node.noise import Noise
from clients.shipment import MAGIC, RefusedShipmentError, pack, unpack
from fog_flower.data.preprocess import fit_normaliser
from fog_flower.tasks.examples import Examples
from tests.conftest import SPEC, TASK, make_digits

DATA = Examples(*make_digits(60, 1))
NORMALISER = fit_normaliser(DATA.inputs)
IMAGES, LABELS = NORMALISER(DATA.inputs[:4]), DATA.targets[:4]


def shipped(config, fog=0, end=0):
    share = unpack(EndNode(fog, end, DATA).ship(config, TASK, NORMALISER), SPEC, TASK)
    return share.inputs, share.targets


def packed(images, labels):
    """Pack arrays that ``Examples`` might refuse already."""
    buffer = io.BytesIO()
    np.savez(buffer, inputs=images, targets=labels)
    payload = buffer.getvalue()
    return MAGIC + hashlib.sha256(payload).digest() + payload


def test_without_noise_the_shipment_is_the_normalised_data(make_config):
    images, labels = shipped(make_config(noise_sigma=0.0))
    np.testing.assert_array_equal(images, NORMALISER(DATA.inputs))
    np.testing.assert_array_equal(labels, DATA.targets)


def test_noise_has_the_configured_size_in_standardised_units(make_config):
    images, _ = shipped(make_config(noise_sigma=0.01))
    noise = images - NORMALISER(DATA.inputs)
    assert abs(noise.std() - 0.01) < 1e-4
    assert abs(noise.mean()) < 1e-4


def test_noise_in_pixel_units_is_scaled_by_each_channels_deviation(make_config):
    images, _ = shipped(make_config(noise_sigma=0.01, noise_unit="pixel"))
    noise = (images - NORMALISER(DATA.inputs)).std((0, 1, 2))
    np.testing.assert_allclose(noise, 0.01 / NORMALISER.deviation, rtol=0.02)


def test_every_end_node_has_a_generator_of_its_own(make_config):
    config = make_config()
    base = shipped(config, 0, 0)[0]
    np.testing.assert_array_equal(base, shipped(config, 0, 0)[0])
    for fog, end in ((0, 1), (1, 0)):
        assert not np.array_equal(base, shipped(config, fog, end)[0])
    assert not np.array_equal(base, shipped(make_config(seed=1), 0, 0)[0])


def test_neutral_noise_does_not_touch_a_bit(make_config):
    share = Examples(IMAGES, LABELS)
    context = Context(make_config(noise_sigma=0.0), 0, 0, SPEC, TASK, NORMALISER.deviation)
    assert Noise()(share, context) is share


@pytest.mark.parametrize(("fraction", "count"), [(1.0, 60), (0.5, 30), (0.001, 1)])
def test_an_end_node_shares_a_fraction(make_config, fraction, count):
    assert len(shipped(make_config(share_fraction=fraction))[1]) == count


def test_round_trip():
    share = unpack(pack(Examples(IMAGES, LABELS)), SPEC, TASK)
    np.testing.assert_array_equal(share.inputs, IMAGES)
    np.testing.assert_array_equal(share.targets, LABELS)
    assert (share.inputs.dtype, share.targets.dtype) == (np.float32, np.int64)


def flipped(position):
    shipment = bytearray(packed(IMAGES, LABELS))
    shipment[position] ^= 1
    return bytes(shipment)


def object_shipment():
    return packed(np.array([{"code": "runs"}]), LABELS)


HOSTILE = {
    "empty": (b"", "magic"),
    "rubbish": (b"rubbish" * 100, "magic"),
    "pickle": (b"\x80\x04cos\nsystem\n(S'true'\ntR.", "magic"),
    "wrong magic": (flipped(0), "magic"),
    "wrong checksum": (flipped(len(MAGIC)), "checksum"),
    "changed on the way": (flipped(5000), "checksum"),
    "truncated": (packed(IMAGES, LABELS)[:-1], "checksum"),
    "objects inside": (object_shipment(), "pickle"),
    "wrong shape": (packed(IMAGES[:, :28], LABELS), "inputs"),
    "wrong dtype": (packed(IMAGES.astype(np.float64), LABELS), "float64"),
    "integer overflow": (packed(IMAGES, LABELS.astype(np.int32)), "int32"),
    "too few labels": (packed(IMAGES, LABELS[:3]), "3 targets"),
    "label 10": (packed(IMAGES, np.array([0, 1, 2, 10])), "reach from 0 to 10"),
    "label -1": (packed(IMAGES, np.array([0, 1, 2, -1])), "reach from -1"),
    "NaN": (packed(np.where(IMAGES > 1, np.nan, IMAGES).astype(np.float32), LABELS), "non-finite"),
    "infinity": (packed(np.full_like(IMAGES, np.inf), LABELS), "non-finite"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_bad_shipment_is_refused_and_named_and_the_rest_is_used(kind):
    bad, word = HOSTILE[kind]
    good = packed(IMAGES, LABELS)
    data = gather(3, [(0, good), (1, bad), (2, good)], SPEC, TASK)
    assert len(data.targets) == 8
    (line,) = data.refused
    assert "end node 1 at fog node 3" in line
    assert word in line
    assert data.bytes_received == 2 * len(good) + len(bad)


def test_a_fog_node_without_any_data_says_so():
    with pytest.raises(RefusedShipmentError, match="fog node 2 has no data"):
        gather(2, [(0, b"rubbish")], SPEC, TASK)


def test_node_data_is_built_once_and_then_mapped(tmp_path):
    built = []

    def build():
        built.append(1)
        return gather(0, [(0, packed(IMAGES, LABELS)), (1, b"bad")], SPEC, TASK)

    first = stored_data(tmp_path / "node", build)
    second = stored_data(tmp_path / "node", build)
    assert built == [1]
    np.testing.assert_array_equal(first.inputs, second.inputs)
    assert first.refused == second.refused
    assert isinstance(second.inputs, np.memmap)
