"""What end nodes do to a share, and what it promises; dW that is mostly zeros on the wire."""

import hashlib
import io
import json

import numpy as np
import pytest

from clients.end_node import EndNode, largest_share
from clients.fog_node import gather
from clients.privacy import FOG_PROTECTIONS, PROTECTIONS
from clients.privacy._context import Context
from clients.privacy._fog_context import FogContext
from clients.privacy.build import built
from clients.privacy.fog_node.selective import Selective
from clients.privacy.releases import releases_of
from clients.shipment import MAGIC, RefusedShipmentError, pack, unpack
from fog_flower.data.field import prepare_field
from fog_flower.data.preprocess import ColumnNormaliser, PixelNormaliser
from fog_flower.errors import UserError
from fog_flower.privacy.accounting import gaussian_epsilon, response_keep, shared_epsilon
from fog_flower.tasks.examples import Examples, Spec
from simulations.preflight import check, check_plug_ins
from tests.conftest import SPEC, TASK
from tests.runs import rounds, run_here

RNG = np.random.default_rng(0)


def share(count=200, shape=SPEC.shape):
    inputs = RNG.normal(size=(count, *shape)).astype(np.float32)
    return Examples(inputs, RNG.integers(0, 10, count))


def protect(text, given, config, end_node=0, spec=SPEC):
    context = Context(config, 0, end_node, spec, TASK, np.ones(1))
    ((_, mechanism),) = built(PROTECTIONS, [text])
    return mechanism(given, context), mechanism


def test_gaussian_bounds_inputs_and_its_noise_is_what_epsilon_needs(make_config):
    given = share(400, (20,))
    config, spec = make_config(noise_source="seeded"), Spec((20,), "float32")
    text = "gaussian(epsilon=2,delta=1e-6,clip=0.5)"
    found, mechanism = protect(text, given, config, spec=spec)
    norms = np.linalg.norm(given.inputs, axis=1, keepdims=True)
    clipped = given.inputs * np.minimum(1.0, 0.5 / norms)
    deviation = (found.inputs - clipped).std()
    assert gaussian_epsilon(deviation / (2 * 0.5), 1e-6) == pytest.approx(2.0, rel=0.05)
    told = mechanism.guarantee(config)
    assert (told.epsilon, told.delta, told.part) == (pytest.approx(2.0), 1e-6, "inputs")
    np.testing.assert_array_equal(found.targets, given.targets)


def test_randomised_response_keeps_labels_as_often_as_it_says(make_config):
    given = share(20_000, (1,))
    spec = Spec((1,), "float32")
    found, _ = protect("randomised-response(epsilon=2)", given, make_config(), spec=spec)
    kept = (found.targets == given.targets).mean()
    assert kept == pytest.approx(response_keep(2.0, 10), abs=0.01)
    others = np.bincount((found.targets - given.targets) % 10, minlength=10)[1:]
    assert others.min() > 0.9 * others.mean()
    assert found.targets.dtype == np.int64


def test_projection_is_onto_a_subspace_of_its_own_for_each_end_node_if_wanted(make_config):
    given, config = share(), make_config()
    found, mechanism = protect("projection(dimensions=50)", given, config)
    flat = found.inputs.reshape(200, -1)
    assert np.linalg.matrix_rank(flat, tol=1e-2) == 50
    again, _ = protect("projection(dimensions=50)", found, config)
    np.testing.assert_allclose(again.inputs, found.inputs, atol=1e-4)
    other, _ = protect("projection(dimensions=50)", given, config, end_node=1)
    np.testing.assert_array_equal(other.inputs, found.inputs)
    own = [
        protect("projection(dimensions=50,per_node=True)", given, config, end_node=n)[0].inputs
        for n in (0, 1)
    ]
    assert not np.allclose(*own)
    assert not mechanism.guarantee(config).promises


