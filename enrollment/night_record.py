"""What is left of a night that was run: why it ended so, and its report."""

import json
from collections.abc import Mapping

from store.archive import Archive
from store.records import Job
from wording.message import Message, read_message, stored_message


def kept_reason(reason: str) -> dict[str, object]:
    """For the details of a night or a head: the English text, and what it was made of."""
    return {"reason": reason, "reason_message": stored_message(reason)}


def reason_of(details: Mapping[str, object]) -> str:
    """What `kept_reason` was given; of older details the text alone."""
    return read_message(details.get("reason_message") or details.get("reason") or "")


def document_to_store(document: Mapping[str, object]) -> dict[str, object]:
    """The report's document, and beside it what the texts that pages show were made of."""
    messages = [stored_message(text) for text in _shown(document) if isinstance(text, Message)]
    return {**document, "messages": messages}


def page_of(archive: Archive, night: Job) -> str | None:
    """The report as HTML that loads nothing and runs nothing; None where it is gone."""
    content = _read(archive, night, ".html")
    return None if content is None else content.decode()


def document_of(archive: Archive, night: Job) -> Mapping[str, object] | None:
    """The report's numbers and names; None where it is gone."""
    content = _read(archive, night, ".json")
    found = None if content is None else json.loads(content)
    return _with_messages(found) if isinstance(found, dict) else None


def _with_messages(document: dict[str, object]) -> dict[str, object]:
    kept = document.pop("messages", None)
    made = [read_message(one) for one in kept] if isinstance(kept, list) else []
    known: dict[object, object] = {text: text for text in made}
    told = {"reason": known.get(document.get("reason"), document.get("reason"))}
    checks = [{k: known.get(v, v) for k, v in check.items()} for check in _checks(document)]
    return {**document, **told, "checks": checks}


def _shown(document: Mapping[str, object]) -> list[object]:
    texts = [value for check in _checks(document) for value in check.values()]
    return [document.get("reason"), *texts]


def _checks(document: Mapping[str, object]) -> list[Mapping[str, object]]:
    found = document.get("checks")
    return [check for check in found if isinstance(check, dict)] if isinstance(found, list) else []


def _read(archive: Archive, night: Job, suffix: str) -> bytes | None:
    names = night.details.get("reports")
    found = [str(n) for n in names if str(n).endswith(suffix)] if isinstance(names, list) else []
    return archive.read_report(found[0]) if found else None
