"""A Flower app written like the TensorFlow quickstart."""
