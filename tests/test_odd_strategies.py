"""Strategies as users write them: their constructors, and whatever they send and return."""

import dataclasses
import functools
import random
import re
import sys

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp.strategy import DifferentialPrivacyServerSideFixedClipping, FedAvg, Strategy

from fog_flower.errors import UserError
from fog_flower.weights import add, from_record, subtract, to_record
from strategies.build import inner_strategy
from strategies.gates.open import Open
from strategies.judge import Judge
from strategies.validated_merge import ValidatedMerge
from tests.messages import WEIGHTS, DistanceEvaluator, FakeGrid, answer, node_id
from tests.runs import run_here, summary

HERE = "tests.test_odd_strategies"
STEP = [np.full((2, 2), 0.1, np.float32), np.full(2, -0.2, np.float32)]


# Constructors


class HandsOn(FedAvg):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)


class HandsOnWithBeta(FedAvg):
    def __init__(self, beta, **kwargs):
        super().__init__(**kwargs)
        self.beta = beta


class SaysOneItself(FedAvg):
    def __init__(self, **kwargs):
        super().__init__(fraction_evaluate=0.0, **kwargs)


class Mixin:
    def __init__(self, gamma=1, **kwargs):
        super().__init__(**kwargs)
        self.gamma = gamma


class WithMixin(Mixin, FedAvg):
    pass


class Swallows(FedAvg):
    def __init__(self, **options):
        super().__init__()
        self.options = options


class TakesNothing(FedAvg):
    def __init__(self):
        super().__init__()


class ByPlace(FedAvg):
    def __init__(self, beta, min_available_nodes, /, **kwargs):
        super().__init__(min_available_nodes=min_available_nodes, **kwargs)
        self.beta = beta


class ByName(FedAvg):
    def __init__(self, *, beta=1, **kwargs):
        super().__init__(**kwargs)
        self.beta = beta


class Checks(FedAvg):
    def __init__(self, **kwargs):
        unknown = set(kwargs) - {"min_available_nodes"}
        if unknown:
            raise ValueError(f"unknown options: {', '.join(sorted(unknown))}")
        super().__init__(**kwargs)


@dataclasses.dataclass
class Data(FedAvg):
    beta: float = 0.5
    min_available_nodes: int = 2

    def __post_init__(self):
        super().__init__(min_available_nodes=self.min_available_nodes)


class Registers(type(FedAvg)):
    def __call__(cls, *args, **kwargs):
        return super().__call__(*args, **kwargs)


class OfAMetaclass(FedAvg, metaclass=Registers):
    def __init__(self, beta=1):
        super().__init__()
        self.beta = beta


class Composed(Strategy):
    """Derives from nothing that has a constructor."""

    def __init__(self, **kwargs):
        assert not kwargs, kwargs
        self.inner = FedAvg()

    def configure_train(self, *arguments):
        return self.inner.configure_train(*arguments)

    def configure_evaluate(self, *arguments):
        return []

    def aggregate_train(self, *arguments):
        return self.inner.aggregate_train(*arguments)

    def aggregate_evaluate(self, *arguments):
        return None

    def summary(self):
        self.inner.summary()


def undecorated(function):
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


class Decorated(FedAvg):
    @undecorated
    def __init__(self, beta=1):
        super().__init__()
        self.beta = beta


half = functools.partial(FedAvg, fraction_train=0.5)
of_beta = functools.partial(HandsOnWithBeta, 0.25)


def made(min_available_nodes, **options):
    assert not options, options
    return FedAvg(min_available_nodes=min_available_nodes)


