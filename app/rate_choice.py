"""A slider of rates: what each would give and change, before anything is saved."""

from collections.abc import Callable

import streamlit as st

from app.missing_data import what_is_missing
from app.person_face import show_face
from app.plain import plain, sentence
from app.proof import proved
from app.rates import found_share, of_thousand, offered, one_in
from app.score_chart import show_scores
from app.visit import Visit
from enrollment.calibration import OperatingPoint
from enrollment.errors import RollcallError
from enrollment.rights import Right
from enrollment.what_if import FoundChange, WhatIf
from models.errors import ModelError
from store.errors import StoreError

_RATE = "accuracy-rate"
_ASKING = "accuracy-asking"  # the rate that the dialog asks about
_PRESSED = "accuracy-pressed"  # the rate that was said yes to
_USED = "accuracy-used"  # (the rate before, the operating point that came of it)
_FACE = 72  # px
_NOTHING = plain("-")


def show_rate_choice(visit: Visit, point: OperatingPoint) -> None:
    say = visit.say
    st.subheader(say("Choose another rate"))
    _show_used(visit)
    rate = _ask_rate(visit, point)
    people = visit.language.number(visit.service.count())
    with st.spinner(
        say(
            "Searching for everybody among all others ({people} people); this is done once after "
            "every change and takes some seconds in a large gallery",
            people=people,
        )
    ):
        found = visit.service.what_if(rate)
    _show_comparison(visit, found)
    same = rate == point.max_fpir
    st.button(
        say("Use {rate}", rate=one_in(visit.language, rate)),
        type="primary",
        icon=":material/check:",
        disabled=same or not visit.may(Right.THRESHOLD),
        help=say("This rate is in use.") if same else None,
        on_click=_open,
        args=(rate,),
    )
    st.caption(
        say(
            "A rate that is chosen here is used at once. Otherwise the threshold goes to what is "
            "measured in small steps a day, so that nobody's answer flips because of a new photo."
        )
    )
    if st.session_state.get(_ASKING) is not None or _PRESSED in st.session_state:
        _show_dialog(visit, found)
    show_scores(visit, found)
    _show_changed(visit, found)
    _show_mistaken(visit, found)
    _show_numbers(visit, found)


def _ask_rate(visit: Visit, point: OperatingPoint) -> float:
    rates = offered(point.max_fpir)
    if st.session_state.get(_RATE) not in rates:
        st.session_state[_RATE] = point.max_fpir
    rate: float = st.select_slider(
        visit.say("At most so many strangers may be named"),
        rates,
        key=_RATE,
        format_func=lambda rate: one_in(visit.language, rate),
        on_change=_forget_used,
        help=visit.say(
            "Fewer strangers named means that fewer of the enrolled are found. Moving this saves "
            "nothing."
        ),
    )
    return rate


# -- what it would give ---------------------------------------------------------------------------


def _show_comparison(visit: Visit, found: WhatIf) -> None:
    language, say = visit.language, visit.say
    now, then = found.now, found.then
    same = now.max_fpir == then.max_fpir
    columns = {plain(say("Now: {rate}", rate=one_in(language, now.max_fpir))): now}
    if not same:
        columns[plain(one_in(language, then.max_fpir))] = then
    rows: dict[str, Callable[[OperatingPoint], str]] = {
        say("Of 1,000 strangers named"): _thousand(visit, "measured_fpir"),
        say("with 95 % certainty at most"): _thousand(visit, "fpir_upper_95"),
        say("Enrolled found"): lambda point: _share(visit, found_share(point)),
        say("Promise"): lambda point: (
            say("promise kept") if point.promise == "kept" else say("not enough data yet")
        ),
    }
    st.table(
        [
            {say("What is measured"): plain(row)}
            | {column: plain(value(point)) for column, point in columns.items()}
            for row, value in rows.items()
        ],
        hide_index=True,
        alt=say("What is measured now, and at the chosen rate"),
    )
    if not same:
        st.write(plain(_in_words(visit, found)))
    if found.needed is not None and not same:
        st.warning(
            plain(what_is_missing(visit, then, found.needed)),
            title=say("This rate could not be promised"),
            icon=":material/hourglass_empty:",
        )


def _thousand(visit: Visit, field: str) -> Callable[[OperatingPoint], str]:
    def value(point: OperatingPoint) -> str:
        share = getattr(point, field)
        return "-" if share is None else of_thousand(visit.language, share)

    return value


def _share(visit: Visit, share: float | None) -> str:
    return "-" if share is None else visit.language.percent(share, 1)


def _in_words(visit: Visit, found: WhatIf) -> str:
    language, say = visit.language, visit.say
    now, then = found.now, found.then
    said = []
    if now.measured_fpir is not None and then.measured_fpir is not None:
        more = then.measured_fpir - now.measured_fpir
        many = of_thousand(language, abs(more))
        if many == language.number(0):
            said.append(say("About as many strangers would be named as now."))
        elif more > 0:
            said.append(say("Of 1,000 strangers {n} more would be named.", n=many))
        else:
            said.append(say("Of 1,000 strangers {n} fewer would be named.", n=many))
    before, after = found_share(now), found_share(then)
    if before is not None and after is not None:
        said.append(
            say(
                "Of the enrolled {after} would be found instead of {before} ({n} photos).",
                after=language.percent(after, 1),
                before=language.percent(before, 1),
                n=language.number(then.n_mated),
            )
        )
    return " ".join(said)


