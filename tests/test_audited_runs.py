"""Bounds that audits found stand beside the ledger of the run, in ``show`` and in reports."""

import io
import json
import math
import shutil

import pytest
from typer.testing import CliRunner

from clients.privacy.releases import releases_of
from fog_flower.records.files import write_json
from simulations.audits.audited import (
    AUDIT,
    AuditedBound,
    audits_of,
    bound_of,
    findings_in,
    findings_on,
)
from simulations.audits.finding import FILE, AuditFinding, bounded
from simulations.cli import audit as audit_command
from simulations.cli.commands import app
from simulations.cli.ledger_display import print_ledger
from simulations.cli.terminal import Terminal
from simulations.reports.ledger_block import ledger_block
from strategies.handshake import Introduction
from strategies.ledger import Ledger

DW, W, INPUTS, TARGETS = (
    "dW of all rounds",
    "W after each round",
    "shipment: inputs",
    "shipment: targets",
)
FOUND = [
    AuditFinding("membership", "final W, LiRA", "area", 0.9),  # no bound
    bounded("membership", "final W, loss threshold: 5 of 9 guesses right", 0.25, 5.0),
    bounded("membership", "dW of an epoch over 100 images, in its span: 9 of 9", 4.5, 4.0),
    bounded("one-run", "1000 canaries of noise, 20 of 30 guesses right", 0.75, 5.0),
    bounded("membership", "W of FedAvg, not of strategy=FedAvgM, loss threshold: 9 of 9", 0.5, 5.0),
    bounded("central-dp", "5 rounds told apart", 1.25, 5.0),
    bounded("laplace", "metrics of neighbours told apart, 5 x", 0.125, 1.0),
    bounded("laplace", "counts of 9 and 8 examples told apart", 0.375, 1.0),
    bounded("sampling", "3 epochs of 16 steps told apart", 3.5, 3.0),
    bounded("shipments", "two far inputs told apart", 6.5, 2.0),
    bounded("shipments", "two labels told apart", 1.5, 2.0),
]


def shown(folder, width=80):
    out = io.StringIO()
    print_ledger(Terminal(out, width=width), folder)
    return out.getvalue()


def record(folder, config, findings):
    folder.mkdir(parents=True)
    told = {"one": {"findings": [one.to_json() for one in findings]}}
    write_json(folder / FILE, {"config": config, "audits": told})


@pytest.fixture
def run(make_config, tmp_path, monkeypatch):
    """The record of a run with DP-SGD, of which no audit is known."""
    monkeypatch.chdir(tmp_path)
    config = make_config(fog_protection="dp-sgd(epsilon=5)", batch_size=12)
    folder = tmp_path / "results" / "runs" / "mine"
    folder.mkdir(parents=True)
    write_json(folder / "run.json", {"config": config.to_run_config()})
    releases = releases_of(config, 120)
    Ledger(folder, config).write([Introduction(0, 120, (), 0, (), "float32", 1, tuple(releases))])
    return folder


def settings_of(run):
    return json.loads((run / "run.json").read_text())["config"]


def test_each_finding_bounds_the_release_that_it_attacked():
    found = [one.to_json() for one in FOUND]
    assert bound_of(DW, found, 4.99) == AuditedBound(0.75, refuted=False)
    assert bound_of(W, found, 5.0) == AuditedBound(0.25, refuted=False)
    assert bound_of("W of all rounds", found, 5.0) == AuditedBound(1.25, refuted=False)
    assert bound_of("loss and accuracy of training", found, 1.0).epsilon == 0.125
    assert bound_of("number of examples that it reports", found, 1.0).epsilon == 0.375
    assert bound_of(INPUTS, found, 2.0) == AuditedBound(6.5, refuted=True)
    assert bound_of(TARGETS, found, 2.0) == AuditedBound(1.5, refuted=False)
    assert bound_of("number of examples that it reports", found, None) is None
    assert bound_of(W, found[3:], 5.0) is None  # of which one is on W of another strategy
    assert bound_of(DW, found[4:5], 5.0).epsilon == 0.5
    assert str(bound_of(INPUTS, found, 2.0)) == "6.5 to inf, refuted"


def test_a_bound_against_another_promise_is_not_one_of_the_release():
    """Canaries are added behind the end nodes, and membership is tested on fewer examples."""
    found = [one.to_json() for one in FOUND]
    assert bound_of(DW, found, 2.5) is None
    assert bound_of(INPUTS, found, None) is None
    unprotected = [bounded("one-run", "canaries", 3.0, math.inf).to_json()]
    assert bound_of(DW, unprotected, 2.5) is None
    assert bound_of(DW, unprotected, None) == AuditedBound(3.0, refuted=False)


