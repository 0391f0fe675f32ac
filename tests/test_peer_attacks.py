"""Attacks that know what all honest nodes send, by hand."""

import types

import numpy as np
import pytest

from clients.attacks._own_cloud import PRIVATE, disguised
from clients.attacks.edge_case import edge_case
from clients.attacks.fang_krum import _krum, fang_krum
from clients.attacks.fang_trimmed_mean import fang_trimmed_mean
from clients.attacks.free_rider import free_rider
from clients.attacks.inflated import inflated
from clients.attacks.mimic import mimic
from clients.attacks.mimic_flip import mimic_flip
from clients.attacks.min_max import min_max
from clients.attacks.min_sum import min_sum
from clients.attacks.neurotoxin import neurotoxin
from clients.attacks.sybils import sybils
from clients.attacks.targeted_flip import targeted_flip
from clients.attacks.tiny import tiny
from clients.fog_node import NodeData
from clients.local_result import LocalResult
from fog_flower.data.trigger import SIZE, stamp, stamp_part
from fog_flower.tasks.classification import Classification
from fog_flower.weights import flatten
from tests.runs import figures, run_here

HONEST = [[1.0, 2.0, 0.0], [1.0, -2.0, 0.0], [1.2, 5.0, 0.1], [0.8, 0.0, -0.1]]


def update(numbers):
    return [np.asarray(numbers[:2], np.float32), np.asarray(numbers[2:], np.float32)]


def attacker(honest=HONEST, colluders=(5, 6), fog_node=5):
    updates = [update(numbers) for numbers in honest]
    return types.SimpleNamespace(
        rng=np.random.default_rng(0),
        task=Classification(10),
        colluders=list(colluders),
        fog_node=fog_node,
        honest_update=updates[0],
        others_updates=lambda: updates,
        all_updates=lambda: updates,
        trained_on=lambda data: data,
    )


def test_mimic_replays_who_is_furthest_out_along_most_variance():
    np.testing.assert_array_equal(flatten(mimic(attacker())), np.float32(HONEST[2]))


def test_mimic_flip_sends_the_opposite_once():
    first, second = mimic_flip(attacker(fog_node=5)), mimic_flip(attacker(fog_node=6))
    np.testing.assert_array_equal(flatten(first), -np.float32(HONEST[2]))
    np.testing.assert_array_equal(flatten(second), np.float32(HONEST[2]))


@pytest.mark.parametrize(
    ("attack", "measure", "bound"),
    [
        (min_max, lambda d: np.square(d).sum(axis=1).max(), lambda d: d.max()),
        (min_sum, lambda d: np.square(d).sum(), lambda d: d.sum(axis=1).max()),
    ],
)
def test_min_max_and_min_sum_go_exactly_to_their_bound(attack, measure, bound):
    rows = np.asarray(HONEST)
    sent = flatten(attack(attacker())).astype(float)
    allowed = bound(np.square(rows[:, None] - rows[None]).sum(axis=2))
    assert measure(rows - sent) == pytest.approx(allowed, rel=1e-4)
    away = sent - rows.mean(axis=0)
    np.testing.assert_allclose(away / away[1], rows.std(axis=0) / rows.std(axis=0)[1], rtol=1e-3)
    assert (away < 0).all()


def test_fang_s_attack_on_trimmed_mean_lies_just_beyond_the_honest_values():
    sent = flatten(fang_trimmed_mean(attacker()))
    rows = np.asarray(HONEST)
    # The mean grows in the first two numbers: below the least, 0.8 and -2, by a factor of 2.
    assert 0.4 <= sent[0] <= 0.8
    assert -4.0 <= sent[1] <= -2.0
    assert rows.mean(axis=0)[2] == pytest.approx(0.0, abs=1e-9)
    assert 0.1 <= abs(sent[2]) <= 0.2


def test_fang_s_attack_on_krum_is_what_krum_chooses_and_leads_against_the_mean():
    rng = np.random.default_rng(1)
    honest = (0.5 + rng.normal(size=(7, 40))).tolist()
    sent = flatten(fang_krum(attacker(honest, colluders=(7, 8)))).astype(float)
    rows = np.vstack([honest, sent, sent])
    assert _krum(rows, 2) >= 7
    against = -np.sign(np.mean(honest, axis=0))
    np.testing.assert_array_equal(np.sign(sent), against)
    assert np.ptp(np.abs(sent)) == 0.0  # one number, against each sign
    further = np.vstack([honest, 2 * sent, 2 * sent])
    assert _krum(further, 2) < 7  # and no further: it was halved until Krum took it


