"""Continues a stopped run in a new folder, after its last complete round.

Between rounds there is nothing but W, the round's number, and what the wrapped strategy remembers:
fog nodes and gate draw by seed and round, and keep nothing.
"""
