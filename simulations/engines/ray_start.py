"""What ``ray start`` has no option for; Ray calls it by ``RAY_START_HOOK``."""

from typing import Any


def without_services(parameters: Any, _head: bool) -> None:
    """Leave out the servers that a run has no use for.

    Ray's client server lets whoever reaches it run code. The dashboard, which Ray starts even when
    told not to, only to collect statistics, takes a second.
    """
    from ray._private import services  # noqa: PLC0415  (only where Ray starts)

    parameters.ray_client_server_port = None
    services.start_api_server = lambda *_, **__: (None, None)
