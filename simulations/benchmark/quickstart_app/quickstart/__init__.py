"""A Flower app as the TensorFlow quickstart writes it."""
