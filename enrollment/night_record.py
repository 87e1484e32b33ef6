"""What is left of a night that was run: its report, as a page and as a document."""

import json
from collections.abc import Mapping

from store.archive import Archive
from store.records import Job


def page_of(archive: Archive, night: Job) -> str | None:
    """The report as HTML that loads nothing and runs nothing; None where it is gone."""
    content = _read(archive, night, ".html")
    return None if content is None else content.decode()


def document_of(archive: Archive, night: Job) -> Mapping[str, object] | None:
    """The report's numbers and names; None where it is gone."""
    content = _read(archive, night, ".json")
    found = None if content is None else json.loads(content)
    return found if isinstance(found, dict) else None


def _read(archive: Archive, night: Job, suffix: str) -> bytes | None:
    names = night.details.get("reports")
    found = [str(n) for n in names if str(n).endswith(suffix)] if isinstance(names, list) else []
    return archive.read_report(found[0]) if found else None
