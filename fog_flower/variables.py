"""Environment variables of fog-flower, for the processes it starts, and of its libraries."""

GIT_COMMIT_VARIABLE = "FOG_FLOWER_GIT_COMMIT"  # because the bundle has no git history
LAUNCHER_VARIABLE = "FOG_FLOWER_LAUNCHER"  # pid and start time of the launcher
SCRATCH_VARIABLE = "FOG_FLOWER_SCRATCH"  # where fog nodes keep their data
KERAS_BACKEND_VARIABLE = "KERAS_BACKEND"  # Keras' own
ONEDNN_VARIABLE = "TF_ENABLE_ONEDNN_OPTS"  # TensorFlow's own
THREADS_VARIABLE = "FOG_FLOWER_THREADS"  # TensorFlow's in this process; 0: all cores
RENDERER_VARIABLE = "FOG_FLOWER_RENDERER"  # version of the rendering code that the launcher used