def private():
    return DifferentialPrivacyServerSideFixedClipping(
        FedAvg(fraction_evaluate=0.0), 0.0, 100.0, num_sampled_clients=3
    )


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("HandsOn", "", {"min_available_nodes": 3, "fraction_evaluate": 0.0}),
        ("HandsOn", "min_available_nodes=2", {"min_available_nodes": 2}),
        ("HandsOnWithBeta", "beta=0.5", {"beta": 0.5, "min_available_nodes": 3}),
        ("SaysOneItself", "", {"min_available_nodes": 3, "fraction_evaluate": 0.0}),
        ("WithMixin", "gamma=2", {"min_available_nodes": 3, "gamma": 2}),
        ("Swallows", "beta=1", {"min_available_nodes": 2}),
        ("TakesNothing", "", {"min_available_nodes": 2}),
        ("ByPlace", "beta=0.5", {"beta": 0.5, "min_available_nodes": 3, "fraction_evaluate": 0.0}),
        ("ByName", "beta=0.5", {"beta": 0.5, "min_available_nodes": 3}),
        ("Checks", "", {"min_available_nodes": 3}),
        ("Data", "beta=0.25", {"beta": 0.25, "min_available_nodes": 3}),
        ("OfAMetaclass", "beta=2", {"beta": 2}),
        ("Composed", "", {}),
        ("Decorated", "beta=2", {"beta": 2}),
        ("half", "", {"fraction_train": 0.5, "min_available_nodes": 3}),
        ("of_beta", "", {"beta": 0.25, "min_available_nodes": 3}),
        ("made", "", {"min_available_nodes": 3}),
        ("private", "", {}),
    ],
)
def test_a_constructor_gets_what_it_takes_itself(make_config, name, arguments, expected):
    strategy = inner_strategy(make_config(strategy=f"{HERE}:{name}", strategy_args=arguments))
    assert {key: getattr(strategy, key) for key in expected} == expected


class Fails(FedAvg):
    def __init__(self):
        raise KeyError("site-a")


class Exits(FedAvg):
    def __init__(self):
        sys.exit("no licence")


class Starts(FedAvg):
    def start(self, *args, **kwargs):
        return super().start(*args, **kwargs)


not_callable = "FedAvg"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"strategy": f"{HERE}:HandsOnWithBeta"}, "missing 1 required .* 'beta'"),
        ({"strategy": f"{HERE}:TakesNothing", "strategy_args": "beta=1"}, "argument 'beta'"),
        (
            {"strategy": f"{HERE}:Fails"},
            r"KeyError: 'site-a' \(in __init__, .*odd_strategies.py:\d+",
        ),
        ({"strategy": f"{HERE}:Exits"}, "SystemExit: no licence"),
        ({"strategy": f"{HERE}:not_callable"}, "is a str; name a class"),
        ({"strategy": f"{HERE}:Starts"}, "overrides start"),
        ({"strategy": f"{HERE}:TakesNothing", "fog_nodes": 1}, "min_available_nodes is 2, but"),
        (
            {"strategy": f"{HERE}:TakesNothing", "fog_nodes": 4, "fraction_train": 0.5},
            r"fraction-train=0.5 does not reach it: let its __init__ take \*\*kwargs",
        ),
        ({"strategy_args": "min_train_nodes=4"}, "min_train_nodes is 4, but fog-nodes=3"),
        ({"strategy": "FedXgbBagging"}, "XGBoost"),
        ({"strategy": "DifferentialPrivacyServerSideFixedClipping"}, "wraps another strategy"),
        ({"strategy": "DifferentialPrivacyClientSideFixedClipping"}, "clipping mod"),
        ({"strategy": "Result"}, "choose from Bulyan.*FedAvg"),
        ({"strategy": "Strategy"}, "choose from Bulyan.*FedAvg"),
        ({"strategy": "sample_nodes"}, "choose from Bulyan.*FedAvg"),
        (
            {"strategy": "Bulyan", "strategy_args": "num_malicious_nodes=1"},
            "at least 7 updates in a round, not 3",
        ),
        (
            {"strategy": "Krum", "fog_nodes": 6, "strategy_args": "num_malicious_nodes=2"},
            "at least 7 updates",
        ),
        (
            {
                "strategy": "Krum",
                "fog_nodes": 8,
                "fraction_train": 0.5,
                "strategy_args": "num_malicious_nodes=1",
            },
            "at least 5 updates in a round, not 4",
        ),
        ({"strategy": "Krum", "strategy_args": "num_malicious_nodes=-1"}, "at least 0"),
        ({"strategy": "MultiKrum", "strategy_args": "num_nodes_to_select=4"}, "must be 1 to 3"),
        ({"strategy": "FedTrimmedAvg"}, "cuts none of 3 updates .* 5 fog nodes, or a beta of 0.34"),
        ({"strategy": "FedTrimmedAvg", "strategy_args": "beta=0.5"}, r"range \[0, 0.5\)"),
    ],
)
def test_what_cannot_work_is_refused_before_the_run(make_config, settings, words):
    with pytest.raises(UserError, match=words) as error:
        inner_strategy(make_config(**settings))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"strategy": "Bulyan"},
        {"strategy": "Bulyan", "fog_nodes": 7, "strategy_args": "num_malicious_nodes=1"},
        {"strategy": "FedTrimmedAvg", "strategy_args": "beta=0.34"},
        {"strategy": "FedTrimmedAvg", "strategy_args": "beta=0.0"},
        {"strategy": "FedTrimmedAvg", "fog_nodes": 5},
    ],
)
def test_what_is_just_enough_is_taken(make_config, settings):
    inner_strategy(make_config(**settings))


