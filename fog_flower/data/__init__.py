"""Digit images from three sources (files are read in simulations), their splits and shards."""