def _show_changed(visit: Visit, found: WhatIf) -> None:
    say = visit.say
    if found.now.max_fpir == found.then.max_fpir:
        return
    names = visit.service.names([change.subject_id for change in found.changed])
    less = [c for c in found.changed if c.then < c.now and c.subject_id in names]
    more = [c for c in found.changed if c.then > c.now and c.subject_id in names]
    for title, changes in (
        (say("Who would be found less often"), less),
        (say("Who would be found more often"), more),
    ):
        if changes:
            st.markdown(f"**{plain(title)}**")
            _show_people(visit, changes, names)
    if not less and not more:
        st.write(say("Nobody would be found more or less often than now."))


def _show_people(visit: Visit, changes: list[FoundChange], names: dict[str, str]) -> None:
    faces = visit.service.profiles.faces([change.subject_id for change in changes])
    with st.container(horizontal=True):
        for change in changes:
            name = names[change.subject_id]
            with st.container(width=_FACE * 2, gap="xxsmall"):
                show_face(visit, faces.get(change.subject_id), name, _FACE)
                st.text(name)
                st.caption(
                    visit.say(
                        "{then} instead of {now} of {photos} photos",
                        then=change.then,
                        now=change.now,
                        photos=change.photos,
                    )
                )


def _show_mistaken(visit: Visit, found: WhatIf) -> None:
    say = visit.say
    ids = {i for pair in found.mistaken for i in (pair.one, pair.other)}
    names = visit.service.names(ids)
    pairs = [p for p in found.mistaken if p.one in names and p.other in names]
    same = found.then.max_fpir == found.now.max_fpir
    rate = one_in(visit.language, found.then.max_fpir)
    st.markdown(f"**{plain(say('Who could be taken for whom at {rate}', rate=rate))}**")
    if not pairs:
        st.write(say("Nobody: no left-out person was taken for another."))
        return
    lines = [
        {
            say("If not enrolled"): plain(names[pair.one]),
            say("would be named"): plain(names[pair.other]),
            say("Photos"): visit.language.number(pair.then),
        }
        | ({} if same else {say("now"): visit.language.number(pair.now)})
        for pair in pairs
    ]
    st.table(lines, hide_index=True, alt=say("Who could be taken for whom"))


def _show_numbers(visit: Visit, found: WhatIf) -> None:
    say = visit.say
    with st.expander(say("In numbers")):
        for point, label in ((found.now, say("Now")), (found.then, say("At the chosen rate"))):
            st.text(
                say(
                    "{label}: threshold {threshold:.4f} (measured {measured:.4f}), one named in e "
                    "less at +{scale:.4f}; {strangers} searches by strangers, {mated} by the "
                    "enrolled, {people} people.",
                    label=label,
                    threshold=point.threshold,
                    measured=(
                        point.threshold
                        if point.measured_threshold is None
                        else point.measured_threshold
                    ),
                    scale=point.scale,
                    strangers=visit.language.number(point.n_nonmated),
                    mated=visit.language.number(point.n_mated),
                    people=visit.language.number(point.subjects),
                )
            )
        st.text(say("How a score is made: {formula}.", formula=found.then.score))
        st.text(sentence(visit.language.tell(found.then.explanation)))


# -- using it -------------------------------------------------------------------------------------


def _open(rate: float) -> None:
    st.session_state[_ASKING] = rate


def _close() -> None:
    st.session_state.pop(_ASKING, None)


def _press() -> None:
    # A second click finds no question any more, so nothing is measured twice.
    rate = st.session_state.pop(_ASKING, None)
    if rate is not None:
        st.session_state[_PRESSED] = rate


def _forget_used() -> None:
    st.session_state.pop(_USED, None)


def _show_dialog(visit: Visit, found: WhatIf) -> None:
    language, say = visit.language, visit.say

    @st.dialog(say("Use another rate?"), on_dismiss=_close)
    def ask() -> None:
        if not proved(visit):
            return
        pressed = st.session_state.pop(_PRESSED, None)
        if pressed is not None:
            _use(visit, found.now, pressed)
        st.write(
            plain(
                say(
                    "From {old} to {new}. {change}",
                    old=one_in(language, found.now.max_fpir),
                    new=one_in(language, found.then.max_fpir),
                    change=_in_words(visit, found),
                )
            )
        )
        st.write(say("It counts at every door at once, and the change is written down."))
        if found.needed is not None:
            st.write(say("There is not enough data to promise it: the stricter threshold is used."))
        with st.container(horizontal=True):
            st.button(say("Use it"), type="primary", icon=":material/check:", on_click=_press)
            if st.button(say("Cancel"), icon=":material/close:", on_click=_close):
                st.rerun()

    ask()


def _use(visit: Visit, before: OperatingPoint, rate: float) -> None:
    try:
        with st.spinner(visit.say("Measuring")):
            point = visit.service.calibrate(rate)
    except (RollcallError, StoreError, ModelError) as error:
        st.session_state[_ASKING] = rate
        st.error(
            plain(sentence(visit.language.tell(error.args[0]))),
            title=visit.say("Nothing was changed"),
            icon=":material/error:",
        )
        return
    st.session_state[_USED] = (before.max_fpir, point)
    st.rerun()


def _show_used(visit: Visit) -> None:
    language, say = visit.language, visit.say
    if _USED not in st.session_state:
        return
    old, point = st.session_state[_USED]
    said = say(
        "{new} instead of {old}: {named} of 1,000 strangers are named as measured, and {found} of "
        "the enrolled are found.",
        new=one_in(language, point.max_fpir),
        old=one_in(language, old),
        named=_thousand(visit, "measured_fpir")(point),
        found=_share(visit, found_share(point)),
    )
    st.success(plain(said), title=say("The new rate is in use"), icon=":material/check_circle:")
