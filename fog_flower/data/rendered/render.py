"""Many images, in several processes, the same whatever their number."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor

import cv2
import numpy as np
import numpy.typing as npt

from fog_flower.data.rendered.camera import photograph
from fog_flower.data.rendered.labels import labels_of
from fog_flower.data.rendered.layout import draw_number
from fog_flower.data.rendered.scene import paint
from fog_flower.data.rendered.shape import IMAGE_SHAPE
from fog_flower.data.rendered.warp import view
from fog_flower.seeds import generator

_CHUNK = 512  # images in one task
_WORTH_A_PROCESS = 2048  # images; fewer are done before a process has started


def render_digits(
    part: str,
    count: int,
    seed: int,
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Render street-number-like digits.

    Each image depends on the seed, the part and its own index alone: the number of processes
    does not matter, and the first n of more images are the same n images.

    Parameters
    ----------
    part : str
        "train" or "test": other images, and SVHN's class frequencies of that part.
    count : int
        How many images. At 73,257 ("train") and 26,032 ("test") the class counts are SVHN's.
    seed : int
        Not negative.
    workers : int, optional
        Processes; as many as cores unless given. 1, or a small count, renders in this process.
    progress : callable, optional
        Called with (done, total) now and then, and at the end.

    Returns
    -------
    (images, labels) : uint8 [count, 32, 32, 3] and int64 [count], 0 to 9

    Raises
    ------
    ValueError
        If an argument is out of its range; the message names it.
    RuntimeError
        If a package that carries fonts is missing.
    """
    labels = labels_of(part, count, seed)
    if workers is not None and workers < 1:
        raise ValueError(f"workers={workers}: must be at least 1")
    processes = min(workers or _cores(), -(-count // _CHUNK))
    images = np.empty((count, *IMAGE_SHAPE), np.uint8)
    chunks = [
        (part, seed, start, labels[start : start + _CHUNK]) for start in range(0, count, _CHUNK)
    ]
    done = 0
    for chunk in _render_chunks(chunks, 1 if count < _WORTH_A_PROCESS else processes):
        images[done : done + len(chunk)] = chunk
        done += len(chunk)
        if progress:
            progress(done, count)
    return images, labels


def render_one(part: str, index: int, label: int, seed: int) -> npt.NDArray[np.uint8]:
    """Render image number ``index`` of a part, uint8 [32, 32, 3]."""
    rng = generator(seed, f"rendered-{part}", index)
    sheet, width, height = draw_number(label, rng)
    return photograph(paint(view(sheet, width, height, rng), rng), rng)


_Chunk = tuple[str, int, int, npt.NDArray[np.int64]]  # part, seed, first index, labels


def _render_chunks(chunks: list[_Chunk], processes: int) -> Iterator[npt.NDArray[np.uint8]]:
    if processes == 1:
        yield from map(_render_chunk, chunks)
        return
    # Not forked: TensorFlow, Ray and gRPC may run in this process, and their locks would stay shut.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        yield from pool.map(_render_chunk, chunks)


def _render_chunk(chunk: _Chunk) -> npt.NDArray[np.uint8]:
    part, seed, start, labels = chunk
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # images this small are done before a second thread has started
    try:
        return np.stack(
            [render_one(part, start + i, int(label), seed) for i, label in enumerate(labels)]
        )
    finally:
        cv2.setNumThreads(threads)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
