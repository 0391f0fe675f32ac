"""Environment variables: what fog-flower tells the processes it starts, and one of TensorFlow."""

GIT_COMMIT_VARIABLE = "FOG_FLOWER_GIT_COMMIT"  # the bundle has no git
LAUNCHER_VARIABLE = "FOG_FLOWER_LAUNCHER"  # pid and start time of who launched
SCRATCH_VARIABLE = "FOG_FLOWER_SCRATCH"  # where fog nodes keep their data
KERAS_BACKEND_VARIABLE = "KERAS_BACKEND"  # Keras' own
ONEDNN_VARIABLE = "TF_ENABLE_ONEDNN_OPTS"  # TensorFlow's own
THREADS_VARIABLE = "FOG_FLOWER_THREADS"  # TensorFlow's in this process; 0 or unset: all cores
RENDERER_VARIABLE = "FOG_FLOWER_RENDERER"  # the version that the launcher drew with
