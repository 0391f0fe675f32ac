"""The data of a fog node on its disk: built once a run, then memory-mapped by whoever trains it.

Ray hands a fog node's message to whichever actor is free, so without this every actor would build
the data of every node.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from clients.fog_node import NodeData
from fog_flower.data.whole_folder import whole_folder
from fog_flower.variables import SCRATCH_VARIABLE

RECEIPT = "receipt.json"
REMEDY = (
    "make room there, or set another folder for the data of fog nodes: TMPDIR, or "
    f"{SCRATCH_VARIABLE} on a node of a deployment"
)


def stored_data(folder: Path, build: Callable[[], NodeData]) -> NodeData:
    """Return the node data in ``folder``, which ``build`` fills if it is not there yet."""
    if not (folder / RECEIPT).exists():
        _write(folder, build())
    receipt = json.loads((folder / RECEIPT).read_text())
    return NodeData(
        # "c", not "r": TensorFlow takes the memory only of an array that may be written to. What is
        # written there stays in the process that does.
        inputs=np.load(folder / "inputs.npy", mmap_mode="c", allow_pickle=False),
        targets=np.load(folder / "targets.npy", allow_pickle=False),
        end_node_examples=tuple(receipt["end_node_examples"]),
        bytes_received=receipt["bytes_received"],
        refused=tuple(receipt["refused"]),
        told_examples=receipt["told_examples"],
    )


def _write(folder: Path, data: NodeData) -> None:
    receipt = {
        "end_node_examples": list(data.end_node_examples),
        "bytes_received": data.bytes_received,
        "refused": list(data.refused),
        "told_examples": data.told_examples,
    }
    with whole_folder(folder, RECEIPT, REMEDY) as staging:
        np.save(staging / "inputs.npy", data.inputs, allow_pickle=False)
        np.save(staging / "targets.npy", data.targets, allow_pickle=False)
        (staging / RECEIPT).write_text(json.dumps(receipt))
