"""Compares settings, without the keys that do not change what a run computes."""

from collections.abc import Mapping

from fog_flower.architecture import Scalar

# Keys for where, from which round on and on how many cores a run is made, how long it waits for how
# many fog nodes, and what it saves besides its tables.
PLACES = (
    "results-dir",
    "run-name",
    "data-dir",
    "artifacts",
    "trackers",
    "round-timeout",
    "min-available-nodes",
    "client-threads",
    "continue-from",
)


def first_difference(ours: Mapping[str, Scalar], theirs: Mapping[str, Scalar]) -> str | None:
    """Return the first key, set in both, whose values differ, ignoring ``PLACES``; else None."""
    shared = (key for key in ours if key not in PLACES and key in theirs)
    return next((key for key in shared if theirs[key] != ours[key]), None)
