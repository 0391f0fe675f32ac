"""W of central-dp tells as little of a fog node as it promises, and W of broken ones more."""

import numpy as np
import pytest

from simulations.audits import central_dp
from simulations.audits.finding import HOLDS, NO_CLAIM, REFUTED
from strategies.rules.central_dp import CentralDP

HERE = "tests.test_central_dp_audit"


def said(text: str) -> None:
    pass


class Less(CentralDP):
    """Adds a part of the noise that it accounts for."""

    part = 0.0

    def step(self, rows, num_examples):
        promised = self.noise
        self.noise = self.part * promised
        merged = super().step(rows, num_examples)
        self.noise = promised
        return merged


class Half(Less):
    """Adds half of the noise that it accounts for."""

    part = 0.5


class ByThoseThere(CentralDP):
    """Divides by how many nodes answer, which tells whether one did."""

    def step(self, rows, num_examples):
        return super().step(rows, num_examples) * self.nodes / len(rows)


class OneNumber(Less):
    """Adds the same noise to all numbers, so that differences between them have none."""

    def step(self, rows, num_examples):
        noise = np.random.normal(scale=self.noise * self.clip / self.nodes)  # noqa: NPY002
        return super().step(rows, num_examples) + noise


@pytest.fixture
def audited(make_config, tmp_path, monkeypatch):
    monkeypatch.setattr(central_dp, "GAMES", 3000)

    def audited(strategy, arguments="epsilon=2"):
        # Seeded noise is other noise in each game, and the same in each run of the test.
        config = make_config(
            strategy=strategy,
            strategy_args=arguments,
            gate="off",
            fog_nodes=10,
            end_nodes=1,
            noise_source="seeded",
        )
        return config, central_dp.audit(config, tmp_path, said)

    return audited


def test_central_dp_holds_until_its_seed_is_known(audited, tmp_path):
    config, (counted, gaussian, known) = audited("central-dp")
    assert (counted.verdict, gaussian.verdict, known.verdict) == (HOLDS, HOLDS, REFUTED)
    assert counted.claimed == pytest.approx(2.0, abs=0.01)  # of the ledger, for all rounds
    assert gaussian.value > 1.2  # so an audit that holds says something
    assert (tmp_path / "central-dp.png").exists()
    entropy = config.changed({"noise-source": "entropy"})
    attacks = {one.attack for one in central_dp.audit(entropy, tmp_path, said)}
    assert attacks == {counted.attack, gaussian.attack}  # there is no seed to know


@pytest.mark.parametrize("broken", ["Less", "Half", "ByThoseThere", "OneNumber"])
def test_what_tells_more_than_it_promises_is_refuted(audited, broken):
    _, (_, gaussian, _) = audited(f"{HERE}:{broken}")
    assert gaussian.claimed == pytest.approx(2.0, abs=0.01)
    assert gaussian.verdict == REFUTED


def test_without_noise_the_promise_is_refuted_whatever_the_noise_was_to_be(audited):
    _, (counted, _, _) = audited(f"{HERE}:Less")
    assert counted.verdict == REFUTED


def test_where_nothing_is_promised_nothing_is_refuted(audited, make_config, tmp_path):
    _, found = audited("central-dp", "noise=0.0")
    assert {one.verdict for one in found} == {NO_CLAIM}
    (found,) = central_dp.audit(make_config(), tmp_path, said)
    assert (found.measure, found.attack) == (
        "not applicable",
        "strategy=FedAvg is not central-dp",
    )


def test_many_rounds_have_fewer_games(make_config, monkeypatch):
    monkeypatch.setattr(central_dp, "STEPS", 4000)
    monkeypatch.setattr(central_dp, "LEAST_GAMES", 10)
    rows, strategy = np.zeros((1, 2)), CentralDP(noise=1.0)
    for rounds, games in ((1, 2000), (20, 100), (1000, 10)):
        config = make_config(num_server_rounds=rounds)
        assert len(central_dp.played(config, strategy, rows, 0)) == games
