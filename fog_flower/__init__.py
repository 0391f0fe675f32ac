"""Code that all tiers share: configuration, tasks, data, models, records. It imports no tier."""

import os

from fog_flower.variables import KERAS_BACKEND_VARIABLE, ONEDNN_VARIABLE

# TensorFlow reads this variable when it loads, and a user's model may load it first: so it is set
# here. Without it, TensorFlow does not use oneDNN on processors without instructions for neural
# networks (VNNI), although its own convolutions are slower there. A user's value is kept.
os.environ.setdefault(ONEDNN_VARIABLE, "1")

# Keras reads this variable when it loads, and prefers it to keras.json. Models here use TensorFlow.
os.environ[KERAS_BACKEND_VARIABLE] = "tensorflow"
