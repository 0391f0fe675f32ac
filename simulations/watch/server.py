"""HTTP server on loopback for a page that shows a run or a sweep, and refreshes itself."""

import functools
import http.server
import secrets
import threading
import urllib.parse
from pathlib import Path

import jinja2

from simulations.reports.page import templates
from simulations.watch.look import look_at, version_of

LOOPBACK = "127.0.0.1"
EVERY_SECONDS = 2


class WatchServer(http.server.ThreadingHTTPServer):
    """Serves one page about one folder, to this machine only.

    The URL contains a secret, so that other users of the machine cannot find the page. Requests
    with any host name but loopback are refused, so that other web sites cannot read it.

    Parameters
    ----------
    folder : Path
        Folder of a run or a sweep.
    port : int
        0 for any free port.
    """

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.folder = folder
        self.secret = secrets.token_urlsafe(16)
        self._templates = templates()
        self._lock = threading.Lock()  # matplotlib draws one figure at a time
        self._shown = functools.lru_cache(maxsize=1)(self._show)

    @property
    def address(self) -> str:
        """URL of the page."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.secret}/"

    def page(self, nonce: str) -> str:
        """Return the HTML page, whose script asks for the current state."""
        template = self._templates.get_template("watch.html.j2")
        return template.render(title=self.folder.name, seconds=EVERY_SECONDS, nonce=nonce)

    def look(self, version: str) -> str:
        """Return the current state as HTML, for the inside of the page."""
        with self._lock:
            return self._shown(version)

    def _show(self, _version: str) -> str:
        template: jinja2.Template = self._templates.get_template("look.html.j2")
        return template.render(look=look_at(self.folder))


class _Handler(http.server.BaseHTTPRequestHandler):
    server: WatchServer

    def do_GET(self) -> None:
        host = (self.headers.get("Host") or "").partition(":")[0]
        path, _, query = self.path.partition("?")
        if host not in (LOOPBACK, "localhost") or not path.startswith(f"/{self.server.secret}/"):
            self.send_error(404)
            return
        name = path.removeprefix(f"/{self.server.secret}/")
        if name == "":
            nonce = secrets.token_urlsafe(16)
            policy = (
                "default-src 'none'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
                f"script-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'"
            )
            self._answer(self.server.page(nonce), {"Content-Security-Policy": policy})
        elif name == "look":
            version = version_of(self.server.folder)
            if urllib.parse.parse_qs(query).get("seen") == [version]:
                self.send_response(204)
                self.end_headers()
                return
            self._answer(self.server.look(version), {"ETag": version})
        else:
            self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (overrides)
        """Log nothing, because the page sends a request every two seconds."""

    def _answer(self, text: str, headers: dict[str, str]) -> None:
        content = text.encode()
        self.send_response(200)
        for key, value in {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(content)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            **headers,
        }.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(content)
