"""What end nodes do to a share, and what it promises; dW that is mostly zeros on the wire."""

import numpy as np
import pytest

from clients.end_node import EndNode
from clients.fog_node import gather
from clients.privacy import FOG_PROTECTIONS, PROTECTIONS
from clients.privacy._context import Context
from clients.privacy._fog_context import FogContext
from clients.privacy.build import built
from clients.privacy.fog_node.selective import Selective
from fog_flower.errors import UserError
from fog_flower.privacy.accounting import gaussian_epsilon, response_keep
from fog_flower.tasks.examples import Examples, Spec
from simulations.preflight import check
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
        ("protection", "dp-sgd", "protection='dp-sgd': there are"),
        ("fog-protection", "selective(fraction=0)", "fraction=0 must be above 0"),
        ("fog-protection", "selective(choose='some')", "choose='some' must be"),
        ("fog-protection", "selective(threshold=1)", "threshold=1 is for choose='random'"),
        ("fog-protection", "selective,dp-sgd", "dp-sgd is how a node trains, and comes first"),
        ("fog-protection", "dp-sgd,dp-sgd(epsilon=1)", "train with one of them"),
        ("fog-protection", "gaussian", "fog-protection='gaussian': there are"),
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
