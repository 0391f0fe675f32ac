"""Data from the network, with its checksum."""

from pathlib import Path

import pooch


def download(url: str, md5: str, path: Path) -> None:
    """Download ``url`` to ``path``, with a progress bar.

    Raises
    ------
    OSError
        If that fails, in one line: no network, a proxy's page, a wrong checksum, a full disk.
    """
    try:
        pooch.retrieve(url, f"md5:{md5}", fname=path.name, path=path.parent, progressbar=True)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:160]
        raise OSError(reason) from error
