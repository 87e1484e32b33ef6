"""Accounts in a real browser: signing in, whose pages are whose, and the end of a session."""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from app.language import Language
from app.page_rights import PAGES
from app.pages import _menu
from demo.people import NAMES
from enrollment.rights import ROLES
from enrollment.service import Service, open_service
from tests.app.browser import COLLEAGUES, PATIENCE, fill, launched, serving, settings_in
from tests.app.test_every_page import faults
from tests.app.test_rights import ALL, OF

pytestmark = pytest.mark.slow

GOOD = "a sentence to keep"
TITLES = {entry.path: entry.title for group in _menu(Language()).values() for entry in group}
Visit = Callable[[str], BrowserContext]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("accounts")
    fill(settings_in(made))
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with serving(folder, None, "--nightly-at", "off") as served:
        yield served
    assert "Traceback" not in (folder / "server.log").read_text()


@pytest.fixture(scope="module")
def service(folder: Path, address: str) -> Iterator[Service]:
    """Another process on the same gallery, as an admin's command line is."""
    del address  # it makes the first admin
    with open_service(settings_in(folder)) as opened:
        for role in ROLES:
            _, once = opened.accounts.add(f"the-{role}", [role])
            token = opened.sessions.sign_in(f"the-{role}", once).token
            assert token is not None
            opened.sessions.choose_password(token, GOOD)
        yield opened


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    film = tmp_path_factory.mktemp("film") / "none.mjpeg"
    with sync_playwright() as playwright, launched(playwright, film) as opened:
        yield opened


@pytest.fixture
def enter(browser: Browser, address: str, service: Service) -> Iterator[Visit]:
    opened: list[BrowserContext] = []

    def as_role(role: str) -> BrowserContext:
        context = browser.new_context(base_url=address)
        context.set_default_timeout(PATIENCE * 1000)
        opened.append(context)
        page = context.new_page()
        page.goto("/sign-in")
        sign_in(page, f"the-{role}", GOOD)
        drawn(page)
        page.close()
        return context

    yield as_role
    for context in opened:
        context.close()


def sign_in(page: Page, login: str, password: str) -> None:
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def drawn(page: Page) -> None:
    """Until the script has run to its end."""
    page.get_by_test_id("stApp").wait_for()
    expect(page.locator('[data-test-script-state="notRunning"]')).to_be_attached()


def test_the_first_admin_comes_in(address: str, folder: Path, browser: Browser) -> None:
    log = (folder / "server.log").read_text()
    once = re.findall(r"sign in   as admin, with the one-time password (\S+)", log)[0]
    context = browser.new_context(base_url=address)
    page = context.new_page()
    page.goto("/people")
    assert page.url.endswith("/sign-in?next=/people")
    no_barriers(page)
    sign_in(page, "admin", "not this one")
    expect(page.get_by_role("alert")).to_contain_text("Login, password or code are not right")
    no_barriers(page)
    sign_in(page, "admin", once)
    expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
    no_barriers(page)
    page.get_by_label("New password", exact=True).fill(GOOD)
    page.get_by_label("New password, again").fill(GOOD)
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", name="Start")).to_be_visible()
    cookie = next(c for c in context.cookies() if c["name"] == "rollcall_session")
    assert cookie["httpOnly"]
    assert cookie["value"] not in page.evaluate("document.cookie")
    for path, title in (("/accounts", "Accounts"), ("/account", "Your account")):
        page.goto(path)
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        drawn(page)
        no_barriers(page)
    context.close()


@pytest.mark.parametrize("role", OF)
def test_whose_pages_are_whose(enter: Visit, role: str) -> None:
    page = enter(role).new_page()
    page.goto("/")
    mine = OF[role] | (set() if role == "service" else set(ALL))
    if role == "service":
        expect(page.get_by_role("link", name="Leave door mode")).to_be_visible()
        assert page.get_by_test_id("stSidebarNavLink").count() == 0, "there is no other page"
    else:
        links = page.get_by_test_id("stSidebarNavLink")
        expect(links).to_have_count(len(mine))
        shown = {text.split("\n")[-1].strip() for text in links.all_inner_texts()}
        assert shown == {TITLES[path] for path in mine}
    for path in {"people", "privacy", "accounts", "system", "nightly"} - mine:
        page.goto(f"/{path}")
        expect(page.get_by_text("Page not found")).to_be_visible()
        assert page.get_by_role("heading", name=TITLES[path], exact=True).count() == 0
    assert set(PAGES) == set(TITLES)


def test_signing_out_somebody_ends_every_open_page(enter: Visit, service: Service) -> None:
    context = enter("enroller")
    tabs = [context.new_page() for _ in range(3)]
    for tab, path in zip(tabs, ("/people", "/enroll", "/"), strict=True):
        tab.goto(path)
        drawn(tab)
    service.accounts.sign_out("the-enroller")
    ended = time.monotonic()
    for tab in tabs:
        tab.wait_for_url("**/sign-in?next=*")
    seconds = time.monotonic() - ended
    assert seconds < 5, "the limit of the product, not of the test"


def test_the_button_signs_out(enter: Visit, service: Service) -> None:
    page = enter("viewer").new_page()
    page.goto("/")
    before = len(service.accounts.sessions())
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in?next=*")
    page.goto("/identify")
    assert "/sign-in" in page.url
    assert len(service.accounts.sessions()) == before - 1


def test_erasing_needs_a_proof(enter: Visit, service: Service, folder: Path) -> None:
    page = enter("privacy-officer").new_page()
    with sqlite3.connect(folder / "gallery" / "gallery.db") as database:
        database.execute("UPDATE sessions SET confirmed_at = '2020-01-01T00:00:00.000000+00:00'")
    name = NAMES[COLLEAGUES[0]]
    who = service.person(name)
    page.goto(f"/people?id={who.subject_id}")
    page.get_by_role("button", name="Erase", exact=True).click()
    dialog = page.get_by_role("dialog")
    proof = dialog.get_by_label("Your password")
    proof.fill("wrong")
    dialog.get_by_role("button", name="It is me").click()
    expect(dialog.get_by_text("Password or code are not right")).to_be_visible()
    assert dialog.get_by_label("Type the name to confirm").count() == 0
    proof.fill(GOOD)
    dialog.get_by_role("button", name="It is me").click()
    confirm = dialog.get_by_label("Type the name to confirm")
    confirm.fill(name)
    confirm.press("Tab")
    dialog.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("Erased. There is nobody with this id any more.")).to_be_visible()
    deeds, _ = service.privacy.audit_page(["subject.erase"])
    assert deeds[0].record.actor == "user:the-privacy-officer"


def no_barriers(page: Page) -> None:
    assert not faults(page, 1280)
