"""Stores the data of a fog node on disk: built once per run, then memory-mapped by any process.

Ray gives a fog node's message to any free actor. Without this store, every actor would build the
data of every node.
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
    """Return the node data in ``folder``; if it is missing, call ``build`` and store the result."""
    if not (folder / RECEIPT).exists():
        _write(folder, build())
    receipt = json.loads((folder / RECEIPT).read_text())
    return NodeData(
        # "c" (copy-on-write), not "r": TensorFlow shares the memory of writeable arrays only.
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
