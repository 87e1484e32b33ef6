"""The server: pages and API of one gallery in one process, for those who sign in or hold a key."""

import gc
import ipaddress
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.deliveries import Deliveries
from app.ending import Ending
from app.log import Log, open_log
from app.output import note
from app.provider_settings import ProviderSettings
from app.schedule import Schedule, time_of_day
from enrollment.accounts import FIRST_LOGIN
from enrollment.config import Settings
from enrollment.errors import BadInput
from enrollment.handed_in import MAX_HANDED_IN
from enrollment.opening import far_away
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


@dataclass(frozen=True)
class Serving:
    """What is served, where and to whom.

    nightly_at: HH:MM in UTC, or off. pages: False serves the API alone.
    public_url: the https address under which a proxy passes on what others ask.
    open_to_all: nobody signs in; for developers, on this machine alone.
    provider: who signs people in beside passwords. log: as `open_log`.
    """

    host: str = "127.0.0.1"
    port: int = 8501
    nightly_at: str = "off"
    pages: bool = True
    public_url: str | None = None
    open_to_all: bool = False
    provider: ProviderSettings | None = None
    log: str = "auto"


def serve(settings: Settings, serving: Serving) -> None:
    """Serve the pages and the API of this gallery until Ctrl-C or SIGTERM, and run its nights.

    Raises:
        BadInput: it would be open to others without a sign-in or without https, the port is taken,
            or a time or an address is none.
        RollcallError, StoreError: the gallery cannot be opened.
    """
    from starlette.applications import Starlette

    from app.library_log import libraries_in
    from app.rest.api import mounted
    from app.shared_service import shared_service, shared_tasks

    at, said = time_of_day(serving.nightly_at), open_log(serving.log)
    with _listen(_address(serving), serving.port) as listening, Ending() as ending:
        _hand_over(settings)
        # From the last to the first: nights and long work end before the gallery is closed.
        with ExitStack() as closing, suppress(KeyboardInterrupt):
            libraries = closing.enter_context(libraries_in(said))
            closing.callback(shared_service.clear)
            service = shared_service(settings, _open_to_all=serving.open_to_all)
            closing.callback(_fold, service, said)
            closing.callback(shared_tasks.clear)
            _announce(service, settings, serving, listening)
            closing.callback(Deliveries(service, said).end)
            if at is not None:
                closing.callback(Schedule(service, at).end)
                note(f"night     at {at:%H:%M} UTC")
            note("Ctrl-C ends it")
            routes = [mounted(service, log=said)]
            served = (
                _pages(service, serving, listening, routes)
                if serving.pages
                else Starlette(routes=routes)
            )
            libraries.lead()
            service.tally.tell_nights(said.night)
            ending.calls(service.wind_down)
            said.started(pages=serving.pages, nightly_at=serving.nightly_at)
            _run(listening, served, ending, said)
        note("ended")


def _address(serving: Serving) -> str:
    """Where to listen. Others reach it over https alone, and nobody without a sign-in."""
    host = serving.host
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError as error:
        raise BadInput(f"--host {host} is no address; give one as 127.0.0.1") from error
    if serving.public_url is not None and _host_of(serving.public_url) is None:
        raise BadInput("--public-url is an https address without a path, as https://faces.firm.com")
    if address.is_loopback and serving.public_url is None:
        return str(address)
    if serving.open_to_all:
        raise BadInput(
            "--insecure-dev lets everybody do everything, so it serves this machine alone; "
            "leave it out, or leave out --host and --public-url"
        )
    if serving.public_url is None:
        raise BadInput(
            f"--host {host} can be reached from other machines, and passwords and faces would go "
            "there in the clear; put a proxy with https before it and give its address: "
            "--public-url https://... (docs/operations.md)"
        )
    return str(address)


def _host_of(url: str) -> str | None:
    """None where it is no https address of a whole host."""
    parts = urlsplit(url)
    whole = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username)
    return parts.hostname if parts.scheme == "https" and whole else None


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
        "ROLLCALL_KEY_COMMAND": settings.key_command,
        "ROLLCALL_KEYRING": settings.keyring,
        "ROLLCALL_DETECTOR": settings.detector,
        "ROLLCALL_WITHOUT_DATABASE": int(settings.without_database.total_seconds()),
        "ROLLCALL_AUDIT_ANCHOR": settings.audit_anchor and settings.audit_anchor.resolve(),
    }
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})


def _announce(
    service: Service, settings: Settings, serving: Serving, listening: socket.socket
) -> None:
    url = _url(serving, listening)
    service.warm()  # loads the models, whose libraries write lines of their own
    gc.collect()
    gc.freeze()  # 0.5 million objects of the libraries stay, and need not be looked at again
    device = service.backbone.device
    note(f"address   {url}{'' if serving.public_url else ' (this machine only)'}")
    note(f"API       {url}/api/docs")
    note(f"gallery   {settings.home.resolve()}, people: {service.count()}")
    note(f"backbone  {service.facts.backbone}, on {device}")
    far = far_away(settings)
    if far is not None:
        note(f"DANGER    {far}")
    note(f"because   {service.facts.backbone_reason}")
    if serving.open_to_all:
        note("OPEN      --insecure-dev: everybody on this machine may do everything")
    elif serving.pages and (password := service.accounts.first()) is not None:
        note(f"sign in   as {FIRST_LOGIN}, with the one-time password {password}")


def _url(serving: Serving, listening: socket.socket) -> str:
    """As browsers know this server."""
    if serving.public_url is not None:
        return serving.public_url.rstrip("/")
    address, port = listening.getsockname()[:2]
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def _pages(
    service: Service, serving: Serving, listening: socket.socket, routes: Sequence["BaseRoute"]
) -> "ASGIApp":
    """The web pages behind the gate, with the API beside them."""
    from streamlit import config
    from streamlit.starlette import App

    from app.gate import Gate
    from app.provider import Provider
    from app.signing_in import SigningIn

    address, port = listening.getsockname()[:2]
    bound: dict[str, object] = {"server.address": address, "server.port": port}
    secure = serving.public_url is not None
    if secure:
        bound |= {
            "server.allowedHosts": [_host_of(serving.public_url or "")],
            "browser.serverAddress": _host_of(serving.public_url or ""),
        }
    config.get_config_options(force_reparse=True, options_from_flags=OPTIONS | bound)
    pages = App(SCRIPT, routes=routes)
    if serving.open_to_all:
        return pages
    url = _url(serving, listening)
    provider = Provider(serving.provider, url) if serving.provider else None
    signing_in = SigningIn(service, secure=secure, provider=provider)
    return Gate(pages, signing_in.app(), service, secure=secure)


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
