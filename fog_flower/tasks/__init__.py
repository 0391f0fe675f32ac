"""What is learned: the spec of an input, targets, loss, metric. A data set brings its own task."""
