"""Continues a stopped run in a new folder, after its last complete round.

Between rounds, the state of a run is W, the round's number, the attributes of the wrapped strategy,
and the rehearsals of masked groups. Fog nodes and gate keep no state, and draw by seed and round.
"""