# What they send


class Sends(FedAvg):
    """Sends what a function makes of FedAvg's messages."""

    def __init__(self, change):
        super().__init__(fraction_evaluate=0.0)
        self.change = change
        self.got = []

    def configure_train(self, server_round, arrays, config, grid):
        messages = super().configure_train(server_round, arrays, config, grid)
        return self.change(messages, arrays)

    def aggregate_train(self, server_round, replies):
        self.got = [dict(reply.content.array_records) for reply in replies]
        for reply in replies:
            for name in list(reply.content.array_records)[1:]:
                del reply.content[name]
        return super().aggregate_train(server_round, replies)


def wrapper(strategy, *, nodes=3, gate=True, **options):
    judge = Judge(Open(), DistanceEvaluator(WEIGHTS)) if gate else None
    mapping = {node_id(number): number for number in range(nodes)}
    return ValidatedMerge(strategy, judge, fog_nodes=mapping, **options)


def ask(strategy, nodes=3, record=None):
    record = record or to_record(WEIGHTS)
    return strategy.configure_train(1, record, ConfigRecord(), FakeGrid(nodes))


def a_round(strategy, delta=STEP, nodes=3):
    """Ask, let every fog node answer with the same dW, merge."""
    replies = [
        answer(question, delta, question.metadata.dst_node_id - node_id(0))
        for question in ask(strategy, nodes)
    ]
    return strategy.aggregate_train(1, replies)


def to(node, content=None):
    content = content or {"arrays": to_record(WEIGHTS), "config": ConfigRecord({"server-round": 1})}
    return Message(RecordDict(content), node, "train")


def sets(**settings):
    def change(messages, _):
        for message in messages:
            message.content["config"].update(settings)
        return messages

    return change


def adds(name, record):
    def change(messages, _):
        for message in messages:
            message.content[name] = record
        return messages

    return change


def drops_arrays(messages, _):
    for message in messages:
        message.content.pop("arrays", None)
    return messages


def shrinks(_, arrays):
    arrays.pop("1")
    return [to(node_id(0))]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda messages, _: None, "returned None; return a list of messages"),
        (lambda messages, _: 7, "returned a int"),
        (lambda messages, _: ["ask", "them"], "returned a str in its list"),
        (lambda messages, _: [None], "returned None in its list"),
        (lambda messages, _: [to(42)], "asks node 42; the nodes of this run are 1000, 1001, 1002"),
        (lambda messages, _: [*messages, to(node_id(1))], "two messages to node 1001"),
        (sets(lr=0.1), "sends lr=0.1, which no fog node reads"),
        (adds("extra", ConfigRecord({"a": 1})), "sends extra, which no fog node reads"),
        (adds("numbers", MetricRecord({"a": 1})), "sends numbers, which no fog node reads"),
        (adds("control", to_record(STEP)), "sends the arrays control, which no fog node reads"),
        (drops_arrays, "no ArrayRecord called 'arrays'"),
        (adds("arrays", to_record([a.astype(np.float16) for a in WEIGHTS])), "float16"),
        (adds("arrays", to_record(WEIGHTS[:1])), "but W has"),
        (
            adds("arrays", ArrayRecord({"0": Array("float32", (2,), "odd", b"xx")})),
            "cannot be read",
        ),
        (shrinks, "changed the names, shapes or dtypes"),
        (lambda messages, _: {}["round"], r"KeyError: 'round' \(in <lambda>, .*odd_strategies"),
    ],
)
def test_what_cannot_be_sent_or_understood_is_named(change, words):
    with pytest.raises(UserError, match="strategy Sends: configure_train") as error:
        ask(wrapper(Sends(change)))
    assert re.search(words, str(error.value)), str(error.value)
    assert "\n" not in str(error.value)


