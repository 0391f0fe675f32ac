"""Audits: what they measure is known, and a broken mechanism does not survive them."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from clients.privacy.end_node.gaussian import Gaussian
from fog_flower.errors import UserError
from fog_flower.privacy.accounting import gaussian_epsilon
from fog_flower.privacy.guarantee import INPUTS, Guarantee
from fog_flower.scratch import scratch_dir
from simulations.audits import one_run, shipments
from simulations.audits.bounds import (
    from_gaussians,
    from_identification,
    from_one_run,
    from_pairs,
    most_from_one_run,
    proportion,
)
from simulations.audits.finding import HOLDS, NO_CLAIM, REFUTED, WEAK, AuditFinding
from simulations.audits.linear_reconstruction import learned_reconstruction
from simulations.audits.make import SET_ASIDE, make_audits
from simulations.cli.commands import app

RNG = np.random.default_rng(0)
SAID = [].append


def test_an_interval_of_a_proportion():
    assert proportion(0, 300) == (0.0, pytest.approx(0.0122, abs=1e-4))  # 1 - 0.025^(1/300)
    assert proportion(300, 300)[1] == 1.0


@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_a_bound_from_pairs_is_below_the_truth_and_not_far(noise):
    one, other = RNG.normal(1.0, noise, 4000), RNG.normal(0.0, noise, 4000)
    bound, _ = from_pairs(one, other, 1e-5)
    assert 0.15 * gaussian_epsilon(noise, 1e-5) < bound < gaussian_epsilon(noise, 1e-5)


@pytest.mark.parametrize("noise", [0.5, 1.0, 4.0])
def test_a_bound_that_assumes_gaussian_noise_is_below_the_truth_and_near(noise):
    one, other = RNG.normal(1.0, noise, 10_000), RNG.normal(0.0, noise, 10_000)
    bound, most = from_gaussians(one, other, 1e-5)
    assert 0.5 * gaussian_epsilon(noise, 1e-5) < bound < gaussian_epsilon(noise, 1e-5)
    assert from_gaussians(other, one, 1e-5)[0] == 0.0
    assert from_gaussians(np.ones(10_000), np.zeros(10_000), 1e-5)[0] == most > 20.0


def test_what_is_the_same_gives_no_bound():
    assert from_pairs(RNG.normal(size=2000), RNG.normal(size=2000), 0.0)[0] < 0.3


def test_a_bound_from_one_run():
    included = RNG.random(1000) < 0.5
    assert from_one_run(included + 0.01 * RNG.normal(size=1000), included, 1e-5)[0] > 4.0
    assert from_one_run(RNG.normal(size=1000), included, 1e-5)[0] < 0.5
    # randomised response at epsilon 1 on each canary: a bound below 1
    kept = RNG.random(1000) < np.exp(1) / (1 + np.exp(1))
    told = np.where(kept, included, ~included) + 1e-6 * RNG.normal(size=1000)
    assert 0.5 < from_one_run(told, included, 0.0)[0] < 1.0


def test_verdicts():
    assert AuditFinding("a", "b", "c", 2.0, claimed=1.0, bound=True).verdict == REFUTED
    assert AuditFinding("a", "b", "c", 0.5, claimed=1.0, bound=True).verdict == HOLDS
    assert AuditFinding("a", "b", "c", 99.0, claimed=1.0).verdict == ""
    assert AuditFinding("a", "b", "c", 99.0, bound=True).verdict == NO_CLAIM
    assert AuditFinding("a", "b", "c", 6.0, claimed=8.0, bound=True, most=6.3).verdict == WEAK
    assert AuditFinding("a", "b", "c", 6.0, claimed=6.1, bound=True, most=6.3).verdict == HOLDS


def test_no_scores_show_more_than_those_that_are_told_apart_always():
    apart, most = from_pairs(np.ones(4000), np.zeros(4000), 0.0)
    assert apart == pytest.approx(most, abs=0.01)
    assert from_pairs(RNG.normal(size=4000), RNG.normal(size=4000), 0.0)[1] == most
    included = RNG.permutation(1000) < 500
    all_right = from_one_run(included + 0.01 * RNG.normal(size=1000), included, 1e-5)[0]
    assert all_right == pytest.approx(most_from_one_run(1000, 1e-5), abs=0.01)


def test_randomised_response_is_identified_as_often_as_its_epsilon_allows():
    """Among m candidates it tells the truth with probability e^epsilon / (e^epsilon + m - 1)."""
    tries, candidates, epsilon = 20_000, 50, 3.0
    truth = np.exp(epsilon) / (np.exp(epsilon) + candidates - 1)
    hits = RNG.binomial(tries, truth)
    bound, most = from_identification(hits, tries, candidates, 0.0)
    assert epsilon - 0.15 < bound < epsilon + 0.02
    assert most > 10.0
    assert from_identification(tries // candidates, tries, candidates, 0.0)[0] == 0.0
    assert from_identification(600, 600, 600, 1e-5)[0] > 8.0  # who always finds it refutes 8


def told(findings, attack):
    (found,) = [one for one in findings if one.attack == attack and one.bound]
    return found


def test_a_gaussian_survives_until_its_seed_is_known(make_config, tmp_path):
    config = make_config(protection="gaussian(epsilon=2,clip=5)")
    findings = shipments.audit(config, tmp_path, SAID)
    assert told(findings, "two far inputs told apart").verdict == HOLDS
    again = "two far inputs told apart, noise drawn again from the seed"
    assert told(findings, again).verdict == REFUTED
    found = "noise drawn again from the seed: what finding it shows"
    assert told(findings, found).verdict == REFUTED
    assert (tmp_path / "shipments.png").exists()
    entropy = config.changed({"noise-source": "entropy"})
    assert again not in {one.attack for one in shipments.audit(entropy, tmp_path, SAID)}


def test_a_gaussian_without_its_noise_is_caught(make_config, tmp_path, monkeypatch):
    monkeypatch.setattr(Gaussian, "_deviation", 1e-9)
    monkeypatch.setattr(Gaussian, "guarantee", lambda self, config: honest)
    honest = Guarantee("Gaussian", 2.0, 1e-5, part=INPUTS)
    config = make_config(protection="gaussian(epsilon=2,clip=5)", noise_source="entropy")
    findings = shipments.audit(config, tmp_path, SAID)
    assert told(findings, "two far inputs told apart").verdict == REFUTED


def test_labels_are_attacked_as_well(make_config, tmp_path):
    config = make_config(protection="randomised-response(epsilon=1)", noise_source="entropy")
    found = told(shipments.audit(config, tmp_path, SAID), "two labels told apart")
    assert found.verdict == HOLDS
    assert 0.5 < found.value < 1.0


def test_unprotected_images_are_found_again(make_config, tmp_path):
    findings = shipments.audit(make_config(noise_sigma=0.01), tmp_path, SAID)
    shares = [one.value for one in findings if one.measure.startswith("re-identified")]
    assert min(shares[:1]) > 0.99


def test_a_reconstruction_is_never_worse_than_what_was_shipped():
    """At almost no noise, a linear map loses what few examples of the attacker's do not span."""
    raw = RNG.normal(size=(500, 400)).astype(np.float32)
    shipped = raw + 0.01 * RNG.normal(size=raw.shape).astype(np.float32)
    np.testing.assert_array_equal(learned_reconstruction(raw, shipped)(shipped), shipped)
    noisy = raw + 2.0 * RNG.normal(size=raw.shape).astype(np.float32)
    rebuilt = learned_reconstruction(raw, noisy)(noisy)
    assert np.square(rebuilt - raw).mean() < 0.5 * np.square(noisy - raw).mean()


