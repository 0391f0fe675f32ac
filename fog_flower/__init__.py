"""What every tier shares: configuration, tasks, data, models and records; it imports no tier."""

import os

from fog_flower.variables import KERAS_BACKEND_VARIABLE, ONEDNN_VARIABLE

# TensorFlow reads it when it loads, and a model may be the first to load it: so it is set here.
# Without it, it leaves oneDNN out on processors that lack instructions for neural networks (VNNI),
# where its own convolutions are the slower ones. Whoever has set it keeps it.
os.environ.setdefault(ONEDNN_VARIABLE, "1")

# Keras reads it when it loads, and prefers it to its file keras.json: models here are TensorFlow's.
os.environ[KERAS_BACKEND_VARIABLE] = "tensorflow"
