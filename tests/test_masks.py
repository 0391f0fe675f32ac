"""Masked sums: they are exact, the cloud sees nothing but sums, and who drops out costs a round."""

import itertools
import json
import math
from typing import ClassVar

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Error, Message, RecordDict
from flwr.common.constant import SUPERLINK_NODE_ID, ErrorCode

from clients.client_app import app as client_app
from clients.masking import make_key, masking
from clients.privacy._masks import mask_of, new_key
from fog_flower.errors import UserError
from fog_flower.masked import MASKS, check_weights, decode, encode
from fog_flower.records.run_folder import folder_of
from fog_flower.weights import flatten, from_record, to_record
from simulations.contract.replies import answer, context_of
from simulations.engines.inline_grid import SERVER_NODE_ID, InlineGrid
from simulations.preflight import check, check_plug_ins
from strategies import membership
from strategies.ledger import LEDGER
from strategies.masked_groups import groups_of, home_groups
from strategies.rehearsals import Rehearsals
from strategies.server_app import app as server_app
from strategies.updates import read_replies
from tests.messages import WEIGHTS
from tests.messages import asked as asked_all
from tests.runs import assert_equal_weights, rounds, updates, weights

RUN_IDS = iter(range(10**8, 10**9))
SALT = b"salt"
SIZE = 20_000


# The ring


@pytest.mark.parametrize("nodes", [2, 3, 7])
def test_masks_of_a_group_cancel_and_of_less_than_a_group_do_not(nodes):
    keys = [new_key() for _ in range(nodes)]
    public = [key for _, key in keys]
    masks = [mask_of(private, public, SALT, SIZE) for private, _ in keys]
    assert not sum(masks[1:], masks[0]).any()
    for some in itertools.combinations(range(nodes), nodes - 1):
        assert_uniform(sum((masks[n] for n in some[1:]), masks[some[0]]))
    other = mask_of(keys[0][0], public, b"another round", SIZE)
    assert_uniform(masks[0] - other)


def assert_uniform(numbers):
    """Each byte of uniform numbers is uniform: chi-square with 255 degrees, and a wide margin."""
    for place in numbers.astype("<u4").view(np.uint8).reshape(-1, 4).T:
        counts = np.bincount(place, minlength=256)
        expected = len(place) / 256
        assert ((counts - expected) ** 2 / expected).sum() < 255 + 8 * math.sqrt(2 * 255)


def test_who_is_not_in_the_group_or_finds_a_key_twice_makes_no_mask():
    (private, own), (_, other) = new_key(), new_key()
    for group in ([other], [own, other, other], [own, own]):
        with pytest.raises(ValueError, match="not those of a group with this node"):
            mask_of(private, group, SALT, 4)
    with pytest.raises(ValueError):  # noqa: PT011  (the library's: a point of low order)
        mask_of(private, [own, bytes(32)], SALT, 4)
    with pytest.raises(ValueError):  # noqa: PT011  (the library's: too short)
        mask_of(private, [own, b"short"], SALT, 4)


@pytest.mark.parametrize("members", [2, 3, 8])
def test_a_mean_in_fixed_point_is_exact_to_a_millionth(members):
    rng = np.random.default_rng(members)
    counts = rng.integers(1, 5_000, members)
    deltas = rng.normal(scale=0.3, size=(members, SIZE)).astype(np.float32)
    exact = np.average(deltas.astype(np.float64), axis=0, weights=counts)
    pairs = zip(deltas, counts, strict=True)
    encoded = [encode([delta], n / counts.sum(), members) for delta, n in pairs]
    assert [cut for _, cut in encoded] == [0] * members
    total = sum(arrays[0] for arrays, _ in encoded)
    assert np.abs(decode([total], 1.0)[0] - exact).max() < 1e-6


