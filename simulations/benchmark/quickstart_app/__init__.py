"""A separate Flower app, whose folder is passed to ``flwr run``."""
