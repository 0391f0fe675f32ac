"""The picture of an attacker's scores shows both groups and the cut, and names what it lacks."""

import numpy as np
import pytest

from simulations.audits import histogram
from simulations.audits.histogram import Panel, draw_histograms

LOOK = {"names": ("members", "others"), "cut": "cut"}


@pytest.fixture
def figures(monkeypatch):
    """Return the list of the figures that are drawn."""
    drawn = []
    monkeypatch.setattr(histogram, "save_figure", lambda figure, path, dpi: drawn.append(figure))
    return drawn


def test_both_groups_and_the_cut_are_named_below_the_panels(figures, tmp_path):
    one, other = np.arange(100.0), np.arange(50.0)
    panels = [Panel("a", "score", one, other, [40.0]), Panel("b", "score", one, one, [np.nan])]
    draw_histograms(panels, tmp_path / "x.png", **LOOK)
    (figure,) = figures
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["members", "others", "cut"]
    assert [len(axis.lines) for axis in figure.axes] == [1, 0]
    assert {axis.get_xlabel() for axis in figure.axes} == {"score"}
    bars = figure.axes[0].patches[0].get_xy()
    assert bars[:, 1].max() <= 100.0  # percent of each group


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_scores_that_are_not_finite_are_counted_in_the_title(figures, tmp_path, lost):
    some, none = np.array([1.0, lost, 3.0]), np.full(3, lost)
    draw_histograms([Panel("a", "x", some, none), Panel("b", "x", none, none)], tmp_path, **LOOK)
    titles = [axis.get_title() for axis in figures[0].axes]
    assert titles == ["a; 4 scores are not finite", "b; 6 scores are not finite"]


def test_scores_that_are_all_the_same_are_drawn(figures, tmp_path):
    draw_histograms([Panel("a", "x", np.ones(5), np.ones(5))], tmp_path, **LOOK)
    low, high = figures[0].axes[0].get_xlim()
    assert low < 1.0 < high
