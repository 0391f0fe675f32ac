"""Protections of a fog node's training and of its dW, one file each."""
