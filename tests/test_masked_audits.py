"""With masks, the attacks on dW get what the cloud gets: the sum of a group, never a single dW."""

import numpy as np
import pytest

from clients.local_training import build_node_data, released_update
from fog_flower.build_model import build_model
from fog_flower.data.field import prepare_field
from fog_flower.keras_weights import weights_of
from simulations.audits import (
    epoch_membership,
    gradient_matching,
    inversion,
    matched,
    membership,
    received,
)
from simulations.audits.finding import HOLDS


def said(text: str) -> None:
    pass


@pytest.fixture
def single(monkeypatch):
    """Collect each dW that a node would release."""
    deltas = []

    def released(*args, **kwargs):
        result = released_update(*args, **kwargs)
        deltas.append(result.delta)
        return result

    monkeypatch.setattr(received, "released_update", released)
    return deltas


def test_the_cloud_receives_the_mean_of_a_group_to_the_last_bit_but_rounding(make_config, single):
    config = make_config(mask_groups=3, fog_nodes=3, partition="linear")
    field = prepare_field(config)
    start = weights_of(build_model(config.model, field.dataset.spec, field.dataset.task, 0))
    nodes = [build_node_data(config, fog_node) for fog_node in range(3)]
    found = received.received_update(config, start, nodes)
    counts = [len(node.targets) for node in nodes]
    assert len(set(counts)) > 1
    for place, array in enumerate(found):
        mean = np.average([delta[place] for delta in single], axis=0, weights=counts)
        np.testing.assert_allclose(array, mean, atol=3 / 2**25 + 1e-9)
    alone = config.changed({"mask-groups": 0})
    (got, sent) = received.received_update(alone, start, nodes[:1]), single[-1]
    assert all((a == b).all() for a, b in zip(got, sent, strict=True))


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(inversion, "BATCHES", (1, 4, 8))
    monkeypatch.setattr(inversion, "IMAGES", 8)


def test_inversion_attacks_sums(make_config, tmp_path, few, single, monkeypatch):
    attacked = []
    ratios = inversion.ratios
    monkeypatch.setattr(
        inversion, "ratios", lambda *args: attacked.append(args[0]) or ratios(*args)
    )
    config = make_config(mask_groups=2, protection="", train_examples=500)
    told = inversion.audit(config, tmp_path, said)
    assert "mask-groups=2: no dW of a single node is sent" in told[0].attack
    found = {one.attack: one for one in told}
    alone = found["a step on 1 image at each of 2 nodes (masked sum), crafted W"]
    assert alone.value > 0.5  # a sum of two images hides neither from a cloud that crafts W
    assert found["images of nobody in the same guesses, honest W"].value < 0.05
    steps = [one.attack for one in told if one.attack.startswith(("a step", "an epoch"))]
    assert len(steps) == 8
    assert all("masked sum" in attack for attack in steps)
    assert len(single) == 2 * len(attacked)
    assert not any((dw[0] == own[0]).all() for dw in attacked for own in single)
    plain = inversion.audit(config.changed({"mask-groups": 0}), tmp_path, said)
    assert not any("mask" in one.attack for one in plain)


def test_gradient_matching_attacks_sums(make_config, tmp_path, monkeypatch):
    monkeypatch.setattr(matched, "IMAGES", 4)
    monkeypatch.setattr(gradient_matching, "ITERATIONS", 10)
    batches = []
    search = gradient_matching.GradientMatching.__call__

    def counting(self, start, delta, targets, rng):
        batches.append(len(targets))
        return search(self, start, delta, targets, rng)

    monkeypatch.setattr(gradient_matching.GradientMatching, "__call__", counting)
    told = inversion.audit(make_config(model="cnn-small", mask_groups=2), tmp_path, said)
    assert batches == [2, 2, 8]  # the images of both nodes of a group at once
    assert "mask-groups=2" in told[0].attack
    one = "gradient matching, a step on 4 images at each of 2 nodes (masked sum), honest W"
    assert (one, "share of 8 found among 204") in {(row.attack, row.measure) for row in told}


def test_membership_attacks_sums_of_dw(make_config, tmp_path, single, monkeypatch):
    monkeypatch.setattr(membership, "SHADOWS", 2)
    monkeypatch.setattr(epoch_membership, "SIZES", (50,))
    attacked = []
    along = epoch_membership.along

    def noting(model, start, task, delta, examples):
        attacked.append(delta)
        return along(model, start, task, delta, examples)

    monkeypatch.setattr(epoch_membership, "along", noting)
    private = make_config(
        mask_groups=2, fog_protection="dp-sgd(epsilon=2)", noise_source="entropy", protection=""
    )
    told = membership.audit(private, tmp_path, said)
    assert any("mask-groups=2: no dW of a single node" in one.attack for one in told)
    sums = [one for one in told if one.attack.startswith("dW of an epoch")]
    what = "dW of an epoch over 50 images at each of 2 nodes (masked sum)"
    assert all(one.attack.startswith(what) for one in sums)
    assert {one.verdict for one in sums if one.bound} == {HOLDS}
    assert len(single) == 2
    assert not any((attacked[0][0] == own[0]).all() for own in single)
