"""Which run-config keys do not change what a run is."""

# Where, from which round on and on how many cores it is made, and what it leaves besides its
# tables.
PLACES = (
    "results-dir",
    "run-name",
    "data-dir",
    "artifacts",
    "round-timeout",
    "client-threads",
    "continue-from",
)
