"""A separate Flower app, which ``flwr run`` gets as a folder."""
