"""The web pages' server: one process, one gallery, this machine only."""

import gc
import ipaddress
import os
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from app.output import note
from app.schedule import Schedule, time_of_day
from enrollment.config import Settings
from enrollment.errors import BadInput
from enrollment.handed_in import MAX_HANDED_IN
from enrollment.service import Service

if TYPE_CHECKING:
    from starlette.types import ASGIApp

SCRIPT = Path(__file__).with_name("main.py")
# For Streamlit. `.streamlit/config.toml` says the same to those who start it themselves.
OPTIONS: dict[str, object] = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    # It would look at every object there is after each run of a page, which with TensorFlow loaded
    # stops all threads for 0.3 s, and live video with them. Python collects by itself.
    "runner.postScriptGC": False,
    "server.address": "127.0.0.1",
    "server.allowedHosts": ["localhost", "127.0.0.1", "::1"],
    "server.fileWatcherType": "none",
    "server.headless": True,
    # Of the largest upload, an archive of many people: the server knows no other limit, and a
    # widget's own (`max_upload_size`) is held by the browser alone.
    "server.maxUploadSize": MAX_HANDED_IN // 1024**2,
    "theme.light.primaryColor": "#1f5fbf",
    "theme.dark.primaryColor": "#2f6fe0",
}
_SECONDS_TO_FINISH = 3


def serve(
    settings: Settings, host: str, port: int, nightly_at: str = "off", *, pages: bool = True
) -> None:
    """Serve the pages and the API of this gallery until Ctrl-C, and run its nights.

    Args:
        nightly_at: HH:MM in UTC, or off.
        pages: False serves the API alone.

    Raises:
        BadInput: the host is not this machine's loopback, the port is taken, or this is no time.
        RollcallError, StoreError: the gallery cannot be opened.
    """
    from app.shared_service import shared_service

    at = time_of_day(nightly_at)
    with _listen(_loopback(host), port) as listening, ExitStack() as ending:
        _hand_over(settings)
        try:
            service = shared_service(settings)
            _announce(service, settings, listening)
            if at is not None:
                ending.callback(Schedule(service, at).end)
                note(f"night     at {at:%H:%M} UTC")
            note("Ctrl-C ends it")
            _run(listening, _pages(service, listening) if pages else _api(service))
        except KeyboardInterrupt:
            note("ended")
        finally:
            shared_service.clear()


def _loopback(host: str) -> str:
    """The address of `host`. Whoever reaches the pages may enroll: there are no accounts yet."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise BadInput(
            f"--host {host} can be reached from other machines, and there are no accounts yet; "
            "use 127.0.0.1"
        )
    return str(address)


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family)
    # Otherwise a port that was served a minute ago counts as taken.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise BadInput(
            f"port {port} on {address} cannot be used ({error.strerror}); "
            "end the other program, or give another --port"
        ) from error
    return listening


def _hand_over(settings: Settings) -> None:
    """Through the environment, where the pages' script reads its settings."""
    given = {
        "ROLLCALL_HOME": settings.home.resolve(),
        "ROLLCALL_KEY_FOLDER": settings.key_folder.resolve(),
        "ROLLCALL_WEIGHTS": settings.weights_home.resolve(),
        "ROLLCALL_KEY": settings.key,
        "ROLLCALL_DETECTOR": settings.detector,
        "ROLLCALL_AUDIT_ANCHOR": settings.audit_anchor and settings.audit_anchor.resolve(),
    }
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})


def _announce(service: Service, settings: Settings, listening: socket.socket) -> None:
    address, port = listening.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    service.warm()  # loads the models, whose libraries write lines of their own
    gc.collect()
    gc.freeze()  # 0.5 million objects of the libraries stay, and need not be looked at again
    device = service.backbone.device
    note(f"address   http://{shown}:{port} (this machine only)")
    note(f"API       http://{shown}:{port}/api/docs")
    note(f"gallery   {settings.home.resolve()}, people: {service.count()}")
    note(f"backbone  {service.facts.backbone}, on {device}")
    note(f"because   {service.facts.backbone_reason}")


def _pages(service: Service, listening: socket.socket) -> "ASGIApp":
    """The web pages, with the API beside them."""
    from streamlit import config
    from streamlit.starlette import App

    from app.rest.api import mounted

    address, port = listening.getsockname()[:2]
    bound = {"server.address": address, "server.port": port}
    config.get_config_options(force_reparse=True, options_from_flags=OPTIONS | bound)
    return App(SCRIPT, routes=[mounted(service)])


def _api(service: Service) -> "ASGIApp":
    from starlette.applications import Starlette

    from app.rest.api import mounted

    return Starlette(routes=[mounted(service)])


def _run(listening: socket.socket, served: "ASGIApp") -> None:
    import uvicorn

    server = uvicorn.Server(
        uvicorn.Config(
            served,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_SECONDS_TO_FINISH,
        )
    )
    server.run(sockets=[listening])
