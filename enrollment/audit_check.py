"""`audit verify`: everything computed anew, also where the gallery itself would not open."""

from pathlib import Path

from enrollment.backups import FOLDER
from enrollment.config import Settings
from enrollment.key_source import read_key
from enrollment.opening import database_url
from store.backup import SUFFIX, read_header
from store.errors import StoreError
from store.records import AuditVerification, Backup
from store.verification import names_of, verify_database
from wording.message import message

Found = AuditVerification  # as the doors call it


def verify_audit(settings: Settings) -> AuditVerification:
    """Compare the gallery of these settings with what Rollcall wrote; changes nothing.

    Raises:
        GalleryMissing, GalleryDamaged, KeyMissing: it cannot be read, or not with this key.
    """
    url = database_url(settings.home)
    gallery_id, key_id = names_of(url)
    key = read_key(settings, gallery_id, key_id)
    return verify_database(url, key, settings.anchor_files(gallery_id))


def audit_document(found: AuditVerification) -> dict[str, object]:
    return {
        "intact": found.intact,
        "sealed": found.sealed,
        "rows": found.rows,
        "verified_to": found.verified_to,
        "anchored_to": found.anchored_to,
        "anchored_at": found.anchored_at.isoformat() if found.anchored_at else None,
        "anchors": [
            {
                "place": anchor.place,
                "seq": anchor.seq,
                "at": anchor.at.isoformat() if anchor.at else None,
                "since": anchor.since,
                "problem": anchor.problem,
            }
            for anchor in found.anchors
        ],
        "findings": [
            {"kind": finding.kind, "where": finding.where, "message": finding.message}
            for finding in found.findings
        ],
        "seconds": round(found.seconds, 3),
    }


def what_to_do(found: AuditVerification, home: Path) -> str | None:
    """The next step where something was altered; None where nothing was."""
    if found.intact or found.only_older:
        return None  # what is only older says itself what to do
    newest = _newest_backup(home)
    if newest is None:
        return message(
            "stop the server, keep a copy of {home} as it is, and ask who can write to this "
            "machine. There is no backup in {home}: restore one from elsewhere",
            home=home,
        )
    return message(
        "stop the server, keep a copy of {home} as it is, and ask who can write to this machine. "
        "Then restore the newest backup that passes its check, which an altered one does not: "
        "start with {name} of {day}",
        home=home,
        name=newest.path.name,
        day=f"{newest.made_at:%Y-%m-%d %H:%M}",
    )


def _newest_backup(home: Path) -> Backup | None:
    found = []
    for path in (home / FOLDER).glob(f"*{SUFFIX}"):
        try:
            found.append(read_header(path))
        except StoreError:
            continue
    return max(found, key=lambda backup: backup.made_at, default=None)