def test_numbers_out_of_range_are_cut_off_and_the_sum_does_not_wrap_around():
    huge = [np.array([3e38, -3e38, 1.0], np.float32)]
    (one,), cut = encode(huge, 1.0, 3)
    assert cut == 2
    largest, smallest, plain = decode([one + one + one], 1.0)[0]
    assert largest == pytest.approx(128, abs=1e-5)
    assert smallest == pytest.approx(-128, abs=1e-5)
    assert plain == 3.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="not finite"):
        encode([np.array([0.0, value], np.float32)], 0.5, 2)


def test_other_dtypes_are_refused_before_the_run_and_in_it():
    with pytest.raises(ValueError, match="array 1 of dW is float64"):
        encode([np.zeros(2, np.float32), np.zeros(2)], 0.5, 2)
    with pytest.raises(UserError, match="mask-groups=3: the model has weights of float16, int64"):
        check_weights([np.zeros(2, np.int64), np.zeros(2, np.float16)], 3)


# Groups


@pytest.mark.parametrize(
    ("places", "size", "sizes"),
    [(7, 2, [2, 2, 3]), (7, 3, [3, 4]), (3, 2, [3]), (6, 3, [3, 3]), (5, 5, [5])],
)
def test_groups_are_disjoint_and_none_is_too_small(places, size, sizes):
    groups = home_groups(places, size, 0)
    assert sorted(itertools.chain.from_iterable(groups)) == list(range(places))
    assert sorted(map(len, groups)) == sizes
    assert home_groups(places, size, 0) == groups
    assert (
        places == size
        or size == 2 * places
        or any(home_groups(places, size, seed) != groups for seed in range(1, 5))
        or len(sizes) == 1
    )


@pytest.mark.parametrize("size", [2, 3])
def test_whoever_is_missing_no_group_gets_too_small_and_nobody_is_lost(size):
    home = home_groups(7, size, 0)
    for count in range(8):
        for there in itertools.combinations(range(7), count):
            groups, left = groups_of(home, there, size)
            assert sorted([*itertools.chain.from_iterable(groups), *left]) == list(there)
            assert all(len(group) >= size for group in groups)
            assert bool(left) == (0 < count < size)
            whole = [group for group in home if set(group) <= set(there)]
            assert sum(group not in groups for group in whole) <= 1  # one takes a rest in


@pytest.mark.parametrize(
    ("there", "groups"),
    [
        ((0, 1, 2, 3, 4, 5, 6), [(0, 1, 2), (3, 4), (5, 6)]),
        ((0, 2, 3, 4, 5, 6), [(0, 2), (3, 4), (5, 6)]),
        ((0, 1, 2, 3, 5, 6), [(0, 1, 2), (3, 5, 6)]),
        ((0, 1, 2, 3, 5), [(0, 1, 2), (3, 5)]),
        ((0, 3), [(0, 3)]),
    ],
)
def test_who_is_left_alone_joins_others(there, groups):
    assert groups_of([(0, 1, 2), (3, 4), (5, 6)], there, 2) == (groups, [])


# A node


def asked(config, **records):
    config_record = ConfigRecord({"server-round": 1})
    content = RecordDict({"arrays": to_record(WEIGHTS), "config": config_record, **records})
    return Message(content, SERVER_NODE_ID, "train")


def node(config, fog_node, examples=10):
    """Return a fog node's context and public key, as after the cloud has asked for one."""
    context = context_of(config, fog_node)
    reply = make_key(asked(config), context, fog_node, examples)
    return context, reply.content.config_records[MASKS]["public-key"]


def told(*public):
    return ConfigRecord({"group-keys": list(public), "group-examples": 20})


def trains(message, context):
    return answer(message, [w / 100 for w in WEIGHTS], context.node_config["partition-id"])


def test_a_key_masks_one_dw_and_no_other(make_config):
    config = make_config(mask_groups=2)
    context, own = node(config, 0)
    _, other = node(config, 1)
    masking(asked(config, masks=told(own, other)), context, trains)
    with pytest.raises(ValueError, match="fog node 0 has no key for round 1"):
        masking(asked(config, masks=told(own, other)), context, trains)