SMALL = {
    "fog_nodes": 1,
    "train_examples": 360,
    "batch_size": 100,
    "learning_rate": 0.5,
    "num_server_rounds": 12,
    "noise_source": "entropy",
    "protection": "",
    "model": "mlp-narrow",
}


def test_dp_sgd_survives_and_without_its_noise_does_not(make_config, tmp_path, broken):
    config = make_config(**SMALL, fog_protection="dp-sgd(epsilon=1)")
    (honest,) = one_run.audit(config, tmp_path, SAID)
    assert (tmp_path / "one-run.png").exists()
    assert honest.claimed == pytest.approx(1.0, abs=0.02)
    assert honest.verdict == HOLDS
    assert not scratch_dir(-1).exists()  # where an audit of other settings would find these data
    silent = config.changed({"fog-protection": f"{broken}:NoNoise(epsilon=1)"})
    (found,) = one_run.audit(silent, tmp_path, SAID)
    assert found.claimed == honest.claimed
    assert found.verdict == REFUTED, found


def test_what_is_recorded_is_not_made_again_and_other_settings_are_refused(make_config, tmp_path):
    config, said = make_config(), []
    first = make_audits(config, tmp_path, ["shipments"], said.append)
    assert make_audits(config, tmp_path, ["shipments"], said.append) == first
    assert said[0] == "audit 1/1 shipments ..."
    told = json.loads((tmp_path / "audit.json").read_text())["audits"]["shipments"]
    assert told["peak_gibibytes"] > 0.1
    cost = f"{told['seconds']:.1f} s, {told['peak_gibibytes']:.2f} GiB"
    assert said[-2] == f"audit 1/1 shipments: {cost}"
    assert said[-1] == "audit 1/1 shipments: recorded already"
    assert said.count("audit shipments: images") == 1
    assert json.loads((tmp_path / "audit.json").read_text())["audits"]["shipments"]["seconds"] > 0
    with pytest.raises(UserError, match="has findings with other noise-sigma"):
        make_audits(config.changed({"noise-sigma": 0.5}), tmp_path, ["shipments"], said.append)


