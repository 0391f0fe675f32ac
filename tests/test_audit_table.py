"""The table of all protections says what is recorded, and of whole runs alone what bounds dW."""

import json
import math

from simulations.audits.finding import HOLDS, REFUTED, WEAK, AuditFinding
from simulations.reports.audit_table import audit_rows, bounds_table, broken_table, inversion_table


def recorded(folder, protection, findings):
    folder.mkdir()
    told = {
        "config": {"protection": protection, "fog-protection": "", "noise-source": "entropy"},
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
    assert one["images read from dW: step on 8"] == "0.5 (0.4 to 0.6)"
    assert one["members found from dW of 100 images"] == "0.9 (0.8 to 1)"
    assert one["shipped image re-identified among 600"] == ""
    assert (one["epsilon of dW, at least"], one["promised"]) == ("1.25", "2")
    assert (other["protection"], other["promised"], other["refuted"]) == ("none", "nothing", "no")


def test_the_bound_that_comes_closest_stands_for_an_audit(tmp_path):
    measure = "epsilon, at least"
    folder = recorded(
        tmp_path / "a",
        "gaussian",
        [
            AuditFinding("membership", "far", measure, 1.0, 1.0, claimed=8.0, bound=True),
            AuditFinding("membership", "near", measure, 0.5, 0.5, claimed=1.0, bound=True),
            AuditFinding("membership", "no bound", "area", 0.9, 0.8, 1.0, claimed=1.0),
            AuditFinding("one-run", "no promise", measure, 3.0, 3.0, bound=True),
            AuditFinding("shipments", "seed known", measure, 6.0, 6.0, claimed=2.0, bound=True),
        ],
    )
    table = bounds_table([folder]).set_index("audit")
    assert dict(table["closest attack"]) == {"membership": "near", "shipments": "seed known"}
    assert dict(table["verdict"]) == {"membership": "holds", "shipments": "refuted"}


def test_inversion_has_a_row_a_batch_and_a_column_a_kind_of_weights(tmp_path):
    share = "share of 64 recovered"
    folder = recorded(
        tmp_path / "a",
        "",
        [
            AuditFinding("inversion", "a step on 8 images, honest W", share, 0.5, 0.4, 0.6),
            AuditFinding("inversion", "a step on 8 images, crafted W", share, 1.0, 0.9, 1.0),
            AuditFinding("inversion", "images of nobody, crafted W", share, 0.0, 0.0, 0.1),
        ],
    )
    (row,) = inversion_table(folder).to_dict("records")
    assert row == {
        "dW of": "a step on 8 images",
        "honest W": "0.5 (0.4 to 0.6)",
        "crafted W": "1 (0.9 to 1)",
    }


def test_a_verdict_is_made_of_the_numbers_and_not_of_the_word(tmp_path):
    """A bound that too few tries could have raised above the promise does not hold."""
    measure, few = "epsilon, at least", "1000 canaries of noise, 49 of 62 guesses right"
    one = AuditFinding("one-run", few, measure, 0.5, 0.5, claimed=8.0, bound=True, most=5.3)
    folder = recorded(tmp_path / "a", "gaussian", [one])
    path = folder / "audit.json"
    path.write_text(path.read_text().replace(WEAK, HOLDS))
    assert list(bounds_table([folder])["verdict"]) == [WEAK]
    old = json.loads(path.read_text())
    del old["audits"]["one-run"]["findings"][0]["most"]  # as older versions recorded it
    path.write_text(json.dumps(old))
    assert list(bounds_table([folder])["verdict"]) == [WEAK]
    path.write_text(json.dumps(old).replace("8.0", "4.0"))  # 1,000 canaries can refute that
    assert list(bounds_table([folder])["verdict"]) == [HOLDS]


def test_a_promise_stands_beside_what_the_attack_reaches_where_nothing_is_promised(tmp_path):
    measure = "epsilon, at least"
    told = [
        ("private", "gaussian", 0.5, 3.0, "9 of 10"),
        ("noise", "noise", 2.9, math.inf, "10 of 10"),
        ("plain", "", 2.6, math.inf, "10 of 12"),
    ]
    folders = [
        recorded(
            tmp_path / name,
            protection,
            [
                AuditFinding(
                    "one-run",
                    f"x, {right} guesses right",
                    measure,
                    found,
                    found,
                    claimed=claimed,
                    bound=True,
                    most=5.3,
                )
            ],
        )
        for name, protection, found, claimed, right in told
    ]
    (row,) = bounds_table(folders).to_dict("records")
    assert row["reached where nothing is promised"] == "2.6"  # of the unprotected run
    assert bounds_table(folders[:2])["reached where nothing is promised"][0] == "2.9"
    assert bounds_table(folders[:1])["reached where nothing is promised"][0] == ""


def test_a_broken_mechanism_stands_beside_the_same_one_intact(tmp_path):
    measure = "epsilon, at least"

    def one(attack, found):
        return AuditFinding("a", attack, measure, found, found, claimed=1.0, bound=True, most=5.0)

    broken = recorded(tmp_path / "a", "mine", [one("x, 9 of 9 guesses right", 2.5)])
    intact = recorded(tmp_path / "b", "honest", [one("x, 5 of 9 guesses right", 0.25)])
    (row,) = broken_table({"no noise": (broken, intact)}).to_dict("records")
    assert (row["verdict"], row["the same intact"]) == (REFUTED, "0.25, holds")
    known = "noise drawn again from the seed"
    broken = recorded(tmp_path / "c", "mine", [one(f"{known}: what finding it shows", 4.0)])
    intact = recorded(tmp_path / "d", "honest", [one("as shipped: what finding it shows", 0.0)])
    (row,) = broken_table({"seed known": (broken, intact)}).to_dict("records")
    assert (row["verdict"], row["the same intact"]) == (REFUTED, "0, holds")