def test_a_node_sends_nothing_to_a_cloud_that_tells_no_group_or_one_that_is_too_small(make_config):
    def never(message, context):
        raise AssertionError("trained for nothing")

    config = make_config(mask_groups=3)
    for records, words in [
        ({}, "was told no group"),
        ({"masks": told(b"x" * 32)}, "has 1 nodes, but mask-groups=3"),
        ({"masks": told(*(new_key()[1] for _ in range(3)))}, "not those of a group with this node"),
    ]:
        context, _ = node(config, 0)
        with pytest.raises(ValueError, match=words):
            masking(asked(config, **records), context, never)


def test_nodes_that_were_sent_different_weights_cannot_be_opened(make_config):
    config = make_config(mask_groups=2)
    nodes = [node(config, n) for n in range(2)]
    keys = [public for _, public in nodes]

    def total(*factors, groups=(20, 20), rates=(0.1, 0.1)):
        sums = np.zeros(6, np.uint32)
        told_each = zip(nodes, factors, groups, rates, strict=True)
        for (context, _), factor, examples, rate in told_each:
            group = ConfigRecord({"group-keys": keys, "group-examples": examples})
            message = asked(config, masks=group)
            message.content["arrays"] = to_record([w * np.float32(factor) for w in WEIGHTS])
            message.content["config"]["rate"] = rate
            reply = masking(message, context, trains)
            arrays = from_record(reply.content.array_records["arrays"])
            sums += np.concatenate([a.ravel() for a in arrays]).view(np.uint32)
        return decode([sums], 1.0)[0]

    assert np.abs(total(1.0, 1.0) - flatten(WEIGHTS) / 100).max() < 1e-6
    for lie in (
        {"factors": (1.0, 2.0)},
        {"groups": (20, 10**15)},  # the second one's share of the sum would be nothing
        {"rates": (0.1, 0.0)},
    ):
        nodes = [node(config, n) for n in range(2)]
        keys = [public for _, public in nodes]
        factors = lie.pop("factors", (1.0, 1.0))
        assert np.abs(total(*factors, **lie) - flatten(WEIGHTS) / 100).max() > 1.0


def test_a_group_of_fewer_examples_than_a_node_s_own_is_none(make_config):
    config = make_config(mask_groups=2)
    (context, own), (_, other) = (node(config, n) for n in range(2))
    few = ConfigRecord({"group-keys": [own, other], "group-examples": 9})
    with pytest.raises(ValueError, match="more than the 9 examples its group is said to have"):
        masking(asked(config, masks=few), context, trains)


# Whole runs


class WatchedGrid(InlineGrid):
    """Keeps what arrives at the cloud; a subclass interferes with it.

    Attributes
    ----------
    arrived : list of (round, kind, fog node, RecordDict)
        Answers to ``train`` and ``query.mask_key``, as they came: a merge writes into them.
    sent : list of (kind, Message)
    """

    def __init__(self, config):
        super().__init__(client_app, config.fog_nodes, config.to_run_config(), next(RUN_IDS))
        self.arrived, self.sent = [], []

    def _deliver(self, message):
        kind, node_id = message.metadata.message_type, message.metadata.dst_node_id
        self.sent.append((kind, message))
        if kind == "query":  # the handshake
            return super()._deliver(message)
        place = message.content["config"]["server-round"], kind, node_id - 1001
        reply = self.reply(*place, message)
        if reply.has_content():
            copied = {key: type(record)(dict(record)) for key, record in reply.content.items()}
            self.arrived.append((*place, RecordDict(copied)))
        return reply

    def reply(self, server_round, kind, fog_node, message):
        return super()._deliver(message)

    def answers(self, server_round):
        """Return what arrived after training in a round, by fog node."""
        answers = ((place, content) for *place, content in self.arrived)
        return {p[2]: content for p, content in answers if p[:2] == [server_round, "train"]}

    def vectors(self, server_round):
        """Return the numbers of the arrays among it."""
        return {
            n: np.concatenate([a.ravel() for a in from_record(content["arrays"])])
            for n, content in self.answers(server_round).items()
        }


