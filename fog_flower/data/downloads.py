"""Downloads files and checks their MD5."""

from pathlib import Path

from fog_flower.extras import needed_for


def download(url: str, md5: str, path: Path) -> None:
    """Download ``url`` to ``path``, with a progress bar.

    Raises
    ------
    OSError
        If that fails, with a one-line reason: no network, a proxy's page, a wrong checksum, a
        full disk.
    UserError
        If a package that it needs is not installed.
    """
    with needed_for(f"a download of {path.name}"):
        import pooch  # noqa: PLC0415  (an extra)
        import tqdm  # noqa: F401, PLC0415  (pooch needs it for the progress bar)
    try:
        pooch.retrieve(url, f"md5:{md5}", fname=path.name, path=path.parent, progressbar=True)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:160]
        raise OSError(reason) from error
