"""A gallery with tiny models, on a real database in a temporary folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.intake import Enrollee
from enrollment.opening import facts_of, write_gallery
from enrollment.photo import photo_bytes
from enrollment.service import Service, open_service
from tests import tiny

KEY = "5a" * 32


@pytest.fixture
def capture() -> Capture:
    return Capture(tiny.TinyDetector(), tiny.TinyBackbone())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "gallery", key=KEY, key_folder=tmp_path / "keys", actor="test")


@pytest.fixture
def make_service(settings: Settings, capture: Capture) -> Iterator[Callable[..., Service]]:
    opened: list[Service] = []

    def make(consent_policy: str = "required") -> Service:
        write_gallery(settings, facts_of(capture, "for tests", consent_policy))
        opened.append(open_service(settings, capture=capture))
        return opened[-1]

    yield make
    for service in opened:
        service.close()


@pytest.fixture
def service(make_service: Callable[..., Service]) -> Service:
    return make_service()


@pytest.fixture
def person() -> Callable[..., Enrollee]:
    """A person by number, with that many photos."""

    def make(number: int, photos: range = range(3), name: str | None = None) -> Enrollee:
        taken = tuple(
            photo_bytes(f"{number}-{i}.png", tiny.png(tiny.picture((number, i)))) for i in photos
        )
        return Enrollee(name or f"Person {number}", None, taken)

    return make
