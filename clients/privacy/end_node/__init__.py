"""Protections that an end node applies to its share before it ships it, one file each."""
