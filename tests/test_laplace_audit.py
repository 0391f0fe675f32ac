"""Reports with Laplace noise tell as little as they promise, and with less noise they tell more."""

import pytest

from clients.privacy import disclosed
from simulations.audits import laplace
from simulations.audits.finding import HOLDS, REFUTED

BOTH = {"training_metrics": "laplace(epsilon=1)", "example_counts": "laplace(epsilon=2)"}


def said(text: str) -> None:
    pass


@pytest.fixture
def audited(make_config, tmp_path, monkeypatch):
    monkeypatch.setattr(laplace, "REPORTS", 10_000)

    def audited(**settings):
        # Seeded noise is other noise for each report, and the same in each run of the test.
        return laplace.audit(make_config(noise_source="seeded", **settings), tmp_path, said)

    return audited


def test_metrics_and_counts_hold(audited, tmp_path):
    metrics, counts = audited(**BOTH)
    assert (metrics.verdict, counts.verdict) == (HOLDS, HOLDS)
    assert (metrics.claimed, counts.claimed) == (1.0, 2.0)
    assert metrics.value > 0.5
    assert counts.value > 1.8
    assert (tmp_path / "laplace.png").exists()


@pytest.mark.parametrize("part", [0.0, 0.5])
def test_metrics_with_less_noise_are_refuted(audited, monkeypatch, part):
    honest = disclosed.metrics_scale
    monkeypatch.setattr(disclosed, "metrics_scale", lambda config: part * honest(config))
    (found,) = audited(training_metrics="laplace(epsilon=1)")
    assert found.claimed == 1.0
    assert found.verdict == REFUTED


@pytest.mark.parametrize("epsilon", [4, 50])
def test_counts_with_less_noise_are_refuted(audited, monkeypatch, epsilon):
    less, honest = {"example-counts": f"laplace(epsilon={epsilon})"}, laplace.told_count
    monkeypatch.setattr(
        laplace, "told_count", lambda config, *rest: honest(config.changed(less), *rest)
    )
    (found,) = audited(example_counts="laplace(epsilon=2)")
    assert found.claimed == 2.0
    assert found.verdict == REFUTED


def test_losses_that_are_not_clipped_are_refuted(audited, monkeypatch):
    monkeypatch.setattr(disclosed.np, "clip", lambda losses, low, high: 10 * losses)
    (found,) = audited(training_metrics="laplace(epsilon=1)")
    assert found.verdict == REFUTED


def test_what_has_no_noise_is_not_attacked(audited):
    (found,) = audited(example_counts="equal")
    assert found.measure == "not applicable"
