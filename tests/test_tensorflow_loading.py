"""What is set by the time TensorFlow loads, wherever a process of ours begins."""

import os
import subprocess
import sys

import pytest

# Says what TensorFlow reads: stops where it is first imported, else after the import.
PROBE = """
import importlib, os, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in ("tensorflow", "keras"):
            print(os.environ.get("TF_ENABLE_ONEDNN_OPTS"), flush=True)
            os._exit(0)

sys.meta_path.insert(0, Watch())
importlib.import_module(sys.argv[1])
print(os.environ.get("TF_ENABLE_ONEDNN_OPTS"))
"""


@pytest.mark.parametrize(
    "module",
    [
        "clients.client_app",
        "fog_flower.build_model",
        "strategies.server_app",
        "simulations.cli.commands",
    ],
)
@pytest.mark.parametrize(("told", "read"), [(None, "1"), ("0", "0")])
def test_onednn_is_on_unless_the_user_has_said_otherwise(module, told, read):
    environment = {k: v for k, v in os.environ.items() if k != "TF_ENABLE_ONEDNN_OPTS"}
    if told is not None:
        environment["TF_ENABLE_ONEDNN_OPTS"] = told
    done = subprocess.run(
        [sys.executable, "-c", PROBE, module],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [read]
