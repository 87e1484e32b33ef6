"""The whole first job in a real browser: real server, real models, people who are drawn."""

import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from demo.people import NAMES, portrait
from enrollment.photo import encode_jpeg
from tests.app.browser import (
    CHROMIUM,
    COLLEAGUES,
    chromium,
    fill,
    frame,
    press_enroll,
    press_until,
    serving,
    settings_in,
    take_picture,
    watched,
    write_name_and_agree,
)

WHITE, DARK = "rgb(255, 255, 255)", re.compile(r"rgb\((\d\d?)(, \d\d?)+\)")  # no 3 digits
UPLOADED, FILMED, STRANGER = 0, 3, 20
IN_ZIP = (1, 2)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"{CHROMIUM} is not installed"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="module")
def address(models_opened_once: None, folder: Path) -> Iterator[str]:
    """A server of its own, as `rollcall serve` starts it, on a gallery with colleagues."""
    fill(settings_in(folder))
    with serving(folder) as address:
        yield address
    said = (folder / "server.log").read_text()
    assert address in said
    assert "backbone  dlib-resnet, on CPU" in said
    assert "Traceback" not in said


@pytest.fixture(scope="module")
def browser(folder: Path) -> Iterator[Browser]:
    """Chromium whose camera films the person FILMED."""
    film = folder / "film.mjpeg"
    film.write_bytes(b"".join(frame(FILMED, n) * 10 for n in range(4)))
    with chromium(film) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with watched(browser.new_context(viewport={"width": 1200, "height": 1600})) as page:
        yield page


@pytest.fixture(scope="module")
def photo(folder: Path) -> Callable[[int, int], str]:
    """The file of one drawn picture of a person; from number 4 on easy ones, to be identified."""

    def write(person: int, number: int) -> str:
        path = folder / f"person-{person}-{number}.jpg"
        hard = 0.6 if number < 4 else 0.2
        path.write_bytes(encode_jpeg(portrait(person, number, hard=hard)))
        return str(path)

    return write


# Each test loads the pages once: that is most of what a browser test takes.


def test_enroll_by_upload_then_identify(
    page: Page, address: str, photo: Callable[[int, int], str]
) -> None:
    page.goto(f"{address}/enroll")
    write_name_and_agree(page, NAMES[UPLOADED])
    _give(page, "Choose photos", *(photo(UPLOADED, n) for n in range(3)))
    press_enroll(page)
    _expect_said(page, f"{NAMES[UPLOADED]} is enrolled: 3 of 3 photos were kept")
    _give(page, "Choose a photo", photo(UPLOADED, 5))
    _expect_line(page, "known", NAMES[UPLOADED])

    page.get_by_role("link", name="Identify", exact=True).click()
    expect(page.get_by_role("heading", name="Who is this?")).to_be_visible()
    expect(page.get_by_role("heading", name="Try it now")).to_be_hidden()
    _give(page, "Choose a photo", photo(UPLOADED, 6))
    _expect_line(page, "known", NAMES[UPLOADED])
    _give(page, "Choose a photo", photo(STRANGER, 0))
    _expect_line(page, "unknown", "-")


def test_enroll_with_the_camera_then_identify(page: Page, address: str) -> None:
    page.goto(f"{address}/identify")
    expect(page.get_by_role("heading", name="Who is this?")).to_be_visible()
    page.get_by_role("link", name="Enroll", exact=True).click()
    write_name_and_agree(page, NAMES[FILMED])
    page.get_by_text("Take single pictures").click()
    for number in range(3):
        take_picture(page, f"Take picture {number + 1}")
        expect(page.get_by_role("button", name="Drop")).to_have_count(number + 1)
    page.get_by_role("button", name="Drop").first.click()
    expect(page.get_by_role("button", name="Drop")).to_have_count(2)
    press_enroll(page)
    _expect_said(page, f"{NAMES[FILMED]} is enrolled")
    page.get_by_text("The camera", exact=True).click()
    take_picture(page, "Take a picture")
    _expect_line(page, "known", NAMES[FILMED])


def test_the_same_face_under_another_name_is_asked_about(
    page: Page, address: str, photo: Callable[[int, int], str]
) -> None:
    known, photos = COLLEAGUES[0], [photo(COLLEAGUES[0], n) for n in range(4, 7)]
    page.goto(f"{address}/enroll")
    write_name_and_agree(page, "Somebody Else")
    _give(page, "Choose photos", *photos)
    dialog = page.get_by_role("dialog")
    press_until(page.get_by_role("button", name="Enroll", exact=True), dialog)
    expect(dialog.get_by_text(f"Enrolled: {NAMES[known]}")).to_be_visible()
    expect(dialog.get_by_text("New: Somebody Else")).to_be_visible()
    dialog.get_by_role("button", name="The same person").click()
    _expect_said(page, f"Added to {NAMES[known]}: 3 of 3 photos were kept")


