"""Consents, requests, and who did what."""

import streamlit as st

from app.consent_dialog import show_consent_again, show_withdrawal
from app.due_list import show_due, show_due_counts
from app.erasing import show_erasing, show_erasing_of_all, show_receipts
from app.notice import show_notice
from app.privacy_dialog import opened
from app.request_list import show_refusal, show_requests
from app.retention_rules import show_rules
from app.trail import show_trail
from app.visit import Visit

_DIALOGS = {
    "erase": show_erasing,
    "erase-all": show_erasing_of_all,
    "withdraw": show_withdrawal,
    "consent": show_consent_again,
    "refuse": show_refusal,
}


def show(visit: Visit) -> None:
    say = visit.say
    st.title(say("Privacy"))
    show_notice("privacy")
    show_receipts(visit)
    show_due_counts(visit)
    parts = {
        "due": say("Due"),
        "requests": say("Requests"),
        "trail": say("Audit trail"),
        "rules": say("Rules"),
    }
    part = st.segmented_control(
        say("Show"),
        list(parts),
        format_func=parts.__getitem__,
        default="due",
        required=True,
        key="privacy-part",
        label_visibility="collapsed",
    )
    draw = {
        "due": show_due,
        "requests": show_requests,
        "trail": show_trail,
        "rules": show_rules,
    }
    draw[part or "due"](visit)
    dialog = opened()
    if dialog is not None:
        _DIALOGS[dialog.kind](visit, dialog.about)
