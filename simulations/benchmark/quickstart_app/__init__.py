"""A Flower app of its own, which ``flwr run`` gets as a folder."""