def merged_by(change, **options):
    strategy = wrapper(Sends(change), **options)
    arrays, _ = a_round(strategy)
    return from_record(arrays), strategy


def test_a_generator_is_a_list_of_messages():
    merged, strategy = merged_by(lambda messages, _: (message for message in messages))
    np.testing.assert_allclose(merged[0], add(WEIGHTS, STEP)[0])
    assert strategy.report.accepted == 3


def test_asking_some_or_nobody_is_no_error():
    some, strategy = merged_by(lambda messages, _: list(messages)[:1])
    np.testing.assert_allclose(some[0], add(WEIGHTS, STEP)[0])
    assert len(strategy.report.verdicts) == 1
    nobody, strategy = merged_by(lambda messages, _: [])
    np.testing.assert_array_equal(nobody[0], WEIGHTS[0])
    assert "W is kept" in strategy.report.note


def test_records_of_other_names_reach_fog_nodes_under_ours():
    strategy = FedAvg(
        fraction_evaluate=0.0, arrayrecord_key="weights", configrecord_key="instructions"
    )
    for question in ask(wrapper(strategy)):
        assert set(question.content) == {"arrays", "config"}
        assert question.content["config"]["server-round"] == 1


def test_a_message_without_settings_gets_the_round():
    (question,) = ask(wrapper(Sends(lambda *_: [to(node_id(0), {"arrays": to_record(WEIGHTS)})])))
    assert dict(question.content["config"]) == {"server-round": 1}


@pytest.mark.parametrize("gate", [True, False])
def test_what_starts_from_other_weights_is_merged_as_flower_would(gate):
    """Fog nodes start from 2 W; what they add to that is W + (W + dW)."""
    start = to_record([2 * array for array in WEIGHTS])
    merged, strategy = merged_by(adds("arrays", start), gate=gate)
    for array, w, step in zip(merged, WEIGHTS, STEP, strict=True):
        np.testing.assert_allclose(array, 2 * w + step, rtol=1e-6)
    assert strategy.report.accepted == 3


def test_w_that_is_changed_in_place_is_the_new_w():
    def doubles(messages, arrays):
        for name in list(arrays):
            arrays[name] = Array(2 * arrays[name].numpy())
        return messages

    merged, _ = merged_by(doubles)
    np.testing.assert_allclose(merged[0], 2 * WEIGHTS[0] + STEP[0], rtol=1e-6)


def test_with_a_mod_of_the_users_own_further_arrays_go_down_and_up():
    control = [np.full(3, 2.0, np.float32)]
    inner = Sends(adds("control", to_record(control)))
    strategy = wrapper(inner, client_mods=True)
    replies = []
    for question in sorted(ask(strategy), key=lambda q: q.metadata.dst_node_id):
        fog_node = question.metadata.dst_node_id - node_id(0)
        sent = from_record(question.content["control"])
        reply = answer(question, STEP, fog_node)
        reply.content["control"] = to_record([array + fog_node for array in sent])
        replies.append(reply)
    replies[2].content["control"] = to_record([np.zeros(4, np.float32)])
    arrays, _ = strategy.aggregate_train(1, replies)
    np.testing.assert_allclose(from_record(arrays)[0], add(WEIGHTS, STEP)[0])
    assert [list(records) for records in inner.got] == [["arrays", "control"]] * 2
    assert from_record(inner.got[1]["control"])[0].tolist() == [3.0] * 3
    assert "wrong shape" in strategy.report.verdicts[2].reason
    assert strategy.report.bytes_down == 3 * (6 * 4 + 3 * 4)