def test_they_follow_each_other_in_their_order_and_arrive(make_config):
    config = make_config(protection="projection(dimensions=9),noise,randomised-response(epsilon=1)")
    given = share(30)
    node = EndNode(
        0, 0, Examples((255 * np.abs(given.inputs) % 255).astype(np.uint8), given.targets)
    )

    class Plain:
        deviation = np.ones(1)

        def __call__(self, inputs):
            return inputs.astype(np.float32) / 255

        def spec(self, inputs):
            return Spec(inputs.shape[1:], "float32")

    data = gather(0, [(0, node.ship(config, TASK, Plain()))], SPEC, TASK)
    assert len(data.targets) == 30
    assert (data.targets != given.targets).any()


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("protection", "gaussian(epsilon=0)", "protection=gaussian: epsilon=0 must be positive"),
        ("protection", "gaussian(clip=-1)", "clip=-1 must be positive and finite"),
        ("protection", "gaussian(sigma=1)", "no argument 'sigma'; there are: epsilon, delta, clip"),
        ("protection", "noise(sigma=1)", "there is no argument 'sigma'; there are: none"),
        ("protection", "projection(dimensions=0)", "dimensions=0 must be a whole number"),
        ("protection", "projection(dimensions=99999)", "use fewer dimensions"),
        ("protection", "randomised-response(epsilon=-1)", "epsilon=-1 must be positive"),
        ("protection", "gausian", "did you mean gaussian"),
        ("protection", "dp-sgd", "protection='dp-sgd': choose from"),
        ("protection", "dp-sgd(epsilon=8)", "is for fog-protection=dp-sgd(epsilon=8)"),
        ("fog-protection", "selective(fraction=0)", "fraction=0 must be above 0"),
        ("fog-protection", "selective(choose='some')", "choose='some' must be"),
        ("fog-protection", "selective(threshold=1)", "threshold=1 is for choose='random'"),
        ("fog-protection", "selective,dp-sgd", "dp-sgd is how a node trains, and comes first"),
        ("protection", "gaussian,gaussian(epsilon=2)", "names gaussian twice"),
        ("protection", "gaussian(epsilon=1,epsilon=2)", "gives epsilon more than once; give it"),
        ("protection", "gaussian(epsilon=1e9)", "promises nothing; use at most 100"),
        ("protection", "randomised-response(epsilon=101)", "promises nothing; use at most 100"),
        ("fog-protection", "dp-sgd(epsilon=3,noise=1)", "epsilon=3 and noise=1 say the same"),
        ("fog-protection", "dp-sgd,dp-sgd(epsilon=1)", "names dp-sgd twice"),
        ("fog-protection", "gaussian", "fog-protection='gaussian': choose from"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_run(make_config, key, text, words):
    with pytest.raises(UserError) as raised:
        check(make_config(**{key.replace("-", "_"): text}))
    assert words in str(raised.value)


def selected(delta, **arguments):
    told = ",".join(f"{name}={value}" for name, value in arguments.items())
    ((_, mechanism),) = built(FOG_PROTECTIONS, [f"selective({told})"])
    return mechanism(delta, None)


def test_selective_keeps_the_largest_and_bounds_them():
    delta = [np.array([[3.0, -0.1], [0.2, -5.0]], np.float32), np.array([1.0], np.float32)]
    found = selected(delta, fraction=0.6, clip=4.0)
    np.testing.assert_array_equal(found[0], [[3.0, 0.0], [0.0, -4.0]])
    np.testing.assert_array_equal(found[1], [1.0])


def test_random_ones_are_above_the_threshold_and_others_in_each_round(make_config):
    delta = [RNG.normal(size=1000).astype(np.float32)]
    mechanism = Selective(fraction=0.1, choose="random", threshold=0.5)
    found = [mechanism(delta, FogContext(make_config(), 0, r, 1))[0] for r in (1, 2)]
    for one in found:
        assert (one != 0).sum() == 100
        assert np.abs(one[one != 0]).min() >= 0.5
    assert (found[0] != found[1]).any()


def test_all_of_it_is_plain_fedavg(make_config):
    plain = make_config(gate="open")
    whole = plain.changed({"fog-protection": "selective(fraction=1)", "run-name": "whole"})
    left, right = rounds(run_here(plain)), rounds(run_here(whole))
    assert [row["test_loss"] for row in left] == [row["test_loss"] for row in right]


def test_bytes_are_those_of_the_wire(make_config):
    config = make_config(fog_protection="selective(fraction=0.05)", num_server_rounds=1)
    row = rounds(run_here(config))[-1]
    assert int(row["bytes_up"]) < 0.08 * int(row["bytes_down"])


@pytest.mark.parametrize("attack", ["sign-flip", "label-flip", "mimic"])
def test_attackers_send_what_a_selective_node_would(make_config, attack):
    settings = {"attack": attack, "malicious_nodes": "1", "gate": "open"}
    config = make_config(fog_protection="selective(fraction=0.5)", **settings)
    assert [row["accepted"] for row in rounds(run_here(config))][1:] == ["3", "3"]


def test_levels_take_a_quarter_of_the_bytes_and_are_nearest():
    given, spec = share(300), SPEC
    inputs = np.clip(given.inputs, -2.0, 2.0)
    plain, packed = pack(given), pack(given, 2.0)
    assert len(packed) < 0.26 * len(plain)
    shipped = unpack(packed, spec, TASK)
    assert shipped.inputs.dtype == np.float32
    assert np.abs(shipped.inputs - inputs).max() <= 2.0 / 255 + 1e-6
    assert shipped.inputs.min() == -2.0
    assert len(np.unique(shipped.inputs)) == 256
    np.testing.assert_array_equal(shipped.targets, given.targets)
    # What is a level already is shipped as it is.
    again = unpack(pack(shipped, 2.0), spec, TASK)
    np.testing.assert_array_equal(again.inputs, shipped.inputs)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"inputs": np.zeros((2, *SPEC.shape), np.int64)},
        {"largest": np.array(np.nan)},
        {"largest": np.array(-1.0)},
        {"largest": np.array([1.0, 2.0])},
        {"largest": np.array("a")},
    ],
)
def test_levels_that_are_none_are_refused(spoilt):
    arrays = {
        "inputs": np.zeros((2, *SPEC.shape), np.uint8),
        "targets": np.zeros(2, np.int64),
        "largest": np.array(3.0),
    }
    buffer = io.BytesIO()
    np.savez(buffer, **{**arrays, **spoilt})
    payload = buffer.getvalue()
    with pytest.raises(RefusedShipmentError):
        unpack(MAGIC + hashlib.sha256(payload).digest() + payload, SPEC, TASK)


