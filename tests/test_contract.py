"""``fog-flower check``: every built-in plug-in keeps its contract, and broken ones are found."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from clients.attacks import ATTACKS
from clients.attacks._attacker import AttackCrashError
from clients.privacy import PROTECTIONS
from fog_flower.data.partitions import PARTITIONS
from fog_flower.errors import UserError
from fog_flower.models import MODELS
from fog_flower.records.trackers import TRACKERS
from fog_flower.tasks.examples import Examples
from simulations.contract.kinds import KINDS, check_contract, kind_of
from simulations.contract.of_strategy import CHECKS
from strategies.build import strategy_names
from strategies.gate import Decision
from strategies.gates import GATES
from tests.test_strategies import FLOWER

ROOT = Path(__file__).resolve().parent.parent
HERE = "tests.test_contract"
SMALL = {"model": "tests.small_models:small_mlp"}


def problems(kind, name, **settings):
    settings = {key.replace("_", "-"): value for key, value in settings.items()}
    return {f.name: f.problem for f in check_contract(kind, name, SMALL | settings) if f.problem}


# Every built-in one: a new file is checked without being named here.


@pytest.mark.parametrize("name", strategy_names())
def test_strategies_keep_it(name):
    fog_nodes = 10 if name == "Bulyan" else 7
    arguments = {**FLOWER, "central-dp": "noise=0.1"}.get(name, "")  # less than a step's length
    findings = check_contract(
        "strategy", name, {"strategy-args": arguments, "fog-nodes": fog_nodes}
    )
    assert [f.name for f in findings] == list(CHECKS)
    assert [f for f in findings if f.problem] == []


@pytest.mark.parametrize("name", GATES.names())
def test_gates_keep_it(name):
    try:
        found = problems("gate", name)
    except UserError as error:
        if "cloud-examples=0" not in str(error):
            raise
        found = problems("gate", name, cloud_examples=40)  # it judges what the cloud trains
    assert found == {}


@pytest.mark.parametrize("model", ["small_models:small_mlp", "model_zoo:all_kinds_of_weights"])
@pytest.mark.parametrize("name", ATTACKS.names())
def test_attacks_keep_it(name, model):
    # One candidate beyond what it knows; and not a second late each time.
    strength = {"white-box": 7.0, "slow": 0.01}.get(name, 0.0)
    assert problems("attack", name, model=f"tests.{model}", attack_strength=strength) == {}


@pytest.mark.parametrize("name", PROTECTIONS.names())
def test_protections_keep_it(name):
    assert problems("protection", name, noise_sigma=0.1) == {}


@pytest.mark.parametrize("name", PARTITIONS.names())
def test_partitions_keep_it(name):
    found = problems("partition", name)
    if example := re.search(rf"e\.g\. ({name}:\S+)", " ".join(found.values())):  # it takes a value
        found = problems("partition", example[1])
    assert found == {}


@pytest.mark.parametrize("name", MODELS.names())
def test_models_keep_it(name):
    assert problems("model", name, model=name) == {}


@pytest.mark.parametrize("name", TRACKERS.names())
def test_trackers_keep_it(name):
    found = problems("tracker", name)
    if any("not installed" in problem for problem in found.values()):
        pytest.skip("its extra is not installed")
    assert found == {}


def test_data_keeps_it(npz_path):
    assert problems("dataset", f"npz:{npz_path}") == {}
    assert problems("dataset", "simulations.contract.made_up:digits") == {}


# Broken ones


@pytest.mark.parametrize(
    ("name", "broken", "words"),
    [
        ("Nothing", "moves where all updates agree", "no nearer"),
        ("ReturnsNone", "keeps names, shapes and dtypes", "not NoneType"),
        ("Backwards", "keeps names, shapes and dtypes", "shapes"),
        ("Overflows", "works for five rounds", "not finite after round 1"),
    ],
)
def test_broken_strategies_are_found(name, broken, words):
    assert words in problems("strategy", f"tests.user_strategies:{name}")[broken]


class OneForAll:
    def judge(self, trial):
        return [Decision(True, "all")]


class NoList:
    def judge(self, trial):
        return True


class OddThings:
    def judge(self, trial):
        return [True] * len(trial)


class RefusesAll:
    def judge(self, trial):
        return [Decision(False, "no")] * len(trial)


class Alternates:
    def __init__(self):
        self.times = 0

    def judge(self, trial):
        self.times += 1
        return [Decision(n > 0 or self.times % 2 == 0, "now") for n in range(len(trial))]


class NeedsThree:
    def judge(self, trial):
        return [Decision(trial.norms[2] > 0 or True, "third") for _ in trial.norms]


class NumpyDecides:
    def judge(self, trial):
        return (Decision(np.bool_(True), "a generator is a list") for _ in trial.norms)


@pytest.mark.parametrize(
    ("name", "broken", "words"),
    [
        ("OneForAll", "decides on every update, and lets honest ones in", "1 decisions for 3"),
        ("NoList", "decides on every update, and lets honest ones in", "returned bool"),
        ("OddThings", "decides on every update, and lets honest ones in", "a list with a bool"),
        ("RefusesAll", "decides on every update, and lets honest ones in", "would be learned"),
        ("Alternates", "decides the same twice", "keep no state"),
        (
            "NeedsThree",
            "decides on a single update, and on two",
            r"IndexError.*in .*, .*test_contract.py:\d+",
        ),
    ],
)
def test_broken_gates_are_found(name, broken, words):
    assert re.search(words, problems("gate", f"{HERE}:{name}")[broken])


def test_a_gate_may_answer_with_what_numpy_makes():
    assert problems("gate", f"{HERE}:NumpyDecides") == {}


def no_list(attacker):
    return attacker.honest_update[0]


def nothing(attacker):
    attacker.rng.random()


def nested(attacker):
    return [array.tolist() for array in attacker.honest_update]


def objects(attacker):
    return [np.array([{}]) for _ in attacker.honest_update]


def whole_numbers(attacker):
    return [np.rint(array).astype(np.int32) for array in attacker.honest_update]


def doubles(attacker):
    return [array.astype(np.float64) for array in attacker.honest_update]


def draws(attacker):
    return [np.random.default_rng().normal(size=a.shape) for a in attacker.honest_update]


def spoils(attacker):
    attacker.data.targets[:] = 0
    return attacker.honest_update


def divides(attacker):
    return 1 / 0


def gives_up(attacker):
    raise AttackCrashError("on purpose")


def trains(attacker, strength=1.0):
    data = dataclasses.replace(attacker.data, targets=attacker.task.flipped(attacker.data.targets))
    return attacker.trained_on(data)


def scales(attacker, strength=1.0):
    return tuple(strength * array for array in attacker.honest_updates()[0])


@pytest.mark.parametrize(
    ("name", "broken", "words"),
    [
        ("no_list", "sends an update in every round", "returned ndarray; return a list of arrays"),
        ("nothing", "sends an update in every round", "returned NoneType"),
        ("nested", "sends an update in every round", "item 0 is a list"),
        ("objects", "sends an update in every round", "item 0 is a array of object"),
        ("divides", "sends an update in every round", r"ZeroDivision.*in divides, .*py:\d+"),
        ("whole_numbers", "sends the shapes and dtypes of dW", "the cloud refuses arrays int32"),
        ("draws", "sends the same when called twice", "attacker.rng"),
        ("spoils", "does not change what it is given", "work on copies"),
    ],
)
def test_broken_attacks_are_found(name, broken, words):
    assert re.search(words, problems("attack", f"{HERE}:{name}")[broken])


@pytest.mark.parametrize("name", ["gives_up", "trains", "scales", "doubles"])
def test_attacks_of_a_users_own_keep_it(name):
    assert problems("attack", f"{HERE}:{name}") == {}


def in_place(share, context):
    share.inputs[:] = 0
    return share


def wider(share, context):
    return Examples(share.inputs.astype(np.float64), share.targets)


def forgets(share, context):
    share.inputs.sum()


def unseeded(share, context):
    noise = np.random.default_rng().normal(size=share.inputs.shape)
    return Examples((share.inputs + noise).astype(np.float32), share.targets)


@pytest.mark.parametrize(
    ("name", "broken", "words"),
    [
        ("in_place", "does not change what it is given", "work on a copy"),
        ("wider", "returns examples of the same shape and dtype", "float64"),
        ("forgets", "returns examples of the same shape and dtype", "NoneType"),
        ("unseeded", "does the same twice with noise-source=seeded", "context.rng"),
    ],
)
def test_broken_protections_are_found(name, broken, words):
    assert words in problems("protection", f"{HERE}:{name}")[broken]


def twice(groups, fog_nodes, seed):
    return [np.arange(len(groups))] * fog_nodes


def masks(groups, fog_nodes, seed):
    return [groups % fog_nodes == fog for fog in range(fog_nodes)]


def shuffled(groups, fog_nodes, seed):
    return np.array_split(np.random.default_rng().permutation(len(groups)), fog_nodes)


def fails(groups, fog_nodes, seed):
    return groups["a"]


@pytest.mark.parametrize(
    ("name", "broken", "words"),
    [
        ("twice", "deals each example at most once, and some to every fog node", "dealt twice"),
        ("masks", "deals each example at most once, and some to every fog node", "positions"),
        (
            "fails",
            "deals each example at most once, and some to every fog node",
            r"fails, .*py:\d+",
        ),
        ("shuffled", "assigns the same twice", "draw with the given seed"),
    ],
)
def test_broken_partitions_are_found(name, broken, words):
    assert re.search(words, problems("partition", f"{HERE}:{name}")[broken])


def too_few_outputs(spec, task):
    layers = [keras.Input(spec.shape), keras.layers.Flatten(), keras.layers.Dense(7)]
    return keras.Sequential(layers)


def test_broken_models_are_found():
    found = problems("model", f"{HERE}:too_few_outputs", model=f"{HERE}:too_few_outputs")
    assert "[n, 10]" in found["can be built, the same for one seed, and trained"]


def other_data():
    rng = np.random.default_rng()
    part = (rng.normal(size=(120, 4)).astype(np.float32), np.arange(120) % 2)
    return part, part


def test_broken_data_is_found():
    name = f"{HERE}:other_data"
    assert "seed its draws" in problems("dataset", name, dataset=name)["loads the same twice"]


def asks_for_more(message, context, call_next):
    return call_next(message, context) if message.content["weights"] else None


def returns_nothing(message, context, call_next):
    call_next(message, context)


def drops_arrays(message, context, call_next):
    reply = call_next(message, context)
    if "arrays" in reply.content and "arrays" in message.content:
        del reply.content["arrays"]
    return reply


@pytest.mark.parametrize(
    ("name", "broken", "words"),
    [
        ("asks_for_more", "answers a train message with an update", r"KeyError.*in asks_for_more"),
        ("returns_nothing", "answers a train message with an update", "returned NoneType"),
        ("drops_arrays", "answers a train message with an update", "0 ArrayRecords"),
    ],
)
def test_broken_mods_are_found(name, broken, words):
    assert re.search(words, problems("mod", f"{HERE}:{name}")[broken])


@pytest.mark.parametrize("name", ["message_size_mod", "arrays_size_mod"])
def test_mods_of_flower_s_keep_it(name):
    assert problems("mod", f"flwr.clientapp.mod:{name}") == {}


@pytest.mark.parametrize("name", ["LocalDpMod", "fixedclipping_mod", "adaptiveclipping_mod"])
def test_mods_of_flower_s_that_take_dw_for_weights_are_refused(name):
    found = problems("mod", f"flwr.clientapp.mod:{name}")
    assert "it takes replies for weights, but here they are dW" in str(found)


class Forgetful:
    def start(self, folder, facts):
        pass

    def log(self, row, updates):
        row.clear()

    def end(self, status):
        raise OSError("no disk")


def test_broken_trackers_are_found():
    found = problems("tracker", f"{HERE}:Forgetful")
    assert all("changed a round's row" in problem for problem in found.values())


# The command


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["attack", "mine:far"], ("attack", "mine:far")),
        (["sign-flip"], ("attack", "sign-flip")),
        (["FedAvg"], ("strategy", "FedAvg")),
        (["fltrust"], ("strategy", "fltrust")),
        (["dirichlet:0.3"], ("partition", "dirichlet:0.3")),
        ([f"{HERE}:OneForAll"], ("gate", f"{HERE}:OneForAll")),
        ([f"{HERE}:scales"], ("attack", f"{HERE}:scales")),
        ([f"{HERE}:wider"], ("protection", f"{HERE}:wider")),
        ([f"{HERE}:twice"], ("partition", f"{HERE}:twice")),
        ([f"{HERE}:returns_nothing"], ("mod", f"{HERE}:returns_nothing")),
        ([f"{HERE}:too_few_outputs"], ("model", f"{HERE}:too_few_outputs")),
        ([f"{HERE}:Forgetful"], ("tracker", f"{HERE}:Forgetful")),
        (["tests.user_strategies:HalfStep"], ("strategy", "tests.user_strategies:HalfStep")),
    ],
)
def test_the_kind_can_be_told(words, expected):
    assert kind_of(words) == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["absent"], "check absent: does not say what it is; write KIND before it"),
        ([f"{HERE}:other_data"], "does not say what it is"),
        (["attack"], "say which"),
        (["attac", "mine:far"], "check attac: write KIND NAME"),
        (["mine:far", "x", "y"], "write KIND NAME"),
        (["absent_module:far"], "cannot be imported"),
    ],
)
def test_what_cannot_be_told_is_asked_for(words, message):
    with pytest.raises(UserError, match=re.escape(message)) as error:
        kind_of(words)
    assert "\n" not in str(error.value)


def test_there_is_a_contract_of_every_key_that_takes_code():
    from fog_flower.config import PLUG_INS

    assert sorted(kind.key for kind in KINDS.values()) == sorted(PLUG_INS)


def fog_flower(*words, cwd):
    return subprocess.run(
        [sys.executable, "-m", "simulations.cli", *words],
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(cwd)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_finds_a_strategy_in_the_current_folder(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import random\nfrom flwr.serverapp.strategy import FedAvg\n\n\n"
        "class Dice(FedAvg):\n"
        "    def aggregate_train(self, server_round, replies):\n"
        "        replies = random.SystemRandom().sample(list(replies), 1)\n"
        "        return super().aggregate_train(server_round, replies)\n"
    )
    answer = fog_flower("check", "mine:Dice", cwd=tmp_path)
    assert answer.returncode == 1, answer.stderr
    assert "seed random draws" in answer.stdout
    assert "strategy mine:Dice: " in answer.stdout
    assert fog_flower("check-strategy", "mine:Dice", cwd=tmp_path).returncode == 2


def test_the_command_says_what_passed(tmp_path):
    (tmp_path / "mine.py").write_text(
        "def far(attacker, strength=1.0):\n"
        "    return [strength * a for a in attacker.honest_update]\n"
    )
    answer = fog_flower("check", "attack", "mine:far", "attack-strength=2.0", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "attack mine:far: 4 of 4 checks passed" in answer.stdout
