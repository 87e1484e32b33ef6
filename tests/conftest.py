"""A gallery with tiny models, on a real database in a temporary folder."""

import functools
import gc
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pylibsrtp  # noqa: F401 - before any test loads TensorFlow: see app/shared_service.py
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.intake import Enrollee
from enrollment.opening import facts_of, write_gallery
from enrollment.photo import photo_bytes
from enrollment.service import Service
from store.records import GalleryFacts
from tests import databases, tiny
from tests.galleries import open_copy, settings_of

KEY = tiny.KEY
STARTED = pytest.StashKey[float]()

# A slow host is no bug: no example is too slow, here or there.
hypothesis_settings.register_profile(
    "any host", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("any host")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--start-until",
        type=float,
        metavar="SECONDS",
        help="skip, aloud, slow tests and those in PostgreSQL that would start later than this "
        "after the session's start",
    )
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="where galleries are made that name no database; postgresql: on a server of its own, "
        "and tests without a folder, which have no gallery, are left out",
    )
    parser.addoption("--screenshots", metavar="DIR", help="keep pictures of every page there")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[STARTED] = time.monotonic()


@pytest.fixture(scope="session", autouse=True)
def _server(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.config.getoption("--database") != "postgresql":
        yield
        return
    with databases.server_of_session():
        yield


@pytest.fixture(autouse=True)
def _databases_go(request: pytest.FixtureRequest, _server: None) -> Iterator[None]:
    """With their tests: else thousands of them fill the disk."""
    if databases.default() is None or "tmp_path" not in request.fixturenames:
        yield
        return
    folder = request.getfixturevalue("tmp_path")
    yield
    databases.drop_all_of(folder)


def pytest_collection_finish() -> None:
    """What the libraries made while they were loaded stays: a quarter of the time went into looking
    at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--database") == "sqlite":
        return
    folders = {"tmp_path", "tmp_path_factory"}
    chosen = [item for item in items if folders & set(getattr(item, "fixturenames", ()))]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


@pytest.hookimpl(tryfirst=True)  # before the fixtures, which take the longest
def pytest_runtest_setup(item: pytest.Item) -> None:
    until = item.config.getoption("--start-until")
    late = until is not None and time.monotonic() - item.config.stash[STARTED] > until
    if item.get_closest_marker("sqlite") and item.config.getoption("--database") != "sqlite":
        pytest.skip("of SQLite's own files: PostgreSQL keeps its own")
    elsewhere = item.config.getoption("--database") != "sqlite"
    if late and (elsewhere or item.get_closest_marker("slow")):
        pytest.skip(f"too late: no slow test starts after {until:.0f} s (--start-until)")


@pytest.fixture(autouse=True)
def _main() -> Iterator[None]:
    """Streamlit's AppTest leaves a page as `__main__`, and a process spawned later would run it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def capture() -> Capture:
    return Capture(tiny.TinyDetector(), tiny.TinyBackbone())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path / "gallery", tmp_path / "keys")


@functools.cache
def facts_for_tests(consent_policy: str) -> GalleryFacts:
    """Once: the golden images in it take longer to draw than most tests take."""
    capture = Capture(tiny.TinyDetector(), tiny.TinyBackbone())
    return facts_of(capture, "for tests", consent_policy)


@pytest.fixture(scope="session")
def empty_gallery(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """By consent policy. A copy takes a hundredth of the time that writing one takes."""

    @functools.cache
    def written(consent_policy: str) -> Path:
        home = tmp_path_factory.mktemp("empty")
        write_gallery(settings_of(home, home), facts_for_tests(consent_policy))
        return home

    return written


@pytest.fixture
def make_service(
    settings: Settings, capture: Capture, empty_gallery: Callable[[str], Path]
) -> Iterator[Callable[..., Service]]:
    opened: list[Service] = []

    def make(consent_policy: str = "required") -> Service:
        opened.append(open_copy(empty_gallery(consent_policy), settings, capture))
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
