"""Attacks that know what all honest nodes send, by hand."""

import types

import numpy as np
import pytest

from clients.attacks.fang_krum import _krum, fang_krum
from clients.attacks.fang_trimmed_mean import fang_trimmed_mean
from clients.attacks.mimic import mimic
from clients.attacks.mimic_flip import mimic_flip
from clients.attacks.min_max import min_max
from clients.attacks.min_sum import min_sum
from clients.attacks.targeted_flip import targeted_flip
from clients.fog_node import NodeData
from fog_flower.tasks.classification import Classification
from fog_flower.weights import flatten

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