def test_a_node_that_answers_with_arrays_nobody_asked_for_is_refused():
    strategy = wrapper(FedAvg(fraction_evaluate=0.0), client_mods=True)
    replies = [
        answer(question, STEP, question.metadata.dst_node_id - node_id(0))
        for question in sorted(ask(strategy), key=lambda q: q.metadata.dst_node_id)
    ]
    replies[1].content["control"] = to_record(STEP)
    strategy.aggregate_train(1, replies)
    refused = strategy.report.verdicts[1]
    assert (refused.accepted, refused.reason) == (
        False,
        "malformed: 2 ArrayRecords instead of one",
    )


# What they return


class Returns(FedAvg):
    """Returns what a function makes of FedAvg's answer."""

    def __init__(self, change):
        super().__init__(fraction_evaluate=0.0)
        self.change = change

    def aggregate_train(self, server_round, replies):
        return self.change(*super().aggregate_train(server_round, replies))


def record_of(arrays, change):
    return ArrayRecord({name: Array(change(array.numpy())) for name, array in arrays.items()})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda arrays, metrics: arrays, "must return .arrays, metrics.*not ArrayRecord"),
        (lambda arrays, metrics: (arrays, metrics, 1), "must return .* not tuple"),
        (lambda arrays, metrics: [arrays, metrics], "not list"),
        (lambda arrays, metrics: (dict(arrays), metrics), "a dict as arrays"),
        (lambda arrays, metrics: (arrays, "good"), "a str as metrics"),
        (lambda arrays, metrics: (arrays, {"a": "b"}), "a dict as metrics"),
        (lambda arrays, metrics: (arrays, 0.5), "a float as metrics"),
        (lambda arrays, metrics: (ArrayRecord(), metrics), r"arrays of shapes \[\]"),
        (
            lambda arrays, metrics: (record_of(arrays, lambda a: a[None]), metrics),
            r"shapes \[\[1, 2, 2\]",
        ),
        (
            lambda arrays, metrics: (record_of(arrays, lambda a: a + 1j), metrics),
            "complex64; return real numbers",
        ),
        (lambda arrays, metrics: 1 / 0, r"ZeroDivisionError.*in <lambda>, .*odd_strategies.py:\d+"),
        (lambda arrays, metrics: sys.exit(3), "SystemExit: 3"),
    ],
)
def test_what_cannot_be_the_next_w_is_named(change, words):
    with pytest.raises(UserError, match="strategy Returns: ") as error:
        a_round(wrapper(Returns(change)))
    assert re.search(words, str(error.value)), str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays, metrics: (record_of(arrays, np.float64), metrics),
        lambda arrays, metrics: (ArrayRecord({n: arrays[n] for n in ("1", "0")}), metrics),
        lambda arrays, metrics: (
            ArrayRecord({f"layer-{n}": a for n, a in arrays.items()}),
            metrics,
        ),
        lambda arrays, metrics: (arrays, None),
        lambda arrays, metrics: (arrays, {"own": 1.0, "several": [1, 2]}),
    ],
    ids=["float64", "other order", "other names", "no metrics", "metrics as a dict"],
)
def test_what_can_be_understood_is(change):
    strategy = wrapper(Returns(change))
    arrays, metrics = a_round(strategy)
    assert list(arrays) == ["0", "1"]
    for array, expected in zip(from_record(arrays), add(WEIGHTS, STEP), strict=True):
        assert array.dtype == np.float32
        np.testing.assert_allclose(array, expected, rtol=1e-6)
    assert metrics is None or isinstance(metrics, MetricRecord)


def test_whole_numbers_are_rounded_and_not_cut():
    weights = [np.array([3, -3], np.int64), np.array([True, False])]
    strategy = wrapper(FedAvg(fraction_evaluate=0.0), nodes=2, gate=False)
    asked = ask(strategy, 2, to_record(weights))
    questions = sorted(asked, key=lambda question: question.metadata.dst_node_id)
    true = np.array([True, True])
    ends = [[np.array([4, -4]), true], [np.array([5, -5]), true]]
    replies = [answer(questions[n], subtract(end, weights), n) for n, end in enumerate(ends)]
    arrays, _ = strategy.aggregate_train(1, replies)
    whole, truth = from_record(arrays)
    assert whole.dtype == np.int64
    assert whole.tolist() in ([4, -4], [5, -5])  # 4.5
    assert truth.tolist() == [True, True]


