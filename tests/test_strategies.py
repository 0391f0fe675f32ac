"""One contract over all strategies, behind the gate and without it; hostile replies; hand sums."""

import copy
import math
from types import SimpleNamespace

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord
from flwr.serverapp.strategy import FedAvg, Strategy

from fog_flower.config import OFF
from fog_flower.errors import UserError
from fog_flower.weights import add, from_record, to_record
from strategies.build import build_gate, gated_strategy, inner_strategy
from strategies.gates import GATES
from strategies.gates.alone import Alone
from strategies.gates.greedy import Greedy
from strategies.gates.open import Open
from strategies.gates.trusted import Trusted
from strategies.local_models import LocalModels
from strategies.validated_merge import ValidatedMerge
from tests.messages import (
    WEIGHTS,
    DistanceEvaluator,
    FakeGrid,
    OwnStep,
    OwnUpdate,
    answer,
    asked,
    failure,
    node_id,
)

FLOWER = {
    "FedAvg": "",
    "FedAvgM": "server_learning_rate=1.0,server_momentum=0.9",
    "FedAdam": "eta=0.1",
    "FedAdagrad": "",
    "FedYogi": "",
    "FedMedian": "",
    "FedTrimmedAvg": "beta=0.2",
    "Krum": "num_malicious_nodes=1",
    "MultiKrum": "num_malicious_nodes=1,num_nodes_to_select=3",
    "Bulyan": "num_malicious_nodes=1",
    "QFedAvg": "client_learning_rate=0.1,q=0.1",
    "FedProx": "proximal_mu=0.1",
    "FLTrust": "",
    "tests.user_strategies:HalfStep": "",
}
CONTRACT = list(FLOWER)
N = 7
STEP = [np.full((2, 2), 0.1, np.float32), np.full(2, -0.2, np.float32)]
NAN = [np.full_like(array, np.nan) for array in STEP]


def scaled(factor):
    return [(array * factor).astype(np.float32) for array in STEP]


def target():
    return add(WEIGHTS, STEP)


def ask(strategy, fog_nodes=N, weights=WEIGHTS):
    return list(
        strategy.configure_train(1, to_record(weights), ConfigRecord({}), FakeGrid(fog_nodes))
    )


def one_round(strategy, deltas, fog_nodes=N, examples=None, lost=()):
    """Ask, answer with these updates (None fails), aggregate; node ids tell the fog nodes."""
    questions = {m.metadata.dst_node_id: m for m in ask(strategy, fog_nodes)}
    replies = []
    for fog_node, delta in enumerate(deltas):
        question = questions[node_id(fog_node)]
        if fog_node in lost:
            continue
        if delta is None:
            replies.append(failure(question))
        else:
            n = examples[fog_node] if examples else 10
            replies.append(answer(question, delta, fog_node, n))
    return strategy.aggregate_train(1, reversed(replies))


@pytest.fixture
def build(make_config):
    def make(name, gate="greedy", fog_nodes=N, **settings):
        config = make_config(
            strategy=name,
            strategy_args=FLOWER.get(name, ""),
            gate=gate,
            fog_nodes=fog_nodes,
            **settings,
        )
        nodes = {node_id(n): n for n in range(fog_nodes)}
        evaluator = DistanceEvaluator(add(WEIGHTS, scaled(1.5)))
        own = OwnUpdate() if config.cloud_examples else None
        return gated_strategy(
            config, inner_strategy(config), evaluator, nodes, OwnStep(), own, examples=360
        )

    return make


@pytest.mark.parametrize("gate", [OFF, *GATES.names()])
@pytest.mark.parametrize("name", CONTRACT)
def test_contract_keys_shapes_dtypes_and_progress(build, name, gate):
    needy = gate != OFF and getattr(GATES.load(gate).item, "needs_cloud_examples", False)
    strategy = build(name, gate, cloud_examples=10 if needy else 0)
    arrays, metrics = one_round(strategy, [scaled(1 + 0.01 * n) for n in range(N)])
    assert list(arrays) == list(to_record(WEIGHTS))
    for array, like in zip(from_record(arrays), WEIGHTS, strict=True):
        assert (array.shape, array.dtype) == (like.shape, like.dtype)
        assert np.isfinite(array).all()
    before = sum(np.abs(s).sum() for s in STEP)
    after = sum(np.abs(a - t).sum() for a, t in zip(from_record(arrays), target(), strict=True))
    strategy.summary()
    if gate in (
        OFF,
        "open",
        "alone",
        "greedy",
    ):  # the others need a real model
        assert after < before
        assert metrics is not None
        assert strategy.report.accepted == N


