"""Many people on the way into the gallery, kept in the visitor's session between two runs."""

from dataclasses import dataclass, field
from hashlib import sha256
from threading import Event

import streamlit as st

from app.tasks import Task
from enrollment.bulk import BulkPlan

REFUSE, ALLOW = "refuse", "allow"


@dataclass
class BulkDraft:
    """The files that were read, what was chosen, and what came of it.

    turn: part of the fields' keys; another turn gives empty fields.
    changed: other files were chosen and this run is to read them.
    names: what the files are called; refusal: why nothing can be read from them.
    consent: as it was written here; None: as it is offered.
    begun: set by the work itself, so that it is certain whose files are being worked on.
    task: the work that this visitor began last; seen: it was looked at and put away.
    """

    turn: int = 0
    changed: bool = False
    names: tuple[str, ...] = ()
    refusal: str | None = None
    plan: BulkPlan | None = None
    consent: str | None = None
    agreed_to: str | None = None
    near: str = REFUSE
    pressed: bool = False
    complaining: bool = False
    begun: Event = field(default_factory=Event)
    task: Task | None = None
    seen: Task | None = None

    def key(self, field_name: str) -> str:
        return f"bulk-{field_name}-{self.turn}"

    def agreed_key(self, text: str) -> str:
        """Another text, or other files, are another question: the box is empty again."""
        asked = f"{text}\n{self.names}"
        return self.key(f"agreed-{sha256(asked.encode()).hexdigest()[:8]}")


def bulk_draft() -> BulkDraft:
    if "bulk-draft" not in st.session_state:
        st.session_state["bulk-draft"] = BulkDraft()
    draft: BulkDraft = st.session_state["bulk-draft"]
    return draft


def let_go_of_files() -> None:
    """Empty the form, and keep the text of the consent and the work that was begun."""
    old = bulk_draft()
    st.session_state["bulk-draft"] = BulkDraft(
        turn=old.turn + 1, consent=old.consent, near=old.near, task=old.task, seen=old.seen
    )