def test_a_run_ships_levels_and_the_ledger_says_that_they_hide_nothing(make_config):
    sent = {}
    for name, protection in (("plain", ""), ("levels", "quantise(largest=2.5)")):
        config = make_config(run_name=name, protection=protection)
        sent[name] = sum(int(row["bytes_from_end_nodes"]) for row in rounds(run_here(config)))
    assert 0.25 < sent["levels"] / sent["plain"] < 0.26
    told = {one.name: one.guarantee for one in releases_of(config, 100)}
    assert not told["shipment: inputs"].promises
    assert "compression" in told["shipment: inputs"].mechanism
    after = make_config(protection="gaussian(epsilon=2),quantise")
    told = {one.name: one.guarantee for one in releases_of(after, 100)}
    assert told["shipment: inputs"].epsilon == pytest.approx(2.0)
    assert "then quantised" in told["shipment: inputs"].mechanism


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("quantise(largest=0)", "largest=0 must be positive and finite"),
        ("quantise(largest=1e999)", "largest=inf must be positive and finite"),
        ("quantise,noise", "quantise is how inputs are shipped, and comes last"),
        ("quantise,quantise(largest=2)", "names quantise twice"),
    ],
)
def test_levels_that_make_no_sense_are_refused_before_the_run(make_config, text, words):
    with pytest.raises(UserError, match=words):
        check_plug_ins(make_config(protection=text))


