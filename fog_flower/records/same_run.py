"""Which run-config keys do not change what a run is."""

from collections.abc import Mapping

from fog_flower.architecture import Scalar

# Where, from which round on and on how many cores it is made, how long it waits for how many fog
# nodes, and what it leaves besides its tables.
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
    """Return the first key by which runs of these settings differ, as far as both say."""
    shared = (key for key in ours if key not in PLACES and key in theirs)
    return next((key for key in shared if theirs[key] != ours[key]), None)