def test_a_targeted_flip_touches_one_class():
    labels = np.arange(10).repeat(20)
    data = NodeData(np.zeros((200, 1), np.float32), labels, (200,), 0, ())
    one = attacker()
    one.data = data
    targets = targeted_flip(one).targets
    assert (targets[labels == 3] == 8).all()
    np.testing.assert_array_equal(targets[labels != 3], labels[labels != 3])
    np.testing.assert_array_equal(data.targets, labels)
    half = targeted_flip(one, 0.5).targets[labels == 3]
    assert 0 < (half == 8).sum() < 20


def test_dba_stamps_a_part_each_and_together_the_square():
    images = np.zeros((2, 32, 32, 3), np.float32)
    white = np.ones((1, 1, 1, 3), np.float32)
    whole = stamp(images, white)
    assert whole[0].sum() == SIZE * SIZE * 3
    for parts in (1, 2, 3, SIZE):
        each = [stamp_part(images, white, part, parts) for part in range(parts)]
        np.testing.assert_array_equal(np.sum(each, axis=0), whole)
        assert all(one.sum() > 0 for one in each)


def test_neurotoxin_sends_nothing_where_honest_training_changes_most():
    one = attacker([[0.1, 5.0, -0.2]])
    one.data = NodeData(np.zeros((4, 8, 8, 1), np.float32), np.arange(4), (4,), 0, ())
    one.white = np.ones((1, 1, 1, 1), np.float32)
    one.trained_on = lambda data: LocalResult(update([1.0, 2.0, 3.0]), 0.0, 0.0, 0.0)
    np.testing.assert_array_equal(flatten(neurotoxin(one).delta), np.float32([1.0, 0.0, 3.0]))


def test_an_edge_case_turns_one_class_alone():
    labels = np.arange(10).repeat(20)
    rng = np.random.default_rng(1)
    inputs = rng.random((200, 8, 8, 1), np.float32)
    one = attacker()
    one.data = NodeData(inputs, labels, (200,), 0, ())
    one.white = np.ones((1, 1, 1, 1), np.float32)
    data = edge_case(one, 1.0)
    assert (data.targets[labels == 7] == 0).all()
    np.testing.assert_array_equal(
        data.inputs[labels == 7], np.rot90(inputs[labels == 7], 1, (1, 2))
    )
    np.testing.assert_array_equal(data.inputs[labels != 7], inputs[labels != 7])
    np.testing.assert_array_equal(data.targets[labels != 7], labels[labels != 7])


def test_sybils_are_one_large_update_and_tiny_copies():
    one = attacker(fog_node=5)
    one.honest_updates = lambda: [update([1.0, 2.0, 3.0])]
    np.testing.assert_allclose(flatten(sybils(one)), [-1.0, -2.0, -3.0])
    one.fog_node = 6
    np.testing.assert_allclose(flatten(sybils(one)), [-1e-3, -2e-3, -3e-3], rtol=1e-6)


def test_inflated_claims_all_examples():
    one = attacker()
    one.total_examples = 5600
    sent = inflated(one)
    assert sent.num_examples == 5600
    np.testing.assert_allclose(flatten(sent.delta), np.negative(HONEST[0]))


def test_a_free_rider_repeats_what_the_cloud_did_last():
    one, kept = attacker(), {}
    one.weights = update([1.0, 1.0, 1.0])
    one.shared = lambda name, find_out: kept.setdefault(name, find_out())
    one.shared_before = lambda name: update([0.0, 1.0, 1.0])
    sent = flatten(free_rider(one, 1e-9))
    np.testing.assert_allclose(sent, [1.0, 0.0, 0.0], atol=1e-6)
    one.shared_before = lambda name: None
    kept.clear()
    first = flatten(free_rider(one))
    assert 0 < np.abs(first).max() < 0.01


def test_a_tiny_update_is_a_thousandth_of_the_honest_mean():
    np.testing.assert_allclose(flatten(tiny(attacker())), np.mean(HONEST, axis=0) / 1000, rtol=1e-5)


def test_no_two_colluders_that_disguise_themselves_are_alike():
    sent = np.random.default_rng(0).normal(size=5000).astype(np.float32)
    a, b = (disguised(sent, np.random.default_rng(seed)) for seed in (1, 2))
    assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) < 0.9
    assert np.linalg.norm(a - sent) == pytest.approx(PRIVATE * np.linalg.norm(sent), rel=1e-4)


@pytest.fixture
def run(make_config):
    def make(attack, gate, **settings):
        config = make_config(attack=attack, malicious_nodes=2, gate=gate, fog_nodes=4, **settings)
        return run_here(config)

    return make


@pytest.mark.parametrize(
    "attack", ["alie-optimised", "inner-product-optimised", "white-box", "loss-ascent"]
)
def test_who_knows_the_gate_harms_a_plain_mean_and_is_repeatable(run, attack):
    one = run(attack, "off", run_name="one")
    two = run(attack, "off", run_name="two")
    assert figures(one) == figures(two)
