"""Eleven plug-ins of a user's own at once, from an empty folder: those that the docs show."""

import sys
from pathlib import Path

import pytest

from fog_flower.config import PLUG_INS
from fog_flower.errors import UserError
from fog_flower.user_code import own_modules, user_code
from simulations.overrides import configure
from simulations.preflight import check, check_plug_ins
from tests.clashes import make_clashes
from tests.launched import fog_flower
from tests.runs import rounds, summary, updates
from tests.test_docs import EXAMPLES, SMALL

ROOT = Path(__file__).resolve().parent.parent
ALL = {
    "strategy": "mine:LargestFirst",
    "gate": "my_gate:Shortest",
    "model": "my_model:network",
    "dataset": "my_data:half_moons",
    "features": "my_features:waves(count=32)",
    "partition": "my_partition:doubling",
    "attack": "my_attack:now_and_then",
    "protection": "my_protection:coarse",
    "fog-protection": "my_upload:Coarse(step=0.01)",
    "client-mods": "my_mod:bounded",
    "trackers": "my_tracker:Diary",
}
KINDS = {"client-mods": "mod", "trackers": "tracker"}
SETTINGS = [*SMALL, *(f"{key}={name}" for key, name in ALL.items()), "malicious-nodes=1"]


@pytest.fixture
def folder(tmp_path):
    for name, block in EXAMPLES.items():
        (tmp_path / name).write_text(block)
    return tmp_path


@pytest.fixture
def here(folder, monkeypatch):
    """Stand in the folder, as the command does."""
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    for name in [*EXAMPLES, "odd.py"]:
        monkeypatch.delitem(sys.modules, name.removesuffix(".py"), raising=False)
    return folder


def check_records(run):
    told = summary(run)
    assert told["status"] == "finished", told["cause"]
    assert set(told["user_code"]) == set(EXAMPLES)
    assert len((run / "diary.txt").read_text().splitlines()) == 3  # round 0, too
    rows = updates(run)
    assert all(row["reason"].startswith("length ") for row in rows)
    assert [int(row["num_examples"]) for row in rows[:3]] == sorted(
        int(row["num_examples"]) for row in rows[:3]
    )
    assert all(float(row["update_norm"]) <= 0.1 * told["model_parameters"] ** 0.5 for row in rows)
    assert len(rounds(run)) == 3


@pytest.mark.parametrize("engine", ["inline", pytest.param("ray", marks=pytest.mark.e2e)])
def test_all_of_them_at_once(folder, engine):
    assert set(ALL) == set(PLUG_INS)
    make_clashes(folder)
    code, output = fog_flower(folder, "run", "--engine", engine, *SETTINGS, "run-name=all")
    assert code == 0, output
    check_records(folder / "results" / "runs" / "all")


@pytest.mark.parametrize("key", ALL)
def test_each_keeps_its_contract(here, key):
    from simulations.contract.kinds import check_contract, kind_of

    kind = KINDS.get(key, key)
    settings = {"model": "my_model:network"} | ({"model": ALL["model"]} if key == "model" else {})
    assert [f for f in check_contract(kind, ALL[key], settings) if f.problem] == []
    if key != "dataset":  # nothing tells a function without parameters from another
        assert kind_of([ALL[key]]) == (kind, ALL[key])
    assert kind_of([key, ALL[key]]) == (kind, ALL[key])  # the key's name is a kind, too


def test_every_file_is_recorded_by_its_place(here):
    (here / "package").mkdir()
    (here / "package" / "__init__.py").write_text("def far(attacker):\n    return []\n")
    (here / "package" / "my_gate.py").write_text(EXAMPLES["my_gate.py"])
    typed = ["gate=package.my_gate:Shortest", "attack=package:far", "malicious-nodes=1"]
    config = configure("demo", [*SETTINGS[:-1], *typed])
    assert set(own_modules(config)) == {
        *(
            name.removesuffix(".py")
            for name in EXAMPLES
            if name not in ("my_gate.py", "my_attack.py")
        ),
        "package",
        "package.my_gate",
    }
    code = user_code(config)
    assert {"package/__init__.py", "package/my_gate.py", "mine.py"} <= set(code)
    (here / "mine.py").write_text(EXAMPLES["mine.py"] + "\n# changed\n")
    assert user_code(config)["mine.py"] != code["mine.py"]