def test_a_secret_share_makes_epsilon_smaller(make_config):
    assert shared_epsilon(1.0, 0.25) == pytest.approx(np.log(1 + 0.25 * (np.e - 1)))
    assert shared_epsilon(2.0, 1.0) == pytest.approx(2.0)
    assert shared_epsilon(200.0, 0.5) == pytest.approx(200 - np.log(2))
    assert shared_epsilon(np.inf, 0.5) == np.inf
    both = make_config(protection="gaussian(epsilon=2,delta=1e-6),randomised-response(epsilon=1)")
    told = {one.name: one.guarantee for one in releases_of(both, 100, 0.25)}
    inputs, update = told["shipment: inputs"], told["dW of all rounds"]
    assert inputs.epsilon == pytest.approx(shared_epsilon(3.0, 0.25))
    assert inputs.delta == pytest.approx(0.25e-6)
    assert "secret share" in inputs.mechanism
    # Inputs and labels are of the same sample: together they cost more than two samples would.
    assert update.epsilon == pytest.approx(shared_epsilon(3.0, 0.25))
    assert told["shipment: targets"].epsilon == pytest.approx(1.0)  # less than that of both
    # An unprotected label may tell that its example was shared, so the input has the full epsilon.
    clear = make_config(protection="gaussian(epsilon=2)")
    alone = {one.name: one.guarantee for one in releases_of(clear, 100, 0.25)}["shipment: inputs"]
    assert (alone.epsilon, alone.delta) == (pytest.approx(2.0), 1e-5)
    assert "secret share" not in alone.mechanism
    nothing = {one.name: one.guarantee for one in releases_of(make_config(), 100, 0.25)}
    assert not nothing["shipment: inputs"].promises


def test_a_share_is_shipped_in_random_order(make_config):
    """In the order of what is owned, the place of an example would tell which were chosen."""
    images = np.arange(50, dtype=np.uint8)[:, None, None, None] * np.ones(
        (1, *SPEC.shape), np.uint8
    )
    owned = EndNode(0, 0, Examples(images, np.arange(50) % 10))

    def shipped(**settings):
        plain = PixelNormaliser(np.zeros(3), np.full(3, 1 / 255))
        sent = owned.ship(make_config(protection="", **settings), TASK, plain)
        return unpack(sent, SPEC, TASK).inputs[:, 0, 0, 0]

    order = shipped(share_fraction=0.5)
    assert len(set(order)) == 25
    assert list(order) != sorted(order)
    np.testing.assert_allclose(shipped(), np.arange(50))  # who shares all has nothing to hide


def test_the_ledger_of_a_run_has_the_largest_share(make_config):
    both = "gaussian(epsilon=2),randomised-response(epsilon=1)"
    settings = {"protection": both, "share_fraction": 0.3, "end_nodes": 4}
    config = make_config(**settings)
    field = prepare_field(config)
    owned = [len(shard) for shards in field.shards for shard in shards]
    share_of_all = largest_share(config, owned)
    assert share_of_all == max(max(1, round(0.3 * n)) / n for n in owned)
    rows = json.loads((run_here(config) / "privacy.json").read_text())["releases"]
    epsilon = next(row["epsilon"] for row in rows if row["release"] == "shipment: inputs")
    assert epsilon == pytest.approx(shared_epsilon(3.0, share_of_all), abs=1e-6)


def test_a_secret_share_is_drawn_from_entropy_where_noise_is(make_config):
    data = share(50)
    sent = {}
    for source in ("seeded", "entropy"):
        config = make_config(protection="", share_fraction=0.4, noise_source=source)
        preprocess = ColumnNormaliser(np.zeros(1), np.ones(1))
        sent[source] = [EndNode(0, 0, data).ship(config, TASK, preprocess) for _ in range(2)]
    assert sent["seeded"][0] == sent["seeded"][1]
    assert sent["entropy"][0] != sent["entropy"][1]