@pytest.mark.parametrize("name", CONTRACT)
def test_contract_survives_an_error_a_missing_and_a_nan_update(build, name):
    deltas = [scaled(1)] * N
    deltas[1], deltas[2] = None, NAN
    fewer = build(name, "greedy")
    if name in ("Bulyan",):  # needs n >= 4f + 3: seven with one malicious, and not four
        fewer.strategy.num_malicious_nodes = 0
    arrays, _ = one_round(fewer, deltas, lost=(3,))
    assert all(np.isfinite(array).all() for array in from_record(arrays))
    reasons = {v.fog_node: v.reason for v in fewer.report.verdicts if not v.accepted}
    assert set(reasons) == {1, 2, 3}
    assert "boom" in reasons[1]
    assert "not finite" in reasons[2]
    assert "missing" in reasons[3]


@pytest.mark.parametrize("name", CONTRACT)
def test_the_open_gate_is_the_plain_strategy_bit_for_bit(build, name):
    rng = np.random.default_rng(0)
    deltas = [[rng.normal(size=s.shape).astype(np.float32) for s in STEP] for _ in range(N)]
    examples = [int(n) for n in rng.integers(1, 100, N)]
    gated, off = build(name, "open"), build(name, "off")
    plain = inner_strategy_like(gated.strategy)
    one, _ = one_round(gated, copy.deepcopy(deltas), examples=examples)
    two, _ = one_round(off, copy.deepcopy(deltas), examples=examples)
    questions = {m.metadata.dst_node_id: m for m in ask(plain)}
    weights = [
        answer(questions[node_id(n)], add(WEIGHTS, deltas[n]), n, examples[n]) for n in range(N)
    ]
    three, _ = plain.aggregate_train(1, weights)
    for a, b, c in zip(*map(from_record, (one, two, three)), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c.astype(a.dtype))


def inner_strategy_like(strategy):
    return copy.deepcopy(strategy)


def test_plain_fedavg_is_destroyed_by_one_nan_and_the_gate_is_not(build):
    deltas = [scaled(1)] * (N - 1) + [NAN]
    destroyed, _ = one_round(build("FedAvg", "off"), deltas)
    assert np.isnan(from_record(destroyed)[0]).any()
    kept, _ = one_round(build("FedAvg", "greedy"), deltas)
    for array, expected in zip(from_record(kept), target(), strict=True):
        np.testing.assert_allclose(array, expected, atol=1e-6)


def test_nobody_accepted_keeps_w_and_says_so(build):
    strategy = build("FedAvg", "greedy")
    arrays, metrics = one_round(strategy, [NAN] * N)
    for array, before in zip(from_record(arrays), WEIGHTS, strict=True):
        np.testing.assert_array_equal(array, before)
    assert metrics is None
    assert "W is kept" in strategy.report.note
    assert strategy.report.accepted == 0


def test_a_strategy_that_returns_nothing_keeps_w_and_says_so(build):
    strategy = build("tests.user_strategies:Nothing")
    arrays, _ = one_round(strategy, [scaled(1)] * N)
    np.testing.assert_array_equal(from_record(arrays)[0], WEIGHTS[0])
    assert "Nothing returned no arrays" in strategy.report.note


def test_a_strategy_that_merges_to_nan_is_stopped_by_the_gate_and_only_by_it(build):
    gated = build("tests.user_strategies:Overflows")
    arrays, _ = one_round(gated, [scaled(1)] * N)
    np.testing.assert_array_equal(from_record(arrays)[0], WEIGHTS[0])
    assert "Overflows merged to numbers not finite: W is kept" in gated.report.note
    arrays, _ = one_round(build("tests.user_strategies:Overflows", "off"), [scaled(1)] * N)
    assert np.isnan(from_record(arrays)[0]).all()


