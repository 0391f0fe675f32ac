"""``fog-flower check-strategy``: over all strategies, over ours, and over broken ones."""

import subprocess
import sys
from pathlib import Path

import pytest

from simulations.contract import CHECKS, check_strategy
from tests.test_strategies import FLOWER

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", [n for n in FLOWER if n != "Bulyan"])
def test_flowers_strategies_keep_it(make_config, name):
    config = make_config(strategy=name, strategy_args=FLOWER[name], fog_nodes=7)
    findings = check_strategy(config)
    assert [f.name for f in findings] == list(CHECKS)
    assert [f for f in findings if f.problem] == []


def test_bulyan_keeps_it_where_it_is_defined(make_config):
    config = make_config(strategy="Bulyan", strategy_args="num_malicious_nodes=1", fog_nodes=10)
    assert [f for f in check_strategy(config) if f.problem] == []


@pytest.mark.parametrize(
    ("name", "broken", "words"),
    [
        ("Nothing", "moves where all updates agree", "no nearer"),
        ("ReturnsNone", "keeps names, shapes and dtypes", "not NoneType"),
        ("Backwards", "keeps names, shapes and dtypes", "shapes"),
        ("Overflows", "goes on for five rounds", "not finite after round 1"),
    ],
)
def test_broken_ones_are_found(make_config, name, broken, words):
    config = make_config(strategy=f"tests.user_strategies:{name}", fog_nodes=7)
    problems = {f.name: f.problem for f in check_strategy(config)}
    assert words in problems[broken]


def test_the_command_finds_a_strategy_in_the_current_folder(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import random\nfrom flwr.serverapp.strategy import FedAvg\n\n\n"
        "class Dice(FedAvg):\n"
        "    def aggregate_train(self, server_round, replies):\n"
        "        replies = random.SystemRandom().sample(list(replies), 1)\n"
        "        return super().aggregate_train(server_round, replies)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-m", "simulations.cli", "check-strategy", "mine:Dice"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1, answer.stderr
    assert "seed what is random" in answer.stdout
