"""From the name of a data set to the examples of every end node: sources, split, shards."""