@pytest.fixture
def watched(make_config, monkeypatch):
    monkeypatch.setattr(membership, "ROUND_POLL_SECONDS", 0.02)
    monkeypatch.setattr(membership, "SIMULATED_GATHER_SECONDS", 0.1)

    def run(name, kind=WatchedGrid, **settings):
        few = {"fog_nodes": 5, "end_nodes": 1, "train_examples": 240, "validation_examples": 60}
        few |= {"gate": "off", "artifacts": "model", "num_server_rounds": 1, "round_timeout": 60.0}
        config = make_config(**few | {"run_name": name} | settings)
        grid = kind(config)
        context = Context(next(RUN_IDS), SERVER_NODE_ID, {}, RecordDict(), config.to_run_config())
        server_app(grid, context)
        return folder_of(config), grid

    return run


def rows_of(folder, server_round):
    return [row for row in updates(folder) if row["round"] == str(server_round)]


def refused_in(folder, server_round):
    rows = rows_of(folder, server_round)
    return {int(row["fog_node"]): row["reason"] for row in rows if row["accepted"] == "False"}


GROUPS = home_groups(5, 2, 0)  # of five fog nodes, with seed 0


def mean_of(ring, nodes):
    """Return what the cloud makes of the answers of some fog nodes."""
    return decode([sum(ring[n].view(np.uint32) for n in nodes)], 1.0)[0]


def test_masked_fedavg_is_fedavg_and_what_arrives_tells_nothing_but_sums(watched):
    unequal = {"partition": "linear", "num_server_rounds": 2}
    plain, clear = watched("plain", **unequal)
    masked, grid = watched("masked", mask_groups=2, **unequal)
    for one, other in zip(weights(plain), weights(masked), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)

    # The first round starts from the same W, so fog nodes find the same dW.
    deltas, ring = clear.vectors(1), grid.vectors(1)
    counts = {n: content["metrics"]["num-examples"] for n, content in clear.answers(1).items()}
    assert len(set(counts.values())) == 5
    for fog_node, delta in deltas.items():
        assert ring[fog_node].dtype == np.int32
        assert_uniform(ring[fog_node].view(np.uint32))
        alone = mean_of(ring, [fog_node])
        assert abs(np.corrcoef(alone, delta)[0, 1]) < 5 / math.sqrt(len(delta))
    for count in range(1, 5):
        for nodes in itertools.combinations(range(5), count):
            if nodes not in GROUPS:
                assert_uniform(sum(ring[n].view(np.uint32) for n in nodes))
                continue
            pairs = [(deltas[n].astype(np.float64), counts[n]) for n in nodes]
            exact = np.average([d for d, _ in pairs], axis=0, weights=[n for _, n in pairs])
            assert np.abs(mean_of(ring, nodes) - exact).max() < 1e-6

    # Nothing else that arrives is made of dW, and it is no byte more.
    for fog_node, content in grid.answers(1).items():
        assert set(content) == {"arrays", "metrics", "node"}
        told = content["metrics"]
        assert set(told) == {"partition-id", "num-examples", "seconds", "loss", "accuracy"}
        assert math.isnan(told["loss"])
        assert math.isnan(told["accuracy"])
        there = clear.answers(1)[fog_node]["arrays"]
        assert [len(a.data) for a in content["arrays"].values()] == [
            len(a.data) for a in there.values()
        ]
    for column in ("bytes_up", "bytes_down"):
        assert [row[column] for row in rounds(plain)] == [row[column] for row in rounds(masked)]

    assert sorted({row["reason"] for row in rows_of(masked, 1)}) == [
        f"accepted: no gate (masked group {'+'.join(map(str, group))})" for group in GROUPS
    ]
    assert [int(row["num_examples"]) for row in rows_of(masked, 1)] == [counts[n] for n in range(5)]

    rows = {row["release"]: row for row in json.loads((masked / LEDGER).read_text())["releases"]}
    update = rows["dW of all rounds"]
    assert update["epsilon"] is None
    assert update["mechanism"].startswith("masked sums over groups of at least 2 fog nodes")
    assert any("keys of its own" in text for text in update["not_covered"])
    assert rows["loss and accuracy of training"]["mechanism"] == "not sent"
    assert rows["number of examples that it reports"]["mechanism"] == "none"


