"""Names, keys and photos go in; none comes out in the log or in the metrics."""

import io
import json
import logging
import re
import threading
import warnings
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.library_log import libraries_in
from app.log import Log, open_log
from app.rest.api import mounted
from app.rest.pace import Pace
from enrollment.api_keys import SCOPES
from enrollment.errors import BadInput
from enrollment.service import Service
from store.errors import GalleryLocked
from tests.app.rest.conftest import png
from tests.app.rest.private import Private

ADA, EVE = "Ada Recognisable-Lovelace", "Eve Unmistakable-Polastri"
ALLOWED = {"event", "level", "at", "request_id", "key_id", "method", "route", "status", "ms"}


@pytest.fixture
def written() -> io.StringIO:
    return io.StringIO()


@pytest.fixture(params=["json", "text"])
def log(request: pytest.FixtureRequest, written: io.StringIO) -> Iterator[Log]:
    found = open_log(request.param, written)
    with libraries_in(found):
        yield found


def client_of(service: Service, log: Log, secret: str) -> TestClient:
    served = Starlette(routes=[mounted(service, Pace(1e6, 1e6), log)])
    return TestClient(
        served,
        base_url="http://127.0.0.1/api/v1",
        headers={"Authorization": f"Bearer {secret}"},
        raise_server_exceptions=False,
    )


def test_nobody_is_in_the_log(
    service: Service, log: Log, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, secret = service.api_keys.add("Unmistakable door", SCOPES)
    client = client_of(service, log, secret)
    private = Private()
    private.texts += [ADA, EVE, "Recognisable", "Unmistakable", secret, secret[4:], "telltale"]
    photos = [png(1, n) for n in range(3)]
    private.blobs += photos

    form = {"name": ADA, "consent": f"{ADA} agreed", "external_id": "telltale-7"}
    files = [("photos", (f"telltale-{n}.png", p, "image/png")) for n, p in enumerate(photos)]
    once = {"Idempotency-Key": "telltale-once-1"}
    enrolled = client.post("subjects", data=form, files=files, headers=once)
    assert enrolled.status_code == 201, enrolled.text
    (ada,) = (s["subject_id"] for s in enrolled.json()["subjects"])
    private.texts.append(ada)
    private.keep_templates(service)

    probe = {"photo": ("telltale.png", png(1, 9), "image/png")}
    score = client.post("identify", files=probe).json()["faces"][0]["score"]
    private.texts.append(str(score))
    client.post("verify", files=probe, data={"name": ADA})
    client.post("verify", files=probe, data={"name": f"no {EVE}"})
    client.get("subjects", params={"search": ADA})
    client.get(f"subjects/{ada}", headers={"X-Request-ID": ADA.replace(" ", "-")})
    client.patch(f"subjects/{ada}", json={"name": EVE})
    client.patch(f"subjects/{ada}", json={"name": ["telltale"]})
    client.post("subjects", content=b"telltale", headers={"Content-Type": "text/telltale"})
    client.get("subjects", headers={"Authorization": f"Bearer {secret}telltale"})
    client.get("telltale/not/a/route", params={"q": ADA})
    client.request("TELLTALE", "subjects")
    broken = _breaking(service, client, ada, monkeypatch)
    client.post("nightly")
    client.delete(f"subjects/{ada}")
    metrics = client.get("metrics").text
    _library_trouble()

    said = written.getvalue()
    private.assert_absent(said)
    private.assert_absent(metrics)
    assert broken.headers["X-Request-ID"] in said
    assert "ZeroDivisionError" in said
    assert "GalleryLocked" in said
    assert key.key_id in said
    assert "/subjects/{subject_id}" in said


def _breaking(
    service: Service, client: TestClient, ada: str, monkeypatch: pytest.MonkeyPatch
) -> object:
    def breaks(who: str, name: str) -> None:
        secretly = f"{name} telltale"
        raise ZeroDivisionError(secretly)

    def locked(who: str, name: str) -> None:
        raise GalleryLocked(f"{name} telltale")

    with monkeypatch.context() as patch:
        patch.setattr(service, "rename", locked)
        assert client.patch(f"subjects/{ada}", json={"name": ADA}).status_code == 503
        patch.setattr(service, "rename", breaks)
        broken = client.patch(f"subjects/{ada}", json={"name": ADA})
    assert broken.status_code == 500
    return broken


def _library_trouble() -> None:
    """As Streamlit, a thread and a library would tell of errors that hold a name."""
    from streamlit.logger import get_logger

    try:
        raise ValueError(ADA)
    except ValueError as error:
        get_logger("streamlit.made.later").error("Uncaught app execution", exc_info=error)
        logging.getLogger("somebody").exception("telltale %s", ADA)
    warnings.warn(ADA, UserWarning, stacklevel=1)
    thread = threading.Thread(target=_fails)
    thread.start()
    thread.join()


def _fails() -> None:
    raise ValueError(ADA)


def test_every_request_is_one_line_with_its_id(service: Service, written: io.StringIO) -> None:
    key, secret = service.api_keys.add("door", ["read"])
    client = client_of(service, open_log("json", written), secret)
    answers = [client.get("subjects"), client.get("audit"), client.get("health")]
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["request_id"] for line in lines] == [a.headers["x-request-id"] for a in answers]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/subjects", 200),
        ("/audit", 403),
        ("/health", 200),
    ]
    assert [line.get("key_id") for line in lines] == [key.key_id, key.key_id, None]
    assert all(set(line) <= ALLOWED and line["ms"] > 0 for line in lines)
    assert all(re.fullmatch(r"[0-9a-f]{32}", line["request_id"]) for line in lines)


def test_a_night_is_one_line(service: Service, written: io.StringIO) -> None:
    log = open_log("json", written)
    service.tally.tell_nights(log.night)
    service.nightly()
    line = json.loads(written.getvalue())
    assert (line["event"], line["outcome"], line["mode"]) == ("night", "skipped", "imprint")


def test_an_unknown_style_is_said() -> None:
    with pytest.raises(BadInput, match="json or text"):
        open_log("xml")


def test_loggers_are_as_before_afterwards() -> None:
    from streamlit.logger import get_logger

    one = get_logger("streamlit.made.before")
    before = one.handlers, one.propagate, logging.getLogger().handlers
    with libraries_in(Log()):
        assert one.propagate
        assert one.handlers == []
    assert (one.handlers, one.propagate, logging.getLogger().handlers) == before
