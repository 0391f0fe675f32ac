"""Shows committed records in the site: a page links to `results/`, which lies outside `docs/`."""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "results"
LINK = re.compile(r"\]\((?P<path>(?:\.\./)+results/[^)#]+)\)")
FOLDER = "records"  # of the site


def on_files(files: Any, config: Any) -> Any:
    """Add every record that a page links to."""
    linked = set()
    for file in files.documentation_pages():
        page = Path(file.abs_src_path)
        linked |= {_record(page, match["path"]) for match in LINK.finditer(page.read_text())}
    for path in sorted(linked - {""}):
        files.append(File.generated(config, f"{FOLDER}/{path}", abs_src_path=str(RECORDS / path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Point links to records at their place in the site."""
    folder = posixpath.dirname(page.file.src_uri) or "."

    def moved(match: re.Match[str]) -> str:
        path = _record(Path(page.file.abs_src_path), match["path"])
        return f"]({posixpath.relpath(f'{FOLDER}/{path}', folder)})" if path else match[0]

    return LINK.sub(moved, markdown)


def _record(page: Path, link: str) -> str:
    """Return what a link names below ``results/``; empty if it is a page of its own."""
    target = (page.parent / link).resolve()
    return str(target.relative_to(RECORDS)) if RECORDS in target.parents else ""