def test_a_failed_client_is_refused_with_the_exception_itself(build):
    """What Flower hands on with Ray: colours, processes, addresses, and then the exception."""
    reason = (
        "<class 'ray.exceptions.RayTaskError(ClientAppException)'>:<'\x1b[36mray::ClientApp"
        'Actor.run()\x1b[39m (pid=1, ip=127.0.0.1, repr=<object at 0x7f>)\n  File "a.py"\n'
        "flwr.clientapp.ClientAppException: \nException ValueError occurred. Message: no data'>"
    )
    strategy = build("FedAvg", fog_nodes=2)
    first, second = ask(strategy, 2)
    fog = {m.metadata.dst_node_id: m for m in (first, second)}
    replies = [answer(fog[node_id(0)], scaled(1), 0), failure(fog[node_id(1)], reason)]
    strategy.aggregate_train(1, replies)
    refused = strategy.report.verdicts[1]
    assert refused.reason == "failed: Exception ValueError occurred. Message: no data"


@pytest.mark.parametrize(
    ("merge", "expected"), [("mean", 1.0 * 0.25 + 3.0 * 0.75), ("sum", 4.0), ("sequential", 4.0)]
)
def test_merges_by_hand(build, merge, expected):
    # dW and 3 dW from 10 and 30 images: the mean is 2.5 dW, the sum 4 dW
    strategy = build("FedAvg", "open", fog_nodes=2, merge=merge)
    arrays, _ = one_round(strategy, [scaled(1), scaled(3)], fog_nodes=2, examples=[10, 30])
    for array, start, step in zip(from_record(arrays), WEIGHTS, STEP, strict=True):
        np.testing.assert_allclose(array, start + expected * step, atol=1e-6)


def test_sequential_rejects_what_overshoots(build):
    # The target is one step away: the second and the third step only lead away from it.
    strategy = build("FedAvg", "greedy", fog_nodes=3, merge="sequential", gate_args="tolerance=0.0")
    strategy.judge.evaluator = DistanceEvaluator(target())
    arrays, _ = one_round(strategy, [scaled(1)] * 3, fog_nodes=3)
    assert [v.accepted for v in strategy.report.verdicts] == [True, False, False]
    np.testing.assert_allclose(from_record(arrays)[0], target()[0], rtol=1e-6)


def test_the_order_of_replies_does_not_change_a_bit(build):
    rng = np.random.default_rng(1)
    deltas = [[rng.normal(size=s.shape).astype(np.float32) for s in STEP] for _ in range(N)]
    results = []
    for order in (range(N), reversed(range(N)), rng.permutation(N)):
        strategy = build("FedAvg", "off")
        questions = {m.metadata.dst_node_id: m for m in ask(strategy)}
        replies = [answer(questions[node_id(n)], deltas[n], int(n)) for n in order]
        results.append(from_record(strategy.aggregate_train(1, replies)[0]))
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize(
    ("hostile", "words"),
    [
        (lambda q: answer(q, [STEP[0]], 1), "1 arrays instead of 2"),
        (lambda q: answer(q, [STEP[0].T.reshape(4), STEP[1]], 1), r"float32 \[4\]"),
        (lambda q: answer(q, [s.astype(np.float64) for s in STEP], 1), "float64"),
        (lambda q: answer(q, STEP, 1, examples=0), "claims 0 examples"),
        (lambda q: answer(q, STEP, 1, examples=-5), "claims -5 examples"),
        (lambda q: answer(q, STEP, 1, examples=10**9), "claims 1000000000 examples"),
        (lambda q: answer(q, STEP, 1, examples=0.5), "claims 0.5 examples"),
        (lambda q: answer(q, STEP, 1, examples=float("nan")), "claims nan examples"),
        (lambda q: answer(q, STEP, 1, examples=[10, 10]), r"claims \[10, 10\] examples"),
        (lambda q: answer(q, STEP, 0), "claims to be fog node 0"),
        (lambda q: answer(q, STEP, [1]), r"claims to be fog node \[1\]"),
    ],
)
@pytest.mark.parametrize("gate", ["off", "greedy"])
def test_malformed_updates_are_refused_and_named(build, hostile, words, gate):
    strategy = build("FedAvg", gate, fog_nodes=2)
    questions = {m.metadata.dst_node_id: m for m in ask(strategy, 2)}
    replies = [answer(questions[node_id(0)], STEP, 0), hostile(questions[node_id(1)])]
    arrays, _ = strategy.aggregate_train(1, replies)
    good, bad = strategy.report.verdicts
    assert (good.accepted, bad.accepted, bad.fog_node) == (True, False, 1)
    import re

    assert re.search(words, bad.reason), bad.reason
    np.testing.assert_allclose(from_record(arrays)[0], target()[0], rtol=1e-6)


