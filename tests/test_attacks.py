"""What malicious nodes send, by hand; and that honest nodes never notice."""

import math
import types
from statistics import NormalDist

import numpy as np
import pytest
from flwr.app import ConfigRecord, Context, Message, RecordDict

from clients.attacks import ATTACKS
from clients.attacks.alie import alie, usual_strength
from clients.attacks.backdoor import backdoor
from clients.attacks.gaussian import gaussian
from clients.attacks.inner_product import inner_product
from clients.attacks.label_flip import label_flip
from clients.attacks.silent_unit import silent_unit
from clients.fog_node import NodeData
from clients.misbehaviour import misbehaviour
from fog_flower.data.trigger import SIZE, TARGET
from fog_flower.errors import UserError
from fog_flower.messages import CONFIG, SERVER_ROUND
from fog_flower.simulated import SIMULATED
from fog_flower.tasks.classification import Classification
from fog_flower.weights import from_record, norm, to_record
from tests.messages import WEIGHTS, answer
from tests.runs import rounds, run_here, updates

STEP = [np.array([[1.0, -2.0], [3.0, 0.5]], np.float32), np.array([0.25, -0.25], np.float32)]


def send(config, fog_node, server_round=1, honest=None, run_id=1):
    """Ask one node through the mod; return its update, and for which nodes honest code ran."""
    asked = []

    def call_next(message, context):
        node = int(context.node_config["partition-id"])
        asked.append(node)
        delta = honest(node) if honest else STEP
        return answer(message, delta, node)

    content = RecordDict(
        {"arrays": to_record(WEIGHTS), CONFIG: ConfigRecord({SERVER_ROUND: server_round})}
    )
    place = {"partition-id": fog_node, SIMULATED: True}
    context = Context(run_id, 1, place, RecordDict(), config.to_run_config())
    reply = misbehaviour(Message(content, 1001, "train"), context, call_next)
    return from_record(reply.content.array_records["arrays"]), asked


def knowing(seed=0, **what):
    """Return an attacker who knows this, and whose training returns what it would train on."""
    rng = np.random.default_rng(seed)
    return types.SimpleNamespace(
        rng=rng, task=Classification(10), trained_on=lambda data: data, **what
    )


@pytest.fixture
def attacking(make_config):
    def make(attack, **settings):
        return make_config(attack=attack, fog_nodes=5, malicious_nodes="nodes:3,4", **settings)

    return make


@pytest.mark.parametrize(
    ("attack", "strength", "factor"),
    [
        ("sign-flip", 0.0, -1.0),
        ("sign-flip", 3.0, -3.0),
        ("zero", 0.0, 0.0),
        ("amplified", 9.0, 9.0),
    ],
)
def test_multiples_of_the_honest_update(attacking, attack, strength, factor):
    sent, asked = send(attacking(attack, attack_strength=strength), 4)
    for array, honest in zip(sent, STEP, strict=True):
        np.testing.assert_allclose(array, factor * honest)
        assert array.dtype == honest.dtype
    assert asked == [4]  # it trains once


@pytest.mark.parametrize(("attack", "value"), [("nan", math.nan), ("inf", math.inf)])
def test_what_is_not_finite(attacking, attack, value):
    sent, _ = send(attacking(attack), 3)
    np.testing.assert_array_equal(sent[0], np.full((2, 2), value, np.float32))


def test_a_constant(attacking):
    sent, _ = send(attacking("constant", attack_strength=0.5), 3)
    np.testing.assert_array_equal(sent[1], np.full(2, 0.5, np.float32))


@pytest.mark.parametrize("fog_node", [0, 1, 2])
@pytest.mark.parametrize("attack", ATTACKS.names())
def test_honest_nodes_pass_untouched(attacking, attack, fog_node):
    sent, asked = send(attacking(attack), fog_node)
    np.testing.assert_array_equal(sent[0], STEP[0])
    assert asked == [fog_node]


def test_attacks_stay_in_their_rounds(attacking):
    config = attacking("sign-flip", num_server_rounds=9, attack_rounds="3-")
    flipped = [n for n in range(1, 10) if send(config, 3, n)[0][0][0, 0] < 0]
    assert flipped == list(range(3, 10))


def test_intermittent_attackers_attack_as_often_as_configured(attacking):
    config = attacking("sign-flip", num_server_rounds=400, attack_probability=0.3)

    def attacks(node):
        return [send(config, node, n)[0][0][0, 0] < 0 for n in range(1, 401)]

    often = attacks(3)
    assert np.mean(often) == pytest.approx(0.3, abs=0.08)
    assert often == attacks(3)
    assert often != attacks(4)


def test_gaussian_noise_has_the_size_of_the_honest_update():
    rng = np.random.default_rng(0)
    honest = [rng.normal(0, 0.02, (300, 100)).astype(np.float32), np.zeros(50, np.float32)]
    sent = gaussian(knowing(honest_update=honest, seed=1), 2.0)
    size = math.sqrt(sum(float((a**2).sum()) for a in honest) / sum(a.size for a in honest))
    assert np.concatenate([a.ravel() for a in sent]).std() == pytest.approx(2 * size, rel=0.02)
    assert abs(np.corrcoef(sent[0].ravel(), honest[0].ravel())[0, 1]) < 0.03