def counted_audits(monkeypatch):
    """Make the audit of shipments instant, and return a list that grows with each."""
    made = []

    def audit(config, folder, say):
        made.append(config)
        (folder / "shipments.png").write_text(f"picture {len(made)}")
        return [AuditFinding("shipments", "attack", "measure", float(len(made)))]

    monkeypatch.setattr(shipments, "audit", audit)
    return made


def values(rows):
    return [(row["value"], row["other_version"]) for row in rows]


def test_an_audit_is_made_again_if_the_users_code_has_changed(make_config, tmp_path, monkeypatch):
    made, said, out = counted_audits(monkeypatch), [], tmp_path / "out"
    mine = tmp_path / "my_mechanism.py"
    monkeypatch.syspath_prepend(tmp_path)
    mine.write_text("def quiet(inputs, targets): ...\n")
    config = make_config(protection="my_mechanism:quiet")

    def audited():
        return values(make_audits(config, out, ["shipments"], said.append))

    assert audited() == audited() == [(1.0, False)]
    mine.write_text("def quiet(inputs, targets): ...  # mended\n")
    assert audited() == audited() == [(2.0, False)]
    assert any("my_mechanism.py has changed; old findings go to" in text for text in said)
    aside = {path.suffix: path for path in (out / SET_ASIDE).iterdir()}
    old = json.loads(aside[".json"].read_text())["audits"]["shipments"]["findings"]
    assert [row["value"] for row in old] == [1.0]
    assert aside[".png"].read_text() == "picture 1"
    told = json.loads((out / "audit.json").read_text())
    del told["audits"]["shipments"]["user_code"]  # as in a record of an older version
    (out / "audit.json").write_text(json.dumps(told))
    assert audited() == [(3.0, False)]
    assert len(made) == 3


def test_an_audit_of_another_version_of_fog_flower_stays_and_says_so(
    make_config, tmp_path, monkeypatch
):
    counted_audits(monkeypatch)
    config, said = make_config(), []

    def audited(**switches):
        return values(make_audits(config, tmp_path, ["shipments"], said.append, **switches))

    assert audited() == [(1.0, False)]
    told = json.loads((tmp_path / "audit.json").read_text())
    told["audits"]["shipments"]["code_identity"] = "of yesterday"
    del told["config"]["mask-groups"]  # a key that was not there yesterday
    (tmp_path / "audit.json").write_text(json.dumps(told))
    assert audited() == [(1.0, True)]
    assert "by another version of fog-flower; --repeat-changed makes it again" in said[-1]
    with pytest.raises(UserError, match="has findings with other mask-groups; use another --out"):
        make_audits(config.changed({"mask-groups": 2}), tmp_path, ["shipments"], said.append)
    assert audited(repeat_changed=True) == audited() == [(2.0, False)]


def test_an_audit_that_is_not_there_is_refused():
    result = CliRunner().invoke(app, ["audit", "--only", "nothing"])
    assert isinstance(result.exception, UserError)
    assert (
        "--only 'nothing': choose from shipments, inversion, membership, sampling, one-run, share, "
        "central-dp, laplace" in str(result.exception)
    )
