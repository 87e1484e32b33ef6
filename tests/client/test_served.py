"""The client and a real server with real models: beside the pages, and alone."""

from pathlib import Path

import httpx2
import pytest

from client import Rollcall
from demo.people import NAMES, portrait
from enrollment.photo import encode_jpeg
from enrollment.service import open_service
from tests.app.browser import COLLEAGUES, fill, serving, settings_in

KNOWN, STRANGER = COLLEAGUES[0], 20
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("options", [(), ("--no-pages",)], ids=["beside the pages", "alone"])
def test_who_is_enrolled_is_named(tmp_path: Path, options: tuple[str, ...]) -> None:
    settings = settings_in(tmp_path)
    fill(settings)
    with open_service(settings) as service:
        _, secret = service.api_keys.add("client")
    photos = {}
    for person in (KNOWN, STRANGER):
        photos[person] = tmp_path / f"{person}.jpg"
        photos[person].write_bytes(encode_jpeg(portrait(person, 5, hard=0.2)))
    with serving(tmp_path, None, *options) as address, Rollcall(address, secret) as rollcall:
        (known,) = rollcall.identify(photos[KNOWN])
        assert (known.decision, known.name, known.score) == ("known", NAMES[KNOWN], None)
        (stranger,) = rollcall.identify(photos[STRANGER])
        assert (stranger.decision, stranger.name) == ("unknown", None)
        assert has_pages(address) == (not options)
    assert "Traceback" not in (tmp_path / "server.log").read_text()


def has_pages(address: str) -> bool:
    return httpx2.get(f"{address}/_stcore/health").is_success
