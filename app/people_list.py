"""Who is enrolled: searched, ordered and paged in the database."""

from dataclasses import dataclass

import streamlit as st

from app.person_face import show_face, show_name, show_state
from app.plain import plain
from app.visit import Visit
from enrollment.people import HERE, MERGED, Person

_PAGE = 50
_FACE = 56  # px
_STATE = "people-listing"


@dataclass
class Listing:
    """What is listed, kept while a person is looked at."""

    search: str = ""
    state: str = "all"
    order: str = "name"
    offset: int = 0


def show_list(visit: Visit) -> None:
    """The page without a person in its address."""
    say = visit.say
    st.title(say("People"))
    if not visit.service.count():
        st.info(
            plain(say("Nobody is enrolled yet. Open Enroll in the menu to enroll the first one.")),
            icon=":material/person_add:",
        )
        return
    listing = _listing()
    _ask(visit, listing)
    states = {"all": HERE, "merged": MERGED}.get(listing.state, (listing.state,))
    people, total = visit.service.people_page(
        listing.search, states, listing.order, listing.offset, _PAGE
    )
    if not people and listing.offset:
        # Somebody was erased meanwhile, and this page is no longer there.
        listing.offset = max((total - 1) // _PAGE, 0) * _PAGE
        st.rerun()
    if not people:
        st.info(plain(_nobody(visit, listing)), icon=":material/search_off:")
        return
    _show_pager(visit, listing, len(people), total, "above")
    faces = visit.service.profiles.faces([person.subject_id for person in people])
    for person in people:
        _show_line(visit, person, faces.get(person.subject_id))
    if total > len(people):
        _show_pager(visit, listing, len(people), total, "below")


def _listing() -> Listing:
    listing = st.session_state.get(_STATE)
    if not isinstance(listing, Listing):
        listing = st.session_state[_STATE] = Listing()
    return listing


def _ask(visit: Visit, listing: Listing) -> None:
    say = visit.say
    states = {
        "all": say("everybody"),
        "active": say("active"),
        "suspended": say("suspended"),
        "merged": say("merged"),
    }
    orders = {"name": say("by name"), "newest": say("newest first")}
    # What is typed outlives the fields: these are gone while one person is looked at.
    st.session_state.setdefault("people-search", listing.search)
    st.session_state.setdefault("people-state", listing.state)
    st.session_state.setdefault("people-order", listing.order)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input(
            say("Search"),
            key="people-search",
            type="search",
            placeholder=say("name, staff number or id"),
            autocomplete="off",
            width=320,
        )
        state = st.selectbox(
            say("Show"), list(states), format_func=states.__getitem__, key="people-state", width=160
        )
        order = st.selectbox(
            say("Order"),
            list(orders),
            format_func=orders.__getitem__,
            key="people-order",
            width=160,
        )
    if (search, state, order) != (listing.search, listing.state, listing.order):
        listing.search, listing.state, listing.order = search, str(state), str(order)
        listing.offset = 0


def _nobody(visit: Visit, listing: Listing) -> str:
    if listing.search.strip():
        return visit.say(
            'Nobody was found for "{search}". Search for a part of the name, for the staff number '
            "or for the whole id; or show everybody.",
            search=listing.search.strip(),
        )
    return visit.say("There is nobody of this kind.")


def _show_pager(visit: Visit, listing: Listing, shown: int, total: int, where: str) -> None:
    number = visit.language.number
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(
            visit.say(
                "{first} to {last} of {total}",
                first=number(listing.offset + 1),
                last=number(listing.offset + shown),
                total=number(total),
            )
        )
        if total <= _PAGE:
            return
        st.button(
            visit.say("Previous"),
            key=f"people-previous-{where}",
            icon=":material/chevron_left:",
            disabled=listing.offset == 0,
            on_click=_turn,
            args=(listing, -_PAGE),
        )
        st.button(
            visit.say("Next"),
            key=f"people-next-{where}",
            icon=":material/chevron_right:",
            icon_position="right",
            disabled=listing.offset + shown >= total,
            on_click=_turn,
            args=(listing, _PAGE),
        )


def _turn(listing: Listing, by: int) -> None:
    listing.offset = max(listing.offset + by, 0)


def _show_line(visit: Visit, person: Person, face: bytes | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="small"):
        show_face(visit, face, person.name, _FACE)
        with st.container(gap=None):
            show_name(person.name, person.subject_id, f"open-{person.subject_id}")
            st.caption(plain(_facts(visit, person)))
            if person.state != "active":
                show_state(visit, person.state)


def _facts(visit: Visit, person: Person) -> str:
    facts = [
        *([person.external_id] if person.external_id else []),
        visit.say_many("{n} photo", "{n} photos", person.templates),
        visit.say("enrolled {day}", day=visit.language.day(person.enrolled_at)),
    ]
    return " · ".join(facts)