def test_inner_product_by_hand():
    honest = [[np.array([1.0, 2.0], np.float32)], [np.array([3.0, -2.0], np.float32)]]
    np.testing.assert_allclose(
        inner_product(knowing(honest_updates=lambda: honest), 0.5)[0], [-1.0, 0.0]
    )


def test_a_little_is_enough_by_hand():
    honest = [[np.array([1.0, 5.0], np.float32)], [np.array([3.0, 5.0], np.float32)]]
    sent = alie(knowing(honest_updates=lambda: honest), 1.5)
    np.testing.assert_allclose(sent[0], [2.0 - 1.5 * 1.0, 5.0])


def test_alies_usual_strength_as_in_the_paper():
    """Baruch et al., section 3: n = 50, m = 24 gives s = 2 and z = Phi^-1(24/26)."""
    assert usual_strength(50, 24) == pytest.approx(NormalDist().inv_cdf(24 / 26))
    assert usual_strength(7, 6) == 1.5  # a majority needs no supporters


@pytest.mark.parametrize("attack", ["inner-product", "alie"])
def test_colluders_know_each_other_s_honest_updates_and_send_the_same(attacking, attack):
    def honest(node):
        return [array * (node + 1) for array in STEP]

    config = attacking(attack, attack_strength=1.0)
    run_id = sum(attack.encode())  # what they find out lies in the run's scratch folder
    first, asked = send(config, 3, honest=honest, run_id=run_id)
    assert sorted(asked) == [3, 4]
    second, _ = send(config, 4, honest=honest, run_id=run_id)
    np.testing.assert_allclose(first[0], second[0], rtol=1e-6)
    mean, spread = 4.5 * STEP[0], 0.5 * np.abs(STEP[0])
    expected = -mean if attack == "inner-product" else mean - spread
    np.testing.assert_allclose(first[0], expected, rtol=1e-5)


def test_flipped_labels():
    labels = np.arange(10).repeat(100)
    data = NodeData(np.zeros((1000, 1, 1, 3), np.float32), labels, (1000,), 0, ())
    np.testing.assert_array_equal(label_flip(knowing(data=data)).targets, 9 - labels)
    half = label_flip(knowing(data=data), 0.5)
    assert np.mean(half.targets != labels) == pytest.approx(0.5, abs=0.05)
    np.testing.assert_array_equal(data.targets, np.arange(10).repeat(100))  # its own stay


def test_a_label_flipper_learns_the_wrong_digits(make_config):
    config = make_config(
        attack="label-flip", malicious_nodes="1", fog_nodes=2, num_server_rounds=4, gate="off"
    )
    *_, honest, malicious = updates(run_here(config))
    assert float(malicious["accuracy_alone"]) < float(honest["accuracy_alone"]) - 0.3
    # To itself it looks honest: it reads what it was taught.
    assert float(malicious["train_accuracy"]) > 0.3


def test_a_replacement_is_the_label_flipper_s_update_boosted(make_config):
    def last_norm(**settings):
        config = make_config(
            malicious_nodes="1", fog_nodes=3, num_server_rounds=1, gate="off", **settings
        )
        return float(updates(run_here(config))[-1]["update_norm"])

    flip = last_norm(attack="label-flip", run_name="flip")
    boosted = last_norm(attack="replacement", run_name="boosted")
    assert boosted == pytest.approx(3 * flip, rel=1e-3)


def test_a_slow_node_is_late(make_config):
    config = make_config(
        attack="slow",
        malicious_nodes="1",
        attack_strength=3.0,
        attack_rounds="1",
        round_timeout=2.5,
        num_server_rounds=2,
        gate="open",
    )
    rows = updates(run_here(config))
    assert [row["accepted"] for row in rows if row["fog_node"] == "2"] == ["False", "True"]
    assert "missing or late" in next(r["reason"] for r in rows if r["accepted"] == "False")


def test_the_backdoor_stamps_and_relabels_and_leaves_the_rest():
    images = np.zeros((200, 32, 32, 3), np.float32)
    labels = np.arange(200) % 10
    data = NodeData(images, labels, (200,), 0, ())
    white = np.ones((1, 1, 1, 3), np.float32)
    poisoned = backdoor(knowing(data=data, white=white), 0.3)
    stamped = poisoned.inputs[:, 29, 29, 0] == 1
    assert 40 <= stamped.sum() <= 80
    assert (poisoned.targets[stamped] == TARGET).all()
    assert (poisoned.targets[~stamped] == labels[~stamped]).all()
    assert poisoned.inputs[stamped].sum(axis=(1, 2, 3)) == pytest.approx(3 * SIZE**2)
    assert not images.any()
    assert not poisoned.inputs[~stamped].any()