@pytest.mark.parametrize("extra", [{"own": 1.0}, {"loss": float("nan")}, {"loss": [1.0, 2.0]}])
@pytest.mark.parametrize("name", CONTRACT)
def test_odd_metrics_of_one_node_do_not_end_the_run(build, name, extra):
    if name == "QFedAvg" and isinstance(extra.get("loss"), list | float):
        pytest.skip("QFedAvg weighs by the clients' losses, so it needs a finite one from each")
    strategy = build(name)
    questions = {m.metadata.dst_node_id: m for m in ask(strategy)}
    replies = [answer(questions[node_id(n)], scaled(1), n) for n in range(N - 1)]
    replies.append(answer(questions[node_id(N - 1)], scaled(1), N - 1, **extra))
    arrays, _ = strategy.aggregate_train(1, replies)
    assert np.isfinite(from_record(arrays)[0]).all()
    assert strategy.report.accepted == N


def test_two_updates_of_one_node_count_once(build):
    strategy = build("FedAvg", "off", fog_nodes=2)
    questions = {m.metadata.dst_node_id: m for m in ask(strategy, 2)}
    replies = [answer(questions[node_id(0)], STEP, 0)] * 2
    strategy.aggregate_train(1, replies)
    assert [v.reason for v in strategy.report.verdicts] == [
        "accepted: no gate",
        "a second update in one round",
        "missing or late: no reply in time",
    ]


def test_the_gate_looks_at_as_many_images_as_configured(build):
    strategy = build("FedAvg", "greedy", fog_nodes=2, gate_args="examples=10")
    one_round(strategy, [scaled(1)] * 2, fog_nodes=2)
    # two local models on all images, which is their merge alone, too; on the gate's: W, and both
    assert strategy.judge.evaluator.calls == [100, 100, 10, 10]


def local_scores(examples, server_round=1, nodes=40):
    evaluator = DistanceEvaluator(WEIGHTS)
    updates = [SimpleNamespace(delta=scaled(1)) for _ in range(nodes)]
    models = LocalModels(evaluator, examples, last_round=9)
    return models.score(server_round, WEIGHTS, updates), evaluator.calls


def test_of_many_local_models_ten_are_drawn_in_every_round():
    one, calls = local_scores(20)
    assert calls == [20] * 10
    other, _ = local_scores(20, server_round=2)
    again, _ = local_scores(20)
    scored = [[number for number, of_it in enumerate(s) if of_it] for s in (one, other, again)]
    assert scored[0] == scored[2] != scored[1]
    assert local_scores(20, server_round=9)[1] == [100] * 10  # the last round: all examples
    assert local_scores(20, nodes=10)[1] == [20] * 10
    assert local_scores(0)[1] == [100] * 40  # nothing is sampled


def test_a_round_of_many_nodes_is_recorded_with_the_models_that_were_drawn(build):
    strategy = build("FedAvg", "greedy", fog_nodes=12, local_validation_examples=50)
    one_round(strategy, [scaled(1)] * 12, fog_nodes=12)
    known = [v.alone.loss for v in strategy.report.verdicts if math.isfinite(v.alone.loss)]
    assert len(strategy.report.verdicts) == 12
    assert len(known) == 10
    assert 0.0 <= strategy.report.gate_seconds <= strategy.report.validation_seconds


