"""Two who are one person: pick the other one, look at both, and only then merge."""

import streamlit as st

from app.person_face import show_face
from app.person_visit import PersonVisit, go_to
from app.plain import plain
from app.visit import Visit
from enrollment.errors import BadInput
from enrollment.people import Person
from store.errors import StoreError

_FACE = 112  # px
_SMALL = 56
_OFFERED = 5


def merge_dialog(visit: Visit, state: PersonVisit, person: Person) -> None:
    """Open it; `state` says how far it has come."""
    say = visit.say

    @st.dialog(say("Merge"), icon=":material/merge:", on_dismiss=state.end)
    def show() -> None:
        if state.other is None:
            _pick(visit, state, person)
        else:
            _preview(visit, state, person, state.other)

    show()


def _pick(visit: Visit, state: PersonVisit, person: Person) -> None:
    say = visit.say
    search = st.text_input(
        say("Who is the same person as {name}?", name=plain(person.name)),
        key=state.key("search"),
        type="search",
        placeholder=say("name, staff number or id"),
        autocomplete="off",
    )
    if search.strip():
        found, total = visit.service.people_page(search, ("active",), limit=_OFFERED + 1)
        ids = [one.subject_id for one in found if one.subject_id != person.subject_id]
    else:
        ids = [near.subject_id for near in visit.service.profiles.neighbours(person.subject_id)]
        total = len(ids)
        if ids:
            st.caption(say("The nearest colleagues; or search for somebody else."))
    ids = ids[:_OFFERED]
    if not ids:
        st.text(say("Nobody else was found."))
        return
    people, faces = visit.service.profiles.some(ids), visit.service.profiles.faces(ids)
    for one in (people[i] for i in ids if i in people):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            show_face(visit, faces.get(one.subject_id), one.name, _SMALL)
            label = f"{one.name} ({one.external_id})" if one.external_id else one.name
            if st.button(plain(label), key=state.key(f"pick-{one.subject_id}")):
                state.other = one.subject_id
                st.rerun()
    if total > len(ids) + 1:
        st.caption(say("There are more: write more of the name."))


def _preview(visit: Visit, state: PersonVisit, person: Person, other_id: str) -> None:
    say, profiles = visit.say, visit.service.profiles
    other = next(iter(profiles.family(other_id)), None)
    if other is None or other.state == "merged":
        st.warning(
            say("The other person was erased or merged by somebody else meanwhile."),
            icon=":material/group:",
        )
        if st.button(say("Pick somebody else")):
            state.other = None
            st.rerun()
        return
    faces = profiles.faces([person.subject_id, other.subject_id])
    with st.container(horizontal=True):
        for one in (person, other):
            with st.container(width=_FACE, gap="xxsmall"):
                show_face(visit, faces.get(one.subject_id), one.name, _FACE)
                st.text(one.name)
                st.text(visit.say_many("{n} photo", "{n} photos", one.templates))
    st.text(_alike(visit, person, other))
    stays = st.radio(
        say("Which name stays"),
        [person.subject_id, other.subject_id],
        format_func={p.subject_id: plain(_called(p)) for p in (person, other)}.__getitem__,
        key=state.key("stays"),
    )
    kept, goes = (person, other) if stays == person.subject_id else (other, person)
    st.text(
        say(
            "From then on {goes} answers as {kept}, with {n} photos in all. No photo is touched: "
            "unmerge brings {goes} back.",
            goes=goes.name,
            kept=kept.name,
            n=visit.language.number(person.templates + other.templates),
        )
    )
    with st.container(horizontal=True):
        if st.button(say("Merge them"), type="primary", icon=":material/merge:"):
            _merge(visit, state, goes, kept)
            st.rerun()
        if st.button(say("Pick somebody else")):
            state.other = None
            st.rerun()


def _merge(visit: Visit, state: PersonVisit, goes: Person, kept: Person) -> None:
    try:
        visit.service.merge(goes.subject_id, kept.subject_id)
    except (BadInput, StoreError) as error:
        state.end(refused=error.args[0])
        return
    said = visit.say("{goes} answers as {kept} now.", goes=goes.name, kept=kept.name)
    state.end(said)
    if kept.subject_id != state.subject_id:
        go_to(kept.subject_id, said)


def _alike(visit: Visit, person: Person, other: Person) -> str:
    say = visit.say
    alike = visit.service.profiles.likeness(person.subject_id, other.subject_id)
    if alike is None:
        return say("How alike they are is not known: one of them is suspended or has no photo.")
    likeness = visit.language.number(alike.likeness, 3)
    if alike.near:
        return say(
            "Likeness {cosine}: as near as photos of one person are to each other.", cosine=likeness
        )
    return say(
        "Likeness {cosine}: no nearer than two people are. Look at both faces before you merge.",
        cosine=likeness,
    )


def _called(person: Person) -> str:
    return f"{person.name} ({person.external_id})" if person.external_id else person.name
