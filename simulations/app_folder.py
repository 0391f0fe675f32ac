"""The Flower app passed to ``flwr run``: a copy of our packages, made for each run."""

import functools
import shutil
import tomllib
from importlib import resources
from pathlib import Path

from fog_flower.architecture import Scalar
from fog_flower.code_identity import PACKAGES

BESIDE = ("pyproject.toml", "LICENSE")  # files that Flower needs beside the packages


def default_run_config() -> dict[str, Scalar]:
    """Return ``[tool.flwr.app.config]``, where all defaults are defined."""
    return dict(_defaults())


@functools.cache
def _defaults() -> dict[str, Scalar]:
    with (_home() / "pyproject.toml").open("rb") as file:
        defaults: dict[str, Scalar] = tomllib.load(file)["tool"]["flwr"]["app"]["config"]
    return defaults


def app_folder(workspace: Path) -> Path:
    """Copy the app into ``workspace`` and return its folder, for ``flwr run``.

    Flower scans every file below the folder it is given. A checkout contains a virtual environment
    with 100,000 files (5 s), and an installed wheel has no checkout, so the app is copied.
    """
    staged = workspace / "app"
    for package in PACKAGES:
        source = Path(str(resources.files(package)))
        shutil.copytree(source, staged / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in BESIDE:
        shutil.copy(_home() / name, staged / name)
    return staged


def _home() -> Path:
    """Return the folder of ``pyproject.toml``: the checkout, or ``app`` inside a wheel."""
    here = Path(__file__).resolve().parent
    in_wheel = here / "app"
    return in_wheel if in_wheel.is_dir() else here.parent