def test_without_masks_nothing_is_asked_and_nothing_is_sent_besides(watched):
    _, grid = watched("none", mask_groups=0)
    assert {kind for kind, _ in grid.sent} == {"query", "train"}
    assert all(MASKS not in message.content for _, message in grid.sent)
    assert all(context.state == RecordDict() for context in grid._contexts.values())


def test_random_masks_leave_a_run_repeatable_and_the_gate_judges_groups(watched):
    settings = {"gate": "learned", "mask_groups": 2, "cloud_examples": 60}
    one, first = watched("one", **settings)
    other, second = watched("other", **settings)
    assert_equal_weights(one, other)
    assert (first.vectors(1)[0] != second.vectors(1)[0]).any()
    rows = rows_of(one, 1)
    for group in GROUPS:
        mine = [row for row in rows if int(row["fog_node"]) in group]
        for column in ("accepted", "reason", "update_norm", "accuracy_alone", "loss_with"):
            assert len({row[column] for row in mine}) == 1
    assert len({row["update_norm"] for row in rows}) == len(GROUPS)


@pytest.mark.parametrize("attack", ["inflated", "label-flip"])
def test_an_attack_acts_inside_its_group(watched, attack):
    settings = {"attack": attack, "malicious_nodes": 1, "fog_nodes": 3}
    plain, _ = watched("plain", **settings)
    masked, grid = watched("masked", mask_groups=2, **settings)
    for one, other in zip(weights(plain), weights(masked), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    for vector in grid.vectors(1).values():
        assert_uniform(vector.view(np.uint32))


def test_a_rule_takes_means_of_groups(watched):
    folder, _ = watched("median", mask_groups=2, fog_nodes=7, strategy="FedMedian")
    assert refused_in(folder, 1) == {}


# Fog node 0 drops out, each time in another phase. Where its group lost a round by that, it
# rehearses as many rounds as it has failed in, and is there again.

MINE = next(group for group in GROUPS if 0 in group)
PHASES = {
    2: ("asked", "has no key: failed: Error: Node Unavailable"),
    4: ("between", "failed: Error: Node Unavailable"),
    6: ("trained", "failed: Error: Node Unavailable"),
    9: ("restarted", "failed: ValueError: fog node 0 has no key for round 9"),
    13: ("late", "missing or late: no reply in time"),
    18: ("attack", "failed: AttackCrashError: fog node 0 crashes in round 18 (attack)"),
}
REHEARSALS = {5: "1 of 1", 7: "1 of 2", 8: "2 of 2", 10: "1 of 3", 11: "2 of 3", 12: "3 of 3"}
REHEARSALS |= {13 + n: f"{n} of 4" for n in range(1, 5)} | {19: "1 of 5"}


class FaultyGrid(WatchedGrid):
    def reply(self, server_round, kind, fog_node, message):
        phase, _ = PHASES.get(server_round, ("", ""))
        if fog_node != 0:
            return super().reply(server_round, kind, fog_node, message)
        if (kind, phase) in (("query.mask_key", "asked"), ("train", "between")):
            return self.gone(message)
        if (kind, phase) == ("train", "restarted"):
            self._contexts[message.metadata.dst_node_id].state = RecordDict()
        reply = super().reply(server_round, kind, fog_node, message)
        return self.gone(message) if (kind, phase) == ("train", "trained") else reply

    def gone(self, message):
        error = Error(ErrorCode.NODE_UNAVAILABLE, "Error: Node Unavailable")
        reply = Message(error, reply_to=message)
        reply.metadata.__dict__["_src_node_id"] = SUPERLINK_NODE_ID
        return reply

    def send_and_receive(self, messages, *, timeout=None):
        replies = super().send_and_receive(messages, timeout=timeout)
        server_round, kind, *_ = self.arrived[-1]
        late = kind == "train" and PHASES.get(server_round, ("",))[0] == "late"
        return [reply for reply in replies if not (late and reply.metadata.src_node_id == 1001)]


def test_who_drops_out_costs_its_group_a_round_at_most(watched):
    attack = {"attack": "crash", "malicious_nodes": "nodes:0", "attack_rounds": "18"}
    folder, grid = watched("faulty", FaultyGrid, mask_groups=2, num_server_rounds=19, **attack)
    cannot = "its group cannot be opened without fog node 0"
    for server_round in range(1, 20):
        assert len(rows_of(folder, server_round)) == 5
        refused, expected, note = refused_in(folder, server_round), {}, ""
        phase, words = PHASES.get(server_round, ("", ""))
        if server_round in REHEARSALS:
            words = refused[0]
            assert words.startswith("in no masked group, because it failed in training in round")
            assert words.endswith(f"rehearsed {REHEARSALS[server_round]}")
            assert grid.answers(server_round)[0]["arrays"] == ArrayRecord()
        if words:
            expected = {0: words}
        if phase == "asked" or server_round in REHEARSALS:  # the others are summed without it
            note = OTHERS
        elif phase:
            expected |= {n: cannot for n in MINE if n != 0}
        assert refused == expected, server_round
        assert rounds(folder)[server_round]["note"] == note


OTHERS = "masked groups changed, so differences between rounds tell more: " + ", ".join(
    "+".join(map(str, group)) for group in groups_of(GROUPS, range(1, 5), 2)[0]
)


def test_who_always_fails_costs_its_group_one_round(watched):
    attack = {"attack": "crash", "malicious_nodes": "nodes:0"}
    folder, grid = watched("always", mask_groups=2, num_server_rounds=5, **attack)
    assert set(refused_in(folder, 1)) == set(MINE)
    others, _ = groups_of(GROUPS, range(1, 5), 2)
    for server_round in range(2, 6):
        told = f"failed: AttackCrashError: fog node 0 crashes in round {server_round} (attack) "
        why = "(in no masked group, because it failed in training in round 1)"
        assert refused_in(folder, server_round) == {0: told + why}
        ring = grid.vectors(server_round)
        assert sorted(ring) == [1, 2, 3, 4]
        for group in others:
            assert len(group) >= 2
            assert np.abs(mean_of(ring, group)).max() < 1.0
        for vector in ring.values():
            assert_uniform(vector.view(np.uint32))
        down = [int(row["bytes_down"]) for row in rounds(folder)[1:]]
        assert len(set(down)) == 1  # who rehearses is sent W as well
    assert fewest_keys(grid) >= 2
    rows = {row["release"]: row for row in json.loads((folder / LEDGER).read_text())["releases"]}
    told = "masked groups of other fog nodes in round 2, 3, 4, 5, because"
    assert any(text.startswith(told) for text in rows["dW of all rounds"]["not_covered"])


def fewest_keys(grid):
    """Return how many fog nodes are in the smallest group that any of them was told."""
    told = [m.content[MASKS] for _, m in grid.sent if MASKS in m.content]
    return min(len(one["group-keys"]) for one in told if "group-keys" in one)


class FailsInGroups(WatchedGrid):
    """Fog node 0 fails wherever that costs a round, and rehearses well."""

    def reply(self, server_round, kind, fog_node, message):
        told = message.content.config_records.get(MASKS, {})
        if fog_node == 0 and "group-keys" in told:
            return Message(Error(ErrorCode.NODE_UNAVAILABLE, "gone"), reply_to=message)
        return super().reply(server_round, kind, fog_node, message)


def test_who_fails_only_where_it_counts_costs_less_and_less(watched):
    folder, grid = watched("spite", FailsInGroups, mask_groups=2, num_server_rounds=10)
    lost = [n for n in range(1, 11) if set(refused_in(folder, n)) == set(MINE)]
    assert lost == [1, 3, 6, 10]
    assert all(set(refused_in(folder, n)) == {0} for n in range(1, 11) if n not in lost)
    assert fewest_keys(grid) >= 2


class SendsAnyway(WatchedGrid):
    """Fog node 0 fails in round 1, and sends a dW in clear when it is to rehearse."""

    def reply(self, server_round, kind, fog_node, message):
        reply = super().reply(server_round, kind, fog_node, message)
        if fog_node == 0 and kind == "train":
            if server_round == 1:
                return Message(Error(ErrorCode.NODE_UNAVAILABLE, "gone"), reply_to=message)
            reply.content["arrays"] = to_record(from_record(message.content["arrays"]))
        return reply


def test_a_dw_of_who_rehearses_is_not_taken(watched):
    folder, _ = watched("anyway", SendsAnyway, mask_groups=2, num_server_rounds=2)
    assert set(refused_in(folder, 2)) == {0}
    assert refused_in(folder, 2)[0].startswith("wrong shape: ")


def test_nobody_rehearses_where_the_others_make_no_group(watched):
    attack = {"attack": "crash", "malicious_nodes": "nodes:0", "attack_rounds": "1-2"}
    few = {"fog_nodes": 2, "num_server_rounds": 3}
    folder, _ = watched("pair", mask_groups=2, **few, **attack)
    for server_round in (1, 2):
        assert set(refused_in(folder, server_round)) == {0, 1}
        assert rounds(folder)[server_round]["note"].endswith("W is kept")
    assert refused_in(folder, 3) == {}


class Leaving(WatchedGrid):
    """A fog node a round goes for good."""

    order: ClassVar = GROUPS[0] + GROUPS[1]

    def get_node_ids(self):
        seen = max((server_round for server_round, *_ in self.arrived), default=0)
        return [n for n in super().get_node_ids() if n - 1001 not in self.order[:seen]]


def test_who_is_left_alone_in_a_run_sends_no_dw_alone(watched):
    few = {"num_server_rounds": 4, "min_available_nodes": 2}
    _, grid = watched("leaving", Leaving, mask_groups=2, **few)
    for server_round in range(1, 5):
        there = sorted(set(range(5)) - set(Leaving.order[: server_round - 1]))
        assert sorted(grid.answers(server_round)) == there
        groups, left = groups_of(GROUPS, there, 2)
        assert left == []
        ring = grid.vectors(server_round)
        for group in groups:
            assert np.abs(mean_of(ring, group)).max() < 1.0
        for fog_node in there:
            assert_uniform(ring[fog_node].view(np.uint32))


# Hostile answers, one a round


def without_key(content):
    del content["masks"]


def short_key(content):
    content["masks"]["public-key"] = b"short"


def weak_key(content):
    content["masks"]["public-key"] = bytes(32)


def same_key(content):
    content["masks"]["public-key"] = b"k" * 32


def endless_examples(content):
    content["metrics"]["num-examples"] = math.inf


def too_many_examples(content):
    content["metrics"]["num-examples"] = 10**9


def clear_floats(content):
    arrays = from_record(content["arrays"])
    content["arrays"] = to_record([a.astype(np.float32) for a in arrays])


def other_shapes(content):
    content["arrays"] = to_record([a.T for a in from_record(content["arrays"])])


def no_bytes(content):
    arrays = content["arrays"].items()
    broken = {n: Array(a.dtype, a.shape, a.stype, a.data[:20]) for n, a in arrays}
    content["arrays"] = ArrayRecord(broken)


def packed_bytes(content):
    content["arrays"] = ArrayRecord({"sparse": Array(np.zeros(16, np.uint8))})


KEY, DW = "query.mask_key", "train"
HOSTILE = [
    (KEY, without_key, "has no key: malformed"),
    (KEY, short_key, "has no key: malformed"),
    (KEY, weak_key, "failed: ValueError"),
    (KEY, same_key, "has no key: it is another fog node's"),
    (KEY, endless_examples, "has no key: claims inf examples"),
    (KEY, too_many_examples, "has no key: claims 1000000000 examples"),
    (DW, endless_examples, "claims inf examples"),
    (DW, too_many_examples, "claims 1000000000 examples"),
    (DW, clear_floats, "wrong shape: array 0 is float32"),
    (DW, other_shapes, "wrong shape: array 0 is int32"),
    (DW, no_bytes, "unreadable arrays"),
    (DW, packed_bytes, "unreadable arrays: packed"),
    ("attack", None, "failed: ValueError: dW is not finite, and cannot be masked"),
]


class HostileGrid(WatchedGrid):
    """Fog node 0 does one of these in each round."""

    def reply(self, server_round, kind, fog_node, message):
        reply = super().reply(server_round, kind, fog_node, message)
        when, spoil, _ = HOSTILE[server_round - 1]
        with_it = [0, 1] if spoil is same_key else [0]
        if fog_node in with_it and kind == when and reply.has_content():
            spoil(reply.content)
        return reply


def test_hostile_answers_are_refused_with_a_reason(watched, monkeypatch):
    monkeypatch.setattr(Rehearsals, "due", lambda self, fog_nodes: [])  # one after the other
    attack = {"attack": "nan", "malicious_nodes": "nodes:0", "attack_rounds": f"{len(HOSTILE)}"}
    settings = {"num_server_rounds": len(HOSTILE), **attack}
    folder, _ = watched("hostile", HostileGrid, mask_groups=2, **settings)
    for number, (kind, spoil, words) in enumerate(HOSTILE, 1):
        refused = refused_in(folder, number)
        assert refused.pop(0).startswith(words), number
        if spoil is same_key:
            assert refused.pop(1).startswith(words)
        mine = set(MINE) - {0} if kind != KEY or spoil is weak_key else set()
        assert set(refused) == mine, number


def test_endless_examples_are_refused_where_nobody_knows_how_many_there_are():
    replies = [answer(m, WEIGHTS, n, math.inf if n else 5) for n, m in enumerate(asked_all(2))]
    updates, refusals = read_replies(replies, [], WEIGHTS, {})
    assert [one.fog_node for one in updates] == [0]
    assert "claims inf examples" in refusals[0].reason


# Settings


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"mask_groups": 1},
            "mask-groups=1: the sum of a single dW is that dW; use 2 or more, or 0",
        ),
        ({"mask_groups": -2}, "mask-groups=-2: must be at least 0"),
        ({"mask_groups": 4}, "mask-groups=4: there are only fog-nodes=3; use at most that many"),
        ({"architecture": "centralized"}, "mask-groups=2: there are only fog-nodes=1"),
        ({"fraction_train": 0.7}, "fraction-train=0.7: different fog nodes in each round"),
        ({"min_available_nodes": 1}, "min-available-nodes=1: mask-groups=2 opens no sum over"),
        ({"merge": "sum"}, "merge='sum': mask-groups=2 gives means of groups"),
        ({"merge": "sequential"}, "merge='sequential': mask-groups=2 gives means of groups"),
        ({"client_mods": "tests.any_data:mod"}, "client-mods='tests.any_data:mod': a mod may"),
        ({"fog_protection": "selective"}, "fog-protection='selective': which numbers it sends"),
        (
            {"strategy": "QFedAvg", "strategy_args": "client_learning_rate=0.1"},
            "it weighs fog nodes by their losses, but with mask-groups=2",
        ),
        (
            {"strategy": "central-dp", "gate": "off"},
            "in which one node counts twice as much",
        ),
        (
            {"strategy": "Krum", "fog_nodes": 7, "strategy_args": "num_malicious_nodes=1"},
            "mask-groups=2 makes 3 of fog-nodes=7",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_before_the_run(make_config, settings, words):
    with pytest.raises(UserError) as caught:
        check_plug_ins(make_config(**{"mask_groups": 2, **settings}))
    assert words in str(caught.value)


def test_a_model_that_is_not_float32_is_refused_before_the_run(make_config):
    with pytest.raises(UserError, match="the model has weights of bool, int64, uint8"):
        check(make_config(mask_groups=2, model="tests.model_zoo:counters"))
