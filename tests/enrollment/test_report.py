import copy
import math
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from enrollment.report import render
from tests.enrollment import report_example as example
from tests.enrollment.report_example import Document

CHROMIUM = "/usr/bin/chromium"
VOID = {"meta", "img"}
# Pictures take longest, so few nights are drawn and none twice.
EXAMPLES = {
    "full": lambda: example.full() | {"cohorts": example.cohorts(nights=3)},
    "refused": lambda: example.refused() | {"cohorts": None, "scores": None},
    "first night": example.first_night,
    "one person": example.one_person,
    "skipped": example.skipped,
    "nothing known": dict,
}
HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)> ' autofocus onfocus='alert(1)",
    "</title></style></svg><!-- & &amp; &#60; ]]> $x_1$ \\frac @0@ {}",
    "https://evil.example/x.png url(https://evil.example)",
    "\u202egnp.exe \u2066 أمين حدّاد \U0001f469\u200d\U0001f680 \x00\x07\x1b[31m \ud83d half",
)


class Page(HTMLParser):
    """A page as a browser takes it apart; fails where elements do not nest."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.headings: list[int] = []
        self.texts: list[str] = []
        self.style = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._see(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "svg" in self.open, f"<{tag}/> closes itself in SVG alone"
        self._see(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["style"]:
            self.style += data
        else:
            self.texts.append(data)

    def _see(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    @property
    def text(self) -> str:
        """All that can be read, on one line."""
        return " ".join(" ".join(self.texts).split())

    def values(self, attribute: str) -> list[str]:
        return [given[attribute] for _, given in self.elements if attribute in given]


@cache
def page_of(name: str) -> str:
    return render(EXAMPLES[name]())


@cache
def page_with(text: str) -> str:
    return render(example.hostile(text) | {"scores": None})  # which have no text


@cache
def page_of_many_nights() -> str:
    return render(example.full() | {"cohorts": example.cohorts(nights=60)})


@pytest.fixture(params=EXAMPLES)
def page(request: pytest.FixtureRequest) -> str:
    return page_of(request.param)


def test_is_well_formed(page: str) -> None:
    parsed = Page(page)
    ids = parsed.values("id")
    assert len(set(ids)) == len(ids)
    inner = {href[1:] for href in parsed.values("href")}
    inner |= set(re.findall(r"url\(#([^)]+)\)", page)) | set(parsed.values("aria-labelledby"))
    assert inner <= set(ids)
    page.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", page)


def test_asks_nobody_for_anything(page: str) -> None:
    assert loads(page) == []
    policy = next(
        given["content"]
        for tag, given in Page(page).elements
        if given.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def loads(page: str) -> list[str]:
    """Addresses that a browser would fetch, and whatever could run."""
    parsed = Page(page)
    found = [
        given[name]
        for _, given in parsed.elements
        for name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster")
        if name in given and not given[name].startswith(("#", "data:image/jpeg;base64,"))
    ]
    styles = [parsed.style, *parsed.values("style"), *parsed.values("fill")]
    found += [s for s in styles if re.search(r"url\((?!#)|@import|https?:", s)]
    running = {"script", "iframe", "object", "embed", "link", "base", "form", "foreignobject"}
    found += [tag for tag, _ in parsed.elements if tag in running]
    found += [name for _, given in parsed.elements for name in given if name.startswith("on")]
    return found


def test_is_accessible(page: str) -> None:
    parsed = Page(page)
    assert parsed.elements[0] == ("html", {"lang": "en"})
    assert parsed.headings[:2] == [1, 2]
    assert all(after <= before + 1 for before, after in pairwise(parsed.headings))
    kinds = [tag for tag, _ in parsed.elements]
    assert kinds.count("table") == kinds.count("caption")
    assert all("scope" in given for tag, given in parsed.elements if tag == "th")
    assert all(given["alt"] for tag, given in parsed.elements if tag == "img")
    pictures = [given for _, given in parsed.elements if given.get("role") == "img"]
    assert len(pictures) == kinds.count("svg")
    assert all(given["aria-label"] for given in pictures)


def test_pictures_take_the_page_s_colours() -> None:
    """So that they can be read on light, on dark and on paper."""
    drawn = "".join(re.findall("<svg.*?</svg>", page_of("full"), re.DOTALL))
    fixed = {colour.lower() for colour in re.findall("#[0-9a-f]{6}", drawn, re.IGNORECASE)}
    assert not {colour for colour in fixed if colour.startswith("#0000")}
    assert {"currentColor", "var(--new)", "var(--bad)"} <= set(re.findall(r"[\w()-]+", drawn))
    # A style sheet or a font of matplotlib's would be the whole page's.
    assert "<style" not in drawn
    assert "font-family" not in drawn


@pytest.mark.slow
def test_the_same_night_gives_the_same_bytes() -> None:
    assert render(PICTURED) == render(PICTURED)


@pytest.mark.parametrize(
    "text", [*HOSTILE[:1], *(pytest.param(text, marks=pytest.mark.slow) for text in HOSTILE[1:])]
)
def test_every_text_is_escaped(text: str) -> None:
    plain, hostile = Page(page_with("x")), page_with(text)
    parsed = Page(hostile)
    assert [tag for tag, _ in parsed.elements] == [tag for tag, _ in plain.elements]
    assert [set(given) for _, given in parsed.elements] == [
        set(given) for _, given in plain.elements
    ]
    assert loads(hostile) == []
    hostile.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", hostile)
    shown = re.sub("[\x00-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", "\ufffd", text)
    assert " ".join(shown.split()) in parsed.text


def test_names_run_in_their_own_direction() -> None:
    assert "<bdi>أمين حدّاد</bdi>" in page_of("full")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("full", ["Promoted", "is used from now on", "There are 2 things for you to do"]),
        ("refused", ["Refused", "is not used", "Why: 31 of 1486", "checks that failed"]),
        ("first night", ["Promoted", "Enroll more people", "This was the first night"]),
        ("skipped", ["Skipped", "Nothing was learnt tonight", "You need to do nothing"]),
        ("nothing known", ["What happened", "The night said nothing about its outcome"]),
    ],
)
def test_says_first_what_happened_and_what_to_do(document: str, said: list[str]) -> None:
    text = Page(page_of(document)).text
    places = [text.find(words) for words in said]
    assert min(places) >= 0, dict(zip(said, places, strict=True))
    assert places == sorted(places)


def test_who_needs_photos_and_what_to_look_at() -> None:
    parsed = Page(page_of("full"))
    assert "Take new photos of 3 people" in parsed.text
    assert "Kwame Asante 1 of at least 3 photos" in parsed.text
    assert "Look at 6 photos" in parsed.text
    assert "#disagreements" in parsed.values("href")
    cards = [given["alt"] for tag, given in parsed.elements if tag == "img"]
    assert cards == [
        "Photo of Ada Lovelace",
        "Photo of 佐藤 美咲",
        "Photo of Jürgen Weiß",
        "Photo of أمين حدّاد",
        "Photo of Grace Hopper",
    ], "what got worse comes first"
    assert "no picture kept" in parsed.text


def test_a_crop_that_is_no_base64_is_not_shown() -> None:
    face = 'x" onerror="alert(1)'
    document = example.skipped() | {
        "disagreements": [example.disagreement("A", "A", "B", face)],
    }
    page = render(document)
    assert loads(page) == []
    assert "no picture kept" in page
    assert "<img" not in page


def test_failed_checks_come_first_and_say_why() -> None:
    text = Page(page_of("refused")).text
    checks = text[text.index("The checks before") :]
    assert checks.startswith(
        "The checks before anything goes live 6 passed, 2 failed, 1 not judged"
    )
    assert checks.index("Old people") < checks.index("Calibration") < checks.index("Integrity")
    assert "31 of 1486 photos that were right would be wrong." in checks
    # The words tell what would go wrong; nothing does where a check passed.
    assert "newcomers are recognised in 55 of 56 photos only" not in checks.lower()
    assert checks.count("\u2715 failed") == 2, "not told by colour alone"


def test_which_state_serves_is_marked() -> None:
    for document, title in (("full", "Trained"), ("refused", "Serving until")):
        text = Page(page_of(document)).text
        assert text.count("serves now") == 2, "in the sentence and in the table"
        assert re.search(title + r" tonight serves now", text)


@pytest.mark.parametrize(
    ("right", "n", "said"),
    [
        (5, 6, "5 of 6 photos"),
        (19, 20, "95 %"),
        (199, 200, "over 99 %"),
        (1, 300, "under 1 %"),
        (0, 300, "0 %"),
        (300, 300, "100 %"),
        (995, 996, "over 99 %"),
        (1491, 1500, "99.4 %"),
        (1499, 1500, "99.9 %"),
        (2499, 2500, "over 99.9 %"),
        (12345, 12346, "99.99 %"),
    ],
)
def test_a_rate_has_no_more_digits_than_its_count_supports(right: int, n: int, said: str) -> None:
    state = example.state("before", "Before", "joint", 9, n, right, right)
    text = Page(render({"states": [state]})).text
    cell = text[text.index("however sure") + len("however sure ") :]
    assert cell.startswith(said.replace(" %", "\u00a0%").replace("\u00a0", " "))
    assert f"{right:,} of {n:,} photos" in cell
    assert "95 % interval" in cell


def test_bounds_are_rounded_outwards() -> None:
    state = example.state("before", "Before", "joint", 9, 500, 490, 490)
    state |= {"accuracy_interval_95": [0.9649, 0.9901], "fpir_upper_95": 0.0101}
    state |= {"stranger_searches": 400, "fpir": 0.0075}
    text = Page(render({"states": [state]})).text
    assert "95 % interval 96 to 100 %" in text
    assert "3 of 400 searches at most 2 %, 95 % sure" in text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.003, "under 0.1 s"),
        (6.44, "6.4 s"),
        (59.7, "1 min"),
        (200, "3 min 20 s"),
        (4320, "1 h 12 min"),
    ],
)
def test_times_are_said_as_people_say_them(seconds: float, said: str) -> None:
    cost = {"tonight_seconds": seconds, "full_retrain_seconds": None, "note": None}
    text = Page(render({"cost": cost})).text
    assert f"Tonight: {said}. A full retrain was not measured." in text


@pytest.mark.slow
def test_old_nights_and_cohorts_are_put_together() -> None:
    """The picture stays legible after a year, and loses nobody."""
    parsed = Page(page_of_many_nights())
    assert "48 earlier" in parsed.text
    assert "The first row is everybody who came on one of the days before those" in parsed.text
    assert "in each of the last 14 nights" in " ".join(parsed.values("aria-label"))


def test_missing_things_are_said_not_guessed() -> None:
    text = Page(page_of("one person")).text
    for words in (
        "No photo could be set aside to test with",
        "not measured: no photo to test with",
        "not measured: no stranger to test with",
        "Not measured: nothing was served before tonight to compare with",
        "Not measured: no test photo of any night so far",
        "Forgetting is not measured: it needs a second night",
        "A full retrain was not measured",
    ):
        assert words in text
    assert "nan" not in text.lower()
    assert "None" not in text


def test_a_skipped_night_is_a_short_page() -> None:
    text = Page(page_of("skipped")).text
    assert "not measured" not in text.lower()
    assert len(text) < 800


PICTURED = {
    "cohorts": example.cohorts(nights=2),
    "forgetting_per_person": [{"name": "Ada", "before": [1, 2], "after": [2, 2]}],
    "scores": {
        "edges": [0.0, 0.5, 1.0],
        "mated": [1, 9],
        "nonmated": [9, 1],
        "threshold": 0.5,
        "threshold_before": 0.4,
    },
    "cost": {"tonight_seconds": 1.0, "full_retrain_seconds": 9.0, "note": "so it is"},
}


@pytest.mark.parametrize(
    "key",
    [
        "cost",
        "forgetting_per_person",
        *(pytest.param(key, marks=pytest.mark.slow) for key in (None, "cohorts", "scores")),
    ],
)
def test_anything_may_be_missing(key: str | None) -> None:
    """Each key in turn is gone, None, empty or not a number; the page is whole all the same."""
    document = {key: PICTURED[key]} if key else example.full() | dict.fromkeys(PICTURED)
    tried = list(without_one(document))
    assert len(tried) >= 10
    for lacking in tried:
        text = Page(render(lacking)).text
        assert not re.search(r"\bnan\b|\bNone\b|\binf\b", text)


def without_one(document: Document) -> Iterator[Document]:
    for path in paths(document):
        for value in (None, [], math.nan):
            changed = copy.deepcopy(document)
            place: Any = changed
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = value
            yield changed
    for key in document:
        yield {name: value for name, value in document.items() if name != key}


def paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every key, and the first of every list."""
    inside: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))[:1]
    for step, item in inside:
        yield (*here, step)
        yield from paths(item, (*here, step))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_fits_and_is_silent_in_a_browser(
    browser: Browser, tmp_path: Path, width: int, scheme: Any
) -> None:
    pages = [page_of(name) for name in EXAMPLES]
    pages.append(page_of_many_nights())
    pages.append(page_with("verylongword" * 12 + "<b>\u202e"))
    for number, written in enumerate(pages):
        file = tmp_path / f"{number}.html"
        file.write_text(written, "utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request, to=asked: to.append(request.url))
        page.on("console", lambda message, to=said: to.append(message.text))
        page.goto(file.as_uri())
        wide = page.evaluate("document.documentElement.scrollWidth")
        context.close()
        assert wide <= width
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        assert said == []


@pytest.mark.slow
def test_prints_what_is_folded_away(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(page_of("full"), "utf-8")
    page = browser.new_page(color_scheme="dark")
    page.goto(file.as_uri())
    last = page.get_by_text(example.NAMES[13])
    assert not last.is_visible()
    page.emulate_media(media="print")
    assert last.is_visible()
    ink = page.evaluate("getComputedStyle(document.body).color")
    assert ink == "rgb(26, 33, 42)", "dark on white, whatever the screen"
    page.close()
