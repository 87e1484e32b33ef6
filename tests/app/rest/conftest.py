"""The API on a tiny gallery, asked as other software would."""

from collections.abc import Callable, Iterator

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.rest.api import mounted
from app.rest.pace import Pace
from enrollment.api_keys import SCOPES
from enrollment.service import Service
from tests import tiny

Ask = Callable[..., TestClient]


@pytest.fixture
def ask(service: Service) -> Iterator[Ask]:
    """A client whose key has these scopes; with none it shows no key."""
    served = Starlette(routes=[mounted(service, Pace(1e6, 1e6))])
    opened: list[TestClient] = []

    def client(*scopes: str) -> TestClient:
        headers = {}
        if scopes:
            _, secret = service.api_keys.add(f"test {len(opened)}", scopes)
            headers["Authorization"] = f"Bearer {secret}"
        opened.append(
            TestClient(
                served,
                base_url="http://127.0.0.1/api/v1",
                headers=headers,
                raise_server_exceptions=False,
            )
        )
        return opened[-1]

    yield client
    for one in opened:
        one.close()


@pytest.fixture
def everything(ask: Ask) -> TestClient:
    return ask(*SCOPES)


def photos(person: int, numbers: range = range(3)) -> list[tuple[str, tuple[str, bytes, str]]]:
    """As a multipart form's field `photos`."""
    return [("photos", (f"{n}.png", png(person, n), "image/png")) for n in numbers]


def photo(person: int, number: int = 50) -> dict[str, tuple[str, bytes, str]]:
    return {"photo": ("probe.png", png(person, number), "image/png")}


def png(person: int, number: int) -> bytes:
    return tiny.png(tiny.picture((person, number)))
