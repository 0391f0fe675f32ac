"""Settings that ``ray start`` has no options for; Ray calls them through ``RAY_START_HOOK``."""

from typing import Any


def without_services(parameters: Any, _head: bool) -> None:
    """Do not start the servers that a run does not need.

    Ray's client server lets anyone who can reach it run code. The dashboard process takes a second;
    Ray starts it even if the dashboard is disabled, only to collect statistics.
    """
    from ray._private import services  # noqa: PLC0415  (only where Ray starts)

    parameters.ray_client_server_port = None
    services.start_api_server = lambda *_, **__: (None, None)
