"""Live view in a browser of what a run or a sweep has recorded so far."""
