"""A secret share lowers epsilon only while a shipment does not tell what was shared."""

import functools

import numpy as np
import pytest

import clients.end_node
from clients.privacy import releases
from fog_flower.privacy.accounting import response_keep
from fog_flower.tasks.examples import Examples
from simulations.audits import share
from simulations.audits.finding import HOLDS, REFUTED

TARGET = "its target replaced"
LABELS_ONLY = "gaussian(epsilon=0.01),randomised-response(epsilon=3)"


def said(text: str) -> None:
    pass


@pytest.fixture
def of_rows(tmp_path, make_config, monkeypatch):
    """Return a function that audits a share of rows of two numbers, in four classes."""
    rng, path = np.random.default_rng(0), tmp_path / "rows.npz"
    rows, classes = rng.normal(size=(600, 2)), rng.integers(0, 4, 600)
    np.savez(path, x_train=rows, y_train=classes, x_test=rows[:300], y_test=classes[:300])
    # Naming the mechanisms anew takes most of the time of thousands of shipments.
    monkeypatch.setattr(clients.end_node, "built", functools.cache(clients.end_node.built))

    def audited(shipments, *pairs, **settings):
        chosen = {name: share.PAIRS[name] for name in pairs or share.PAIRS}
        monkeypatch.setattr(share, "PAIRS", chosen)
        monkeypatch.setattr(share, "SHIPMENTS", shipments)
        # Seeded noise is other noise for each shipment, and the same in each run of the test.
        config = make_config(dataset=f"npz:{path}", noise_source="seeded", **settings)
        return share.audit(config, tmp_path, said)

    return audited


class Drawing:
    """Draws a share as ``order`` says."""

    def __init__(self, order):
        self.order, self.rng = order, np.random.default_rng(2)

    def permutation(self, count):
        return self.order(self.rng.permutation(count))


def patched(monkeypatch, order):
    monkeypatch.setattr(clients.end_node, "protecting_rng", lambda *_: Drawing(order))


def test_a_secret_share_holds(of_rows, tmp_path):
    found = of_rows(1000, share_fraction=0.25, protection=LABELS_ONLY)
    assert [one.verdict for one in found] == [HOLDS] * 3
    assert (tmp_path / "share.png").exists()
    assert found[0].claimed == pytest.approx(np.log1p(0.25 * np.expm1(3.01)), abs=1e-3)


def test_a_share_that_is_always_the_same_is_refuted(of_rows, monkeypatch):
    patched(monkeypatch, lambda drawn: np.arange(len(drawn))[::-1])
    (found,) = of_rows(1000, TARGET, share_fraction=0.25, protection=LABELS_ONLY)
    assert found.verdict == REFUTED


@pytest.mark.parametrize(("in_order", "verdict"), [(False, HOLDS), (True, REFUTED)])
def test_a_share_in_the_order_of_what_is_owned_is_refuted(of_rows, monkeypatch, in_order, verdict):
    """Order tells little, so it takes so many shipments that they are made without an end node."""
    rng = np.random.default_rng(1)

    def shipped(config, field, data, number):
        chosen = rng.permutation(len(data))[:2]
        share = data.take(np.sort(chosen) if in_order else chosen)
        lies = rng.random(2) > response_keep(3.0, 4)
        return Examples(share.inputs, (share.targets + lies * rng.integers(1, 4, 2)) % 4)

    monkeypatch.setattr(share, "_shipped", shipped)
    monkeypatch.setattr(share, "_lengths", lambda inputs, direction: rng.normal(size=len(inputs)))
    (found,) = of_rows(30_000, TARGET, share_fraction=0.5, protection=LABELS_ONLY)
    assert found.verdict == verdict
    assert found.value > 1.0


def test_an_unprotected_input_tells_that_its_label_was_shared(of_rows, monkeypatch):
    """So the ledger may not lower the epsilon of labels alone."""
    settings = {"share_fraction": 0.25, "protection": "randomised-response(epsilon=3)"}
    (found,) = of_rows(2500, TARGET, **settings)
    assert found.verdict == HOLDS
    assert found.claimed == pytest.approx(3.0)
    monkeypatch.setattr(releases, "_of_part", lambda part, both: releases._of_share(part, 0.25))
    (found,) = of_rows(2500, TARGET, **settings)
    assert found.verdict == REFUTED


def test_a_node_that_shares_all_has_no_secret(of_rows):
    (found,) = of_rows(10, share_fraction=1.0, protection=LABELS_ONLY)
    assert found.measure == "not applicable"


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.9, 0.99])
def test_a_small_node_shares_the_fraction(make_config, fraction):
    config = make_config(share_fraction=fraction)
    owned = share.owned_examples(config)
    shared = clients.end_node.shared_examples(config, owned)
    assert 2 <= shared < owned
    assert shared / owned == pytest.approx(fraction, abs=0.02)