def test_many_from_a_zip_then_one_is_erased_and_a_night_is_run(
    page: Page, address: str, folder: Path, photo: Callable[[int, int], str]
) -> None:
    archive = folder / "staff.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for person in IN_ZIP:
            for number in range(2):
                packed.write(photo(person, number), f"{NAMES[person]}/{number}.jpg")
        packed.writestr(f"{NAMES[IN_ZIP[0]]}/no.jpg", b"no picture")
    page.goto(f"{address}/bulk")
    page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(archive)
    begin = page.get_by_role("button", name=f"Enroll {len(IN_ZIP)} people")
    expect(begin).to_be_visible()
    page.get_by_text("They are different people: enroll them").click()
    ticked = page.get_by_role("checkbox", name="Everybody in these files", checked=True)
    press_until(page.get_by_text("Everybody in these files has read this"), ticked)
    press_until(begin, page.get_by_text("Finished in"))
    with page.expect_download() as refused:
        page.get_by_role("button", name="Download what was refused").click()
    assert "unreadable_image" in Path(refused.value.path()).read_text("utf-8-sig")

    page.get_by_role("link", name="People", exact=True).click()
    page.get_by_text(NAMES[IN_ZIP[1]], exact=True).first.click()
    erase = page.get_by_role("dialog")
    press_until(page.get_by_role("button", name="Erase", exact=True), erase)
    confirm = erase.get_by_role("textbox", name="Type the name to confirm")
    confirm.fill(NAMES[IN_ZIP[1]])
    confirm.press("Tab")
    gone = page.get_by_text("Erased. There is nobody with this id any more.")
    press_until(erase.get_by_role("button", name="Erase for good"), gone)
    expect(page.get_by_role("heading", name="Receipt")).to_be_visible()

    page.get_by_role("link", name="Nightly", exact=True).click()
    outcome = page.get_by_text(re.compile("Promoted|Refused")).first
    press_until(page.get_by_role("button", name="Run now", exact=True), outcome)
    page.get_by_role("link", name="People", exact=True).click()
    expect(page.get_by_text(NAMES[IN_ZIP[0]], exact=True).first).to_be_visible()
    expect(page.get_by_text(NAMES[IN_ZIP[1]], exact=True)).to_have_count(0)


def test_wrong_input_is_said_and_a_telephone_shows_everything(
    browser: Browser, address: str
) -> None:
    with watched(browser.new_context(viewport={"width": 375, "height": 800})) as page:
        page.goto(f"{address}/enroll")
        page.get_by_role("textbox", name="Name", exact=True).fill("**x** [a](http://b.c) :red[y]")
        page.keyboard.press("Tab")
        for scheme, background in (("light", WHITE), ("dark", DARK)):
            page.emulate_media(color_scheme=scheme)
            expect(page.get_by_test_id("stApp")).to_have_css("background-color", background)
            _expect_nothing_wider_than(page, 375)
        page.get_by_role("button", name="Enroll", exact=True).click()
        expect(page.get_by_text("There is no photo yet")).to_be_visible()
        expect(page.get_by_text("There is no consent yet")).to_be_visible()
        complaint = page.get_by_role("alert").filter(has_text="has the character")
        assert "**x** [a](http://b.c) :red[y]" in complaint.inner_text().replace("\u2060", "")
        assert complaint.locator("a").count() == 0
        expect(page.get_by_text("The weak backbone dlib-resnet is in use")).to_be_attached()
        _expect_nothing_wider_than(page, 375)


def _expect_nothing_wider_than(page: Page, width: int) -> None:
    expect(page.get_by_role("button", name="Enroll", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    buttons = page.get_by_test_id("stMain").get_by_role("button").all()
    right = [box["x"] + box["width"] for b in buttons if (box := b.bounding_box()) is not None]
    assert right
    assert max(right) <= width


def _give(page: Page, label: str, *files: str) -> None:
    """By label: what was on the page before stays in it until the new one is complete."""
    uploader = page.get_by_test_id("stFileUploader").filter(has_text=label)
    uploader.locator("input[type=file]").set_input_files(files)
    for file in files:
        expect(uploader.get_by_text(Path(file).name)).to_be_visible()
    expect(uploader.get_by_test_id("stFileChipIconSpinner")).to_have_count(0)


def _expect_said(page: Page, text: str) -> None:
    """In the page; the same in a passing note is not enough."""
    expect(page.get_by_test_id("stMain").get_by_text(text)).to_be_visible()


def _expect_line(page: Page, decision: str, name: str) -> None:
    line = page.get_by_role("table").locator("tbody tr")
    expect(line).to_have_count(1)
    expect(line.locator("td").nth(1)).to_have_text(re.compile(rf"\b{decision}\b"))
    expect(line.locator("td").nth(2)).to_have_text(name)
