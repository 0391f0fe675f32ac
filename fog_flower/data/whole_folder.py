"""Creates folders atomically: as a whole or not at all."""

import contextlib
import errno
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from fog_flower.errors import UserError

_ERROR_NUMBER = re.compile(r"\[Errno (\d+)\]")


@contextlib.contextmanager
def whole_folder(folder: Path, last: str, remedy: str) -> Iterator[Path]:
    """Yield a temporary folder to fill, which is renamed to ``folder`` if the block succeeds.

    Several processes may create the same folder. The first one is kept; the others are equal.

    Parameters
    ----------
    folder : Path
    last : str
        A file that the block writes; a folder that contains it is complete.
    remedy : str
        What to do if it cannot be written, for the message.

    Raises
    ------
    UserError
        If it cannot be written, e.g. because the disk is full.
    """
    staging = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.tmp")
    try:
        staging.mkdir(parents=True)
        yield staging
        try:
            staging.rename(folder)
        except OSError:
            if not (folder / last).exists():
                raise
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({reason(error)}): {remedy}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def reason(error: OSError) -> str:
    """Return the system's own text for the reason of an error."""
    if error.errno is None and "written" in str(error):
        return os.strerror(errno.ENOSPC)  # NumPy says only how much it wrote
    told = _ERROR_NUMBER.search(str(error))  # an error about many files, if a folder was copied
    return error.strerror or (os.strerror(int(told[1])) if told else str(error))