def test_wrappers_check_their_arguments():
    with pytest.raises(TypeError, match="Strategy"):
        ValidatedMerge("FedAvg")
    with pytest.raises(ValueError, match="max_examples"):
        ValidatedMerge(FedAvg(), max_examples=0)
    with pytest.raises(ValueError, match="seed"):
        ValidatedMerge(FedAvg(), seed=-1)
    with pytest.raises(ValueError, match="examples"):
        LocalModels(DistanceEvaluator(WEIGHTS), examples=-1)


class Bare:
    pass


class Deep(FedAvg):
    """Takes beta, but what it calls with it does not: its own mistake."""

    def __init__(self, beta):
        super().__init__(beta=beta)


@pytest.mark.parametrize(
    ("strategy", "arguments", "words"),
    [
        ("FedAverage", "", "choose from .*FedAvg.*Krum"),
        ("off", "", "off is a gate: gate=off"),
        ("greedy", "", "greedy is a gate: gate=greedy"),
        ("absent.module:Mine", "", "cannot be imported"),
        ("tests.user_strategies:Absent", "", "has no 'Absent'"),
        ("tests.user_strategies:not_a_strategy", "", "made a dict"),
        ("FedAvg", "beta=1", "strategy-args .beta=1.: there is no argument 'beta'; .* fraction_tr"),
        (
            "FedAvgM",
            "server_momentun=0.5",
            "learning_rate.*; did you mean server_momentum.$",
        ),
        ("tests.test_strategies:Bare", "a=1", "there is no argument 'a'; there are: none"),
        ("tests.test_strategies:Deep", "beta=1", "TypeError: .*unexpected keyword .*in __init__"),
        ("FedAvg", "beta", "name=value"),
        ("FedAvg", "fraction_train=open('x')", "name=value"),
    ],
)
def test_wrong_strategies_are_named(make_config, strategy, arguments, words):
    with pytest.raises(UserError, match=words):
        inner_strategy(make_config(strategy=strategy, strategy_args=arguments))


@pytest.mark.parametrize("name", ["FedMedian", "FedTrimmedAvg", "Krum", "Bulyan", "QFedAvg"])
def test_there_is_no_sum_of_what_a_robust_strategy_picks(make_config, name):
    config = make_config(strategy=name, strategy_args=FLOWER[name], merge="sum")
    with pytest.raises(UserError, match=r"merge='sum'.*no weighted mean"):
        inner_strategy(config)


def test_flowers_strategies_are_told_the_number_of_fog_nodes(make_config):
    for name, fog_nodes in (("FedAvg", 1), ("Krum", 4)):
        strategy = inner_strategy(make_config(strategy=name, fog_nodes=fog_nodes))
        assert isinstance(strategy, Strategy)
        assert (strategy.min_train_nodes, strategy.fraction_evaluate) == (fog_nodes, 0.0)


def test_gates_come_from_the_configuration(build, make_config):
    def gate_of(*arguments, **settings):
        return build(*arguments, **settings).judge.gate

    assert isinstance(gate_of("FedAvg", "open"), Open)
    assert gate_of("FedAvg", "alone") == Alone(0.0)
    assert gate_of("FedAvg", "greedy", gate_args="tolerance=0.5") == Greedy(0.5)
    settings = {"gate_args": "tolerance=0.02,examples=100,error=0.05"}
    assert gate_of("FedAvg", "trusted", **settings) == Trusted(0.02, 100, 0.05)
    names = {
        gate_of("FedAvg", name).__class__.__name__
        for name in GATES.names()
        if name != "cloud-alone"
    }
    assert len(names) == len(GATES.names()) - 1
    assert build("FedAvg", "off").judge is None
    with pytest.raises(UserError, match=r"gate='maybe': choose from .*greedy"):
        build_gate(make_config(gate="maybe"))


def test_records_are_packed_under_flowers_keys():
    assert isinstance(to_record(WEIGHTS), ArrayRecord)
    assert list(to_record(WEIGHTS)) == ["0", "1"]


def test_asking_nobody_is_no_error(build):
    assert build("FedAvg", "greedy").aggregate_train(1, [])[0] is not None
    assert asked(0) == []