def test_show_puts_bounds_beside_promises(run):
    assert "to inf" not in shown(run)
    record(run / AUDIT, settings_of(run), FOUND)
    told = shown(run)
    assert max(len(line) for line in told.splitlines() if not line.startswith("audit: ")) <= 80
    cells = {row[1]: row[5] for row in _rows(shown(run, width=200))}
    assert cells["dW of all rounds"] == "0.75 to inf"
    assert cells["shipment: inputs"] == "-"  # nothing is promised there, and 2 was tested
    assert cells["number of examples that it reports"] == "-"
    assert f"audit: {(run / AUDIT / FILE).resolve()}" in told


def test_an_audit_of_the_same_settings_is_found_and_one_of_others_is_not(run, tmp_path):
    config = settings_of(run)
    elsewhere = tmp_path / "results" / "audit" / "mine"
    record(elsewhere, config | {"run-name": "audit", "data-dir": "/elsewhere"}, FOUND)
    assert audits_of(run, tmp_path / "results" / "audit") == [elsewhere / FILE]
    assert len(findings_in(audits_of(run, elsewhere))) == len(FOUND)
    assert "0.75 to inf" in shown(run)
    shutil.rmtree(elsewhere)
    record(elsewhere, config | {"seed": 99}, FOUND)
    assert audits_of(run, elsewhere) == []
    assert "0.75 to inf" not in shown(run)


def test_a_report_has_the_bounds_of_the_runs_own_audits(run, tmp_path):
    record(tmp_path / "results" / "audit" / "mine", settings_of(run), FOUND)
    assert "audited" not in ledger_block([run]).table
    record(run / AUDIT, settings_of(run), FOUND)
    block = ledger_block([run])
    assert block.table.set_index("release").loc["dW of all rounds", "audited"] == "0.75 to inf"
    assert any("one-sided 95% interval" in note for note in block.notes)


@pytest.mark.parametrize(
    ("more", "place"),
    [([], "{run}/audit"), (["seed=99"], "results/audit/mine"), (["--out", "x"], "x")],
)
def test_findings_on_a_run_go_to_its_folder_unless_settings_differ(
    run, tmp_path, monkeypatch, more, place
):
    placed = []

    def made(config, folder, chosen, say, **_):
        placed.append(folder)
        return []

    monkeypatch.setattr("simulations.audits.make.make_audits", made)
    monkeypatch.setattr("simulations.preflight.check", lambda config: None)
    monkeypatch.setattr(audit_command, "terminal", Terminal(io.StringIO()))
    result = CliRunner().invoke(app, ["audit", str(run), *more], catch_exceptions=False)
    assert result.exit_code == 0
    assert placed == [tmp_path / place.format(run=run)]


def recorded_with(folder, config, **code):
    record(folder, config, FOUND)
    told = json.loads((folder / FILE).read_text())
    told["audits"]["one"] |= code
    write_json(folder / FILE, told)


def test_a_bound_of_another_version_of_fog_flower_says_so(run):
    write_json(run / "run.json", {"config": settings_of(run), "code_identity": "new"})
    recorded_with(run / AUDIT, settings_of(run), code_identity="old")
    cells = {row[1]: row[5] for row in _rows(shown(run, width=200))}
    assert cells["dW of all rounds"] == "0.75 to inf, other version"
    assert "other version: another version of fog-flower than the run's" in shown(run, width=200)
    table = ledger_block([run]).table.set_index("release")
    assert table.loc["dW of all rounds", "audited"] == "0.75 to inf, other version"
    shutil.rmtree(run / AUDIT)
    recorded_with(run / AUDIT, settings_of(run), code_identity="new")
    assert "other version" not in shown(run, width=200)


def test_an_audit_of_other_code_of_the_users_is_no_audit_of_the_run(run):
    write_json(run / "run.json", {"config": settings_of(run), "user_code": {"mymech.py": "new"}})
    recorded_with(run / AUDIT, settings_of(run), user_code={"mymech.py": "old"})
    assert findings_on(run) == []
    assert "0.75 to inf" not in shown(run)
    assert "one does not count: the run had another mymech.py" in shown(run)
    shutil.rmtree(run / AUDIT)
    record(run / AUDIT, settings_of(run), FOUND)  # of a version that did not record it
    assert findings_on(run) == []
    shutil.rmtree(run / AUDIT)
    recorded_with(run / AUDIT, settings_of(run), user_code={"mymech.py": "new"})
    assert len(findings_on(run)) == len(FOUND)
    assert "does not count" not in shown(run)


def _rows(text):
    return [
        [cell.strip() for cell in line.split("│")]
        for line in text.splitlines()
        if line.startswith("│")
    ]
