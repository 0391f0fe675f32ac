"""Loads a data set and divides it among end nodes: sources, split, shards."""
