"""Digit images from three sources behind one interface, their splits and their shards."""