class Huge(FedAvg):
    """Merges to numbers that float64 holds and W's dtype does not."""

    def aggregate_train(self, server_round, replies):
        arrays, metrics = super().aggregate_train(server_round, replies)
        return ArrayRecord([1e60 * a.astype(np.float64) for a in from_record(arrays)]), metrics


def test_w_is_kept_where_a_merge_is_finite_only_in_another_precision():
    strategy = wrapper(Huge())
    arrays, _ = a_round(strategy)
    for array, start in zip(from_record(arrays), WEIGHTS, strict=True):
        np.testing.assert_array_equal(array, start)
    assert "merged to numbers not finite: W is kept" in strategy.report.note


def test_bulyan_behind_a_gate_that_leaves_too_few_keeps_w_and_says_why(make_config):
    config = make_config(strategy="Bulyan", strategy_args="num_malicious_nodes=1", fog_nodes=7)
    strategy = wrapper(inner_strategy(config), nodes=7)
    questions = ask(strategy, 7)
    broken = [np.full_like(array, np.nan) for array in STEP]
    replies = []
    for question in questions:
        fog_node = question.metadata.dst_node_id - node_id(0)
        replies.append(answer(question, STEP if fog_node < 4 else broken, fog_node))
    arrays, _ = strategy.aggregate_train(1, replies)
    np.testing.assert_array_equal(from_record(arrays)[0], WEIGHTS[0])
    assert strategy.report.note == "Bulyan needs 5 updates, not 4: W is kept"


class EvaluatesOddly(FedAvg):
    def configure_evaluate(self, server_round, arrays, config, grid):
        return {"ask": "nobody"}

    def aggregate_evaluate(self, server_round, replies):
        return "well"


def test_what_is_said_of_evaluation_is_checked_as_well():
    strategy = wrapper(EvaluatesOddly())
    with pytest.raises(UserError, match="EvaluatesOddly: configure_evaluate returned a list"):
        strategy.configure_evaluate(1, to_record(WEIGHTS), ConfigRecord(), FakeGrid(3))
    with pytest.raises(UserError, match="EvaluatesOddly: aggregate_evaluate returned a str as"):
        strategy.aggregate_evaluate(1, [])


# Whole runs


class ReturnsW(FedAvg):
    def configure_train(self, server_round, arrays, config, grid):
        self.w = arrays
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(self, server_round, replies):
        _, metrics = super().aggregate_train(server_round, replies)
        return self.w, metrics


class FailsLater(FedAvg):
    def aggregate_train(self, server_round, replies):
        if server_round == 2:
            raise RuntimeError("cannot open [/data/site-a]")
        return super().aggregate_train(server_round, replies)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"strategy": f"{HERE}:ReturnsW"}, "round 1: ReturnsW returned W unchanged"),
        ({"attack": "zero", "malicious_nodes": "3"}, "round 1: FedAvg returned W unchanged"),
        ({"learning_rate": 1e-30}, "round 1: FedAvg returned W unchanged"),
    ],
    ids=["strategy", "zero updates", "tiny steps"],
)
def test_a_run_in_which_w_never_changed_has_not_finished(make_config, settings, words):
    config = make_config(gate="off", **settings)
    with pytest.raises(UserError, match="W is what it was before round 1, although 6 updates"):
        run_here(config)
    run = summary(config.results_dir / "run")
    assert run["status"] == "failed"
    assert words in run["cause"]


def test_a_strategy_that_fails_loses_no_round_and_is_named_with_file_and_line(make_config):
    config = make_config(strategy=f"{HERE}:FailsLater", num_server_rounds=3)
    with pytest.raises(UserError, match="FailsLater: aggregate_train: RuntimeError"):
        run_here(config)
    folder = config.results_dir / "run"
    cause = summary(folder)["cause"]
    assert re.search(r"site-a\] \(in aggregate_train, .*test_odd_strategies.py:\d+\)", cause)
    assert summary(folder)["final"]["round"] == 1
    assert "RuntimeError" in (folder / "traceback.txt").read_text()


def test_a_wrapper_of_flowers_own_is_a_strategy_like_others(make_config):
    random.seed(0)
    folder = run_here(make_config(strategy=f"{HERE}:private", num_server_rounds=1))
    assert summary(folder)["status"] == "finished"