WRONG = {
    "strategy": "class odd:\n    def __init__(self):\n        raise OSError('no licence')\n",
    "gate": "class odd:\n    def __init__(self):\n        raise OSError('no licence')\n",
    "model": "def odd(spec, task):\n    return {}['layers']\n",
    "dataset": "def odd():\n    return {}['rows']\n",
    "features": "def odd(inputs):\n    return inputs.nothing\n",
    "partition": "def odd(groups, fog_nodes, seed):\n    return groups['a']\n",
    "attack": "def odd(attacker):\n    return attacker.nothing\n",
    "protection": "def odd(share, context):\n    return share.nothing\n",
    "fog-protection": "def odd(delta, context):\n    return delta.nothing\n",
    "trackers": "class odd:\n    start = log = end = id\n    def __init__(self):\n        1 / 0\n",
}


@pytest.mark.parametrize("key", WRONG)
def test_what_fails_in_a_users_code_is_one_line_with_its_place_before_the_run(here, key):
    (here / "odd.py").write_text(WRONG[key])
    config = configure("demo", [*SETTINGS, f"{key}=odd:odd"])
    with pytest.raises(UserError) as error:
        check(config)
    message = str(error.value)
    assert f"{key}='odd:odd'" in message
    assert "odd.py:" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["attack=zero", "attack-strength=2.0"], "attack='zero', attack-strength=2.0: got an un"),
        (["attack=odd:constant"], "attack='odd:constant': is a int; name a function"),
        (["attack=odd:needs_more"], "attack='odd:needs_more': missing a required argument"),
        (["client-mods=odd:constant"], "client-mods='odd:constant': is a int; name a function"),
        (["gate=odd:constant"], "gate='odd:constant': is a int; name a class"),
        (["gate=odd:empty"], "without a method judge"),
        (["trackers=odd:constant"], "trackers='odd:constant'"),
        (["malicious-nodes=-1"], "malicious-nodes='-1': write how many of the 3 fog nodes"),
        (["malicious-nodes=4"], "malicious-nodes='4': write how many of the 3 fog nodes"),
    ],
)
def test_what_is_no_plug_in_is_named_before_the_run(here, typed, words):
    (here / "odd.py").write_text(
        "constant = 1\n\n\ndef needs_more(attacker, more):\n    return []\n\n\n"
        "def empty():\n    return 1\n"
    )
    with pytest.raises(UserError, match="^" + words if words[0] != "w" else words) as error:
        check_plug_ins(configure("demo", [*SETTINGS, *typed]))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", ALL)
def test_a_file_that_lies_here_is_named_with_what_to_write(here, key):
    (here / "odd.py").write_text("")
    for text in ["odd"] if key == "client-mods" else ["odd", "odd.py"]:
        with pytest.raises(UserError, match=f"odd.py is here: name the .* in it, {key}=odd:"):
            check(configure("demo", [*SETTINGS, f"{key}={text}"]))


def test_an_argument_that_a_gate_lacks_is_named_with_the_nearest(here):
    words = "gate-args .factr=2.: there is no argument 'factr'; there are: factor; did you mean f"
    with pytest.raises(UserError, match=words):
        check_plug_ins(configure("demo", [*SETTINGS, "gate-args=factr=2"]))


def test_what_a_run_is_made_of_is_told_with_its_arguments(here):
    from simulations.cli.run_display import describe_arguments

    config = configure("demo", [*SETTINGS, "gate-args=factor=3.0"]).to_run_config()
    told = describe_arguments(config, "strategy-args", "gate-args", "client-mods")
    assert told == ", gate-args=factor=3.0, client-mods=my_mod:bounded"
