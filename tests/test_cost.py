"""Where a run's time went."""

import pytest

from simulations.reports.time_shares import shares

DATA = {"validation_examples": 100, "test_examples": 300}


def row(number, train, validation, evaluation, whole):
    names = ("train_seconds", "validation_seconds", "evaluation_seconds", "round_seconds")
    values = (train, validation, evaluation, whole)
    return {"round": str(number), **dict(zip(names, map(str, values), strict=True))}


def test_shares_by_hand():
    untrained = row(0, "nan", "nan", 9.0, "nan")
    spent = shares([untrained, row(1, 6.0, 1.0, 2.0, 10.0), row(2, 8.0, 0.0, 2.0, 10.0)], DATA)
    assert spent.seconds == 20.0
    assert spent.training == pytest.approx(0.7)
    assert spent.validation == pytest.approx((1.0 + 4.0 / 4) / 20)
    assert spent.test == pytest.approx(3.0 / 20)
    assert spent.rest == pytest.approx(1 - 0.7 - 0.1 - 0.15)


def test_without_a_round_there_are_none():
    assert shares([row(0, "nan", "nan", 9.0, "nan")], DATA) is None
    assert shares([], DATA) is None