def test_the_backdoor_s_success_is_measured_on_stamped_test_images(make_config):
    settings = {"fog_nodes": 2, "malicious_nodes": "1", "num-server-rounds": 6, "gate": "off"}
    folder = run_here(make_config(attack="backdoor", attack_strength=0.5, **settings))
    success = [float(row["backdoor_success"]) for row in rounds(folder)]
    assert success[-1] > 0.5  # of images of other digits
    assert success[-1] > success[0] + 0.2
    clean = run_here(make_config(attack="nan", **settings, run_name="clean"))
    assert rounds(clean)[-1]["backdoor_success"] == "nan"


def test_the_adaptive_attacker_goes_as_far_as_the_gate_lets_it(make_config):
    settings = {
        "attack": "adaptive",
        "malicious_nodes": "1",
        "num-server-rounds": 2,
        "gate_args": "examples=0",
        "reference_examples": 60,
    }
    norms = {}
    for strength in (1.0, 4.0):
        config = make_config(**settings, attack_strength=strength, run_name=f"s{strength}")
        row = updates(run_here(config))[2]
        assert "failed" not in row["reason"]
        norms[strength] = float(row["update_norm"])
    assert norms[4.0] > norms[1.0]


HERE = "tests.test_attacks"


def sends_a_number(attacker):
    return 0.5


def fails(attacker, strength=1.0):
    return [array / strength for array in attacker.nothing]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sends_a_number", "returned float; return a list of arrays"),
        ("fails", r"AttributeError: .*nothing.* \(in fails, .*test_attacks.py:\d+\)"),
    ],
)
def test_what_an_attack_of_a_users_own_does_wrong_is_one_line(attacking, name, words):
    with pytest.raises(UserError, match=f"attack='{HERE}:{name}': {words}") as error:
        send(attacking(f"{HERE}:{name}"), 3)
    assert "\n" not in str(error.value)


def sends_rubbish(attacker):
    """Send arrays that no W has: another kind in every round."""
    first, *others = attacker.honest_update
    kinds = {
        1: [],
        2: [first],
        3: [np.zeros(first.shape, np.int32), *others],
        4: [first[..., None], *others],
        5: [np.full_like(first, np.finfo(np.float32).max), *others],
    }
    return kinds[attacker.server_round]


@pytest.mark.parametrize("gate", ["open", "off"])
def test_rubbish_on_the_wire_is_refused_and_ends_no_run(make_config, gate):
    config = make_config(
        attack=f"{HERE}:sends_rubbish", malicious_nodes="1", num_server_rounds=4, gate=gate
    )
    rows = updates(run_here(config))
    bad = [row for row in rows if row["fog_node"] == "2"]
    assert [row["accepted"] for row in bad] == ["False"] * 4
    assert all(row["reason"].startswith("wrong shape") for row in bad)
    assert {row["round"] for row in rows if row["accepted"] == "True"} == {"1", "2", "3", "4"}


def test_enormous_finite_numbers_do_not_get_past_the_gate(make_config):
    config = make_config(
        attack=f"{HERE}:sends_rubbish", malicious_nodes="1", num_server_rounds=5, attack_rounds="5"
    )
    *_, last = updates(run_here(config))
    assert (last["fog_node"], last["accepted"]) == ("2", "False")


def colluding(weights, others, inputs):
    """Return an attacker who knows this: one of two colluders among five fog nodes."""
    return types.SimpleNamespace(
        weights=weights,
        others_updates=lambda: others,
        honest_update=others[0],
        colluders=[3, 4],
        config=types.SimpleNamespace(fog_nodes=5),
        data=types.SimpleNamespace(inputs=inputs),
    )


@pytest.mark.parametrize("kernel", [(6,), (3, 3, 2)])
def test_a_silent_unit_is_cut_off_in_the_plain_merge_and_large_for_all_inputs(kernel):
    rng = np.random.default_rng(0)
    shapes = [(*kernel, 4), (4,), (*kernel[:-1], 4, 3), (3,)]
    weights = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    weights[2][..., 1, :] *= 0.01  # the unit that adds least
    others = [[rng.normal(size=s).astype(np.float32) for s in shapes] for _ in range(3)]
    inputs = 1.0 + rng.random((20, *((6,) if len(kernel) == 1 else (5, 5, 2))), np.float32)
    sent = silent_unit(colluding(weights, others, inputs))
    assert norm(sent) <= 1.9 * min(map(norm, others)) * 1.001
    merged = [w + sum(d) / 5 for w, *d in zip(weights, *others, sent, sent, strict=True)]
    assert merged[2][..., 1, :] == pytest.approx(0.0, abs=1e-5)
    assert (merged[2][..., 2, :] != 0.0).all()
    assert (sent[0][..., 1] > 0.0).all()


def test_a_silent_unit_needs_a_hidden_layer():
    linear = [np.zeros((6, 3), np.float32), np.zeros(3, np.float32)]
    with pytest.raises(UserError, match=r"silent-unit.*hidden layer.*mlp-narrow"):
        silent_unit(colluding(linear, [linear], np.ones((2, 6), np.float32)))
