"""Tasks: the spec of an input, targets, loss and metric. Each data set has its own task."""
