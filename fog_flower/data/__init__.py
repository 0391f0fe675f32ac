"""Digit images from three sources (SVHN in simulations/svhn.py), their splits and shards."""
