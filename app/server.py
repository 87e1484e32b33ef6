"""The web pages' server: one process, one gallery, this machine only."""

import gc
import ipaddress
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from app.ending import Ending
from app.log import Log, open_log
from app.output import note
from app.schedule import Schedule, time_of_day
from enrollment.config import Settings
from enrollment.errors import BadInput
from enrollment.handed_in import MAX_HANDED_IN
from enrollment.service import Service
from store.errors import StoreError

if TYPE_CHECKING:
    from starlette.routing import BaseRoute
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
# For requests in progress when the server is to end; an enrollment of five photos takes less.
SECONDS_TO_FINISH = 30


def serve(
    settings: Settings,
    host: str,
    port: int,
    nightly_at: str = "off",
    *,
    pages: bool = True,
    log: str = "auto",
) -> None:
    """Serve the pages and the API of this gallery until Ctrl-C or SIGTERM, and run its nights.

    Args:
        nightly_at: HH:MM in UTC, or off.
        pages: False serves the API alone.
        log: as `open_log`.

    Raises:
        BadInput: the host is not this machine's loopback, the port is taken, or this is no time.
        RollcallError, StoreError: the gallery cannot be opened.
    """
    from starlette.applications import Starlette

    from app.library_log import libraries_in
    from app.rest.api import mounted
    from app.shared_service import shared_service, shared_tasks

    at, said = time_of_day(nightly_at), open_log(log)
    with _listen(_loopback(host), port) as listening, Ending() as ending:
        _hand_over(settings)
        # From the last to the first: nights and long work end before the gallery is closed.
        with ExitStack() as closing, suppress(KeyboardInterrupt):
            libraries = closing.enter_context(libraries_in(said))
            closing.callback(shared_service.clear)
            service = shared_service(settings)
            closing.callback(_fold, service, said)
            closing.callback(shared_tasks.clear)
            _announce(service, settings, listening)
            if at is not None:
                closing.callback(Schedule(service, at).end)
                note(f"night     at {at:%H:%M} UTC")
            note("Ctrl-C ends it")
            routes = [mounted(service, log=said)]
            served = _pages(listening, routes) if pages else Starlette(routes=routes)
            libraries.lead()
            service.tally.tell_nights(said.night)
            ending.calls(service.wind_down)
            said.started(pages=pages, nightly_at=nightly_at)
            _run(listening, served, ending, said)
        note("ended")


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


def _pages(listening: socket.socket, routes: Sequence["BaseRoute"]) -> "ASGIApp":
    """The web pages, with the API beside them."""
    from streamlit import config
    from streamlit.starlette import App

    address, port = listening.getsockname()[:2]
    bound = {"server.address": address, "server.port": port}
    config.get_config_options(force_reparse=True, options_from_flags=OPTIONS | bound)
    return App(SCRIPT, routes=routes)


def _run(listening: socket.socket, served: "ASGIApp", ending: Ending, said: Log) -> None:
    """Serve until a signal; then accept nothing more, and answer what was asked before."""
    import uvicorn

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            # Its own would, at the end, hand SIGTERM on to the system, which ends the process
            # before anything is closed.
            yield

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            said.stopping(ending.signal)
            await super().shutdown(sockets)

    server = Server(
        uvicorn.Config(
            served,
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=SECONDS_TO_FINISH,
        )
    )

    def stop() -> None:
        server.should_exit = True

    ending.calls(stop)
    server.run(sockets=[listening])


def _fold(service: Service, said: Log) -> None:
    try:
        said.stopped(log_cut=service.cut_log())
    except StoreError as error:
        said.error(error)
