"""The pages and what is the same on all of them: menu, language, gallery, warnings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from app import (
    account_page,
    accounts_page,
    accuracy_page,
    bulk_page,
    door_page,
    enroll_page,
    identify_page,
    map_page,
    nightly_page,
    people_page,
    privacy_page,
    review_page,
    start_page,
    system_page,
)
from app.addresses import SIGN_IN
from app.contrast import keep_contrast
from app.icon import icon
from app.language import Language
from app.language_choice import chosen_language
from app.plain import plain, sentence
from app.session_watch import watch_session
from app.sidebar import show_sidebar
from app.tasks import Tasks
from app.visit import Visit
from app.visitor import visitor_token
from enrollment.errors import RollcallError
from enrollment.rights import Right
from enrollment.service import Service
from models.errors import ModelError
from store.errors import StoreError
from wording.message import words_of

_WEAK_BACKBONE = "dlib-resnet"


@dataclass(frozen=True)
class _Entry:
    """A page in the menu. path: its address; empty for the first one."""

    show: Callable[[Visit], None]
    path: str
    title: str
    icon: str


def show(service: Callable[[], Service], tasks: Tasks) -> None:
    """Draw the page that the visitor is on.

    Args:
        service: gives the process's open service; may raise what `open_service` raises.
    """
    st.set_page_config(page_title="Rollcall", page_icon=icon())
    keep_contrast()
    language = chosen_language()

    def opened() -> Visit:
        found = service()
        return Visit(found, language, tasks, visitor_token() if found.signs_in else None)

    try:
        visit = opened()
        if visit.token is not None:
            watch_session()
        allowed = _allowed(visit)
        if not allowed:
            _show_signed_out(visit)
            return
        page = st.navigation(_drawn(allowed, opened), expanded=True)
        if page.url_path != "door":
            show_sidebar(visit)
            _warn(visit)
        page.run()
    except (RollcallError, StoreError, ModelError) as error:
        said = language.tell(words_of(error))
        st.error(
            plain(sentence(said)),
            title=language.say("This cannot be done now"),
            icon=":material/error:",
        )


def addresses(language: Language) -> list[str]:
    """Every page's, in the menu's order; the first one's is empty."""
    return [entry.path for entries in _menu(language).values() for entry in entries]


def _menu(language: Language) -> Mapping[str, list[_Entry]]:
    say = language.say
    return {
        "": [_Entry(start_page.show, "", say("Start"), "home")],
        say("Staff"): [
            _Entry(enroll_page.show, "enroll", say("Enroll"), "person_add"),
            _Entry(bulk_page.show, "bulk", say("Enroll many"), "group_add"),
            _Entry(people_page.show, "people", say("People"), "badge"),
        ],
        say("Recognition"): [
            _Entry(identify_page.show, "identify", say("Identify"), "person_search"),
            _Entry(door_page.show, "door", say("Door"), "door_front"),
            _Entry(review_page.show, "review", say("Review"), "rule"),
        ],
        say("Learning"): [
            _Entry(nightly_page.show, "nightly", say("Nightly"), "bedtime"),
            _Entry(accuracy_page.show, "accuracy", say("Accuracy"), "tune"),
            _Entry(map_page.show, "map", say("Map"), "scatter_plot"),
        ],
        say("Care"): [
            _Entry(privacy_page.show, "privacy", say("Privacy"), "policy"),
            _Entry(system_page.show, "system", say("System"), "monitor_heart"),
            _Entry(accounts_page.show, "accounts", say("Accounts"), "group"),
            _Entry(account_page.show, "account", say("Your account"), "account_circle"),
        ],
    }


def _allowed(visit: Visit) -> dict[str, list[_Entry]]:
    """The visitor's own pages; the first one is where they begin. None, where nobody is there."""
    rights = visit.service.acting.rights
    if not rights:
        return {}
    only_door = rights == {Right.DOOR}
    mine = {
        group: [
            e for e in entries if visit.may_open(e.path) and (e.path == "door" or not only_door)
        ]
        for group, entries in _menu(visit.language).items()
    }
    return {group: entries for group, entries in mine.items() if entries}


def _warn_of_database(visit: Visit) -> None:
    reached = visit.service.reached
    if reached.away is None:
        return
    minutes = max(round(reached.from_memory / 60), 1)
    st.warning(
        visit.say("Recognition goes on from memory, for {n} min at most.", n=minutes)
        if reached.from_memory > 0
        else visit.say("Nobody is recognised until it is back."),
        title=visit.say("The database does not answer: nothing can be changed"),
        icon=":material/cloud_off:",
    )


def _show_signed_out(visit: Visit) -> None:
    st.info(visit.say("You are signed out."), icon=":material/logout:")
    st.link_button(visit.say("Sign in"), SIGN_IN, type="primary", icon=":material/login:")


def _drawn(
    allowed: Mapping[str, list[_Entry]], opened: Callable[[], Visit]
) -> dict[str, list[StreamlitPage]]:
    begin = next(iter(allowed.values()))[0]
    return {
        group: [_page(entry, opened, entry is begin) for entry in entries]
        for group, entries in allowed.items()
    }


def _page(entry: _Entry, opened: Callable[[], Visit], begin: bool) -> StreamlitPage:
    def run() -> None:
        entry.show(opened())

    return st.Page(
        run,
        title=entry.title,
        icon=f":material/{entry.icon}:",
        url_path=entry.path,
        default=begin,
    )


def _warn(visit: Visit) -> None:
    _warn_of_database(visit)
    facts = visit.service.facts
    if facts.backbone == _WEAK_BACKBONE:
        st.warning(
            plain(visit.language.tell(facts.backbone_reason)),
            title=visit.say(
                "The weak backbone {name} is in use: expect more mistakes", name=facts.backbone
            ),
            icon=":material/warning:",
        )
