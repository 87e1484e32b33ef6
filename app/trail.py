"""The audit trail: who did what and when, and whether anybody altered it."""

from datetime import UTC, datetime

import streamlit as st

from app.deed_words import action_in_words, deed_in_words
from app.page_turn import offset_of, show_turning
from app.person_choice import choose_person
from app.plain import plain, sentence
from app.visit import Visit

_AT_ONCE = 20
_PLACE = "privacy-trail-place"
_CHAIN = "privacy-chain"
_EVERYTHING = ""


def show_trail(visit: Visit) -> None:
    say, privacy = visit.say, visit.service.privacy
    _show_chain(visit)
    named = {_EVERYTHING: say("Everything")} | {
        action: action_in_words(action, visit.language) for action in privacy.audit_actions()
    }
    action = st.selectbox(
        say("What happened"), list(named), format_func=named.__getitem__, key="privacy-action"
    )
    about = choose_person(visit, say("About whom (optional)"), "privacy-trail")
    actions = (action,) if action else ()
    _, total = privacy.audit_page(actions, about, limit=1)
    if not total:
        st.info(say("The trail has no such entry. Choose something else, or everything."))
        return
    deeds, _ = privacy.audit_page(actions, about, offset_of(_PLACE, total, _AT_ONCE), _AT_ONCE)
    st.table(
        [
            {
                say("No."): str(deed.record.seq),
                say("When"): visit.language.moment(deed.record.at),
                say("Through"): plain(deed.record.actor),
                say("What"): plain(deed_in_words(deed, visit.language)),
            }
            for deed in deeds
        ],
        hide_index=True,
    )
    show_turning(visit, _PLACE, total, _AT_ONCE)
    st.caption(
        say(
            "The trail holds no names: people stand in it under pseudonyms, and are named here as "
            "long as they are enrolled. There are no accounts yet, so it says through which door "
            "something was done, not by whom."
        )
    )


def _show_chain(visit: Visit) -> None:
    say = visit.say
    if st.button(say("Check the trail now"), key="privacy-check", icon=":material/fact_check:"):
        with st.spinner(say("Checking every entry")):
            found = visit.service.privacy.verify_audit()
        st.session_state[_CHAIN] = (datetime.now(UTC), found)
    checked = st.session_state.get(_CHAIN)
    if checked is None:
        st.caption(
            say(
                "Each entry is sealed to the one before it, and people, consents and rules are "
                "sealed, too; a check finds what was altered or taken out."
            )
        )
        return
    at, found = checked
    number = visit.language.number
    if found.intact:
        st.success(
            say(
                "Checked {moment}: nothing was altered. Verified to entry {rows}, anchored to "
                "entry {anchored}.",
                moment=visit.language.moment(at),
                rows=number(found.verified_to),
                anchored=number(found.anchored_to or 0),
            ),
            icon=":material/verified:",
        )
    else:
        st.error(
            say(
                "Checked {moment}: not as Rollcall wrote it. Stop the server, keep a copy of the "
                "gallery's folder as it is, and compare it with a backup.",
                moment=visit.language.moment(at),
            ),
            icon=":material/gpp_bad:",
        )
        for finding in found.findings:
            st.error(plain(sentence(visit.language.tell(finding.message))))
    for anchor in found.anchors:
        if anchor.problem:
            st.warning(plain(sentence(visit.language.tell(anchor.problem))))
