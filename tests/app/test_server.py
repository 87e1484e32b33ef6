"""Who may reach the pages, and with which options Streamlit runs."""

import socket
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit import config

from app.server import OPTIONS, Serving, serve
from enrollment.config import Settings
from enrollment.errors import BadInput
from store.errors import GalleryMissing

CONFIG = Path(__file__).parents[2] / ".streamlit" / "config.toml"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])  # noqa: S104
def test_others_reach_it_over_https_alone(settings: Settings, host: str) -> None:
    with pytest.raises(BadInput, match="in the clear; put a proxy with https"):
        serve(settings, Serving(host, 0))


@pytest.mark.parametrize("host", ["example.org", "", "1.2.3"])
def test_a_host_is_an_address(settings: Settings, host: str) -> None:
    with pytest.raises(BadInput, match="is no address"):
        serve(settings, Serving(host, 0))


@pytest.mark.parametrize(
    "url", ["http://firm.com", "firm.com", "https://", "https://a/b", "https://a?b", "https://u@a"]
)
def test_a_public_address_is_https(settings: Settings, url: str) -> None:
    with pytest.raises(BadInput, match="--public-url is an https address"):
        serve(settings, Serving("0.0.0.0", 0, public_url=url))  # noqa: S104


@pytest.mark.parametrize(
    "serving",
    [
        Serving("0.0.0.0", 0, open_to_all=True),  # noqa: S104
        Serving("0.0.0.0", 0, open_to_all=True, public_url="https://a"),  # noqa: S104
        Serving("127.0.0.1", 0, open_to_all=True, public_url="https://a"),
    ],
)
def test_open_to_all_is_this_machine_alone(settings: Settings, serving: Serving) -> None:
    with pytest.raises(BadInput, match="--insecure-dev"):
        serve(settings, serving)


def test_a_taken_port_is_said(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"port {port} .* another --port"):
            serve(settings, Serving(port=port))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_without_a_gallery_nothing_is_served(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    for name in ("ROLLCALL_HOME", "ROLLCALL_KEY", "ROLLCALL_KEY_FOLDER", "ROLLCALL_WEIGHTS"):
        monkeypatch.setenv(name, "")  # so that what serve sets is taken back
    with pytest.raises(GalleryMissing):
        serve(settings, Serving(host, 0))


def test_streamlit_knows_every_option_and_both_places_agree() -> None:
    with CONFIG.open("rb") as file:
        written = dict(_flat(tomllib.load(file)))
    assert written == OPTIONS
    for name in OPTIONS:
        config.get_option(name)


def _flat(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
