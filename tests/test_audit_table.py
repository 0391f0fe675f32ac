"""The table of all protections says what is recorded, and of whole runs alone what bounds dW."""

import json

from simulations.audits.finding import AuditFinding
from simulations.reports.audit_table import audit_rows


def recorded(folder, protection, findings):
    folder.mkdir()
    told = {
        "config": {"protection": protection, "fog-protection": ""},
        "audits": {
            name: {"findings": [f.to_json() for f in findings if f.audit == name]}
            for name in {f.audit for f in findings}
        },
    }
    (folder / "audit.json").write_text(json.dumps(told))
    return folder


def test_a_row_has_the_best_attack_of_a_kind(tmp_path):
    measure, few = "epsilon, at least", "members found at 0.1% false positives"
    dw = "dW of an epoch over 100 images"
    first = recorded(
        tmp_path / "a",
        "noise",
        [
            AuditFinding("inversion", "a step on 8 images, honest W", "share of 64", 0.5, 0.4, 0.6),
            AuditFinding("inversion", "a step on 8 images, crafted W", "share of 64", 1.0, 0.9, 1),
            AuditFinding("membership", f"{dw}, along gradients", few, 0.2, 0.1, 0.3),
            AuditFinding("membership", f"{dw}, in its span", few, 0.9, 0.8, 1.0),
            AuditFinding("membership", f"{dw}: 9 of 9 guesses", measure, 5.0, 5.0, bound=True),
            AuditFinding("one-run", "canaries", measure, 1.25, 1.25, claimed=2.0, bound=True),
        ],
    )
    second = recorded(tmp_path / "b", "", [AuditFinding("one-run", "x", measure, 3.0, bound=True)])
    one, other = audit_rows([first, second])
    assert one["protection"] == "`noise`"
    assert one["images read from dW, a step on 8"] == "0.5 (0.4 to 0.6)"
    assert one["members known by dW of 100 images"] == "0.9 (0.8 to 1)"
    assert one["image found among 600 by its shipment"] == ""
    assert (one["epsilon of dW, at least"], one["promised"]) == ("1.25", "2")
    assert (other["protection"], other["promised"], other["refuted"]) == ("none", "nothing", "no")
