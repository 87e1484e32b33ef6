"""What a gallery needs from its surroundings, made once at the edge and passed down."""

import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from disk.network_mount import MOUNTS
from enrollment.retention_policy import RetentionPolicy
from enrollment.review_policy import ReviewPolicy
from store.reach import MEMORY

DEFAULT_MAX_FPIR = 0.01
WITHOUT_DATABASE = MEMORY


@dataclass(frozen=True)
class Settings:
    """Where things are.

    home: the gallery's folder.
    key: the master key as text; key_command: what prints it; keyring: the service it has in the
        operating system's keyring. None of them: the key file.
    key_folder: where key files are, outside every gallery.
    detector: `mtcnn` or `yunet:FILE.onnx`; None takes the one the gallery was made with.
    weights_home: where downloaded weights are kept.
    weights_search: other folders that may hold them, read only.
    actor: who acts, for the audit trail.
    review: the limits of the review queue.
    retention: when somebody is told of whose data is due.
    database: where new galleries are made, as `init --database`; `{gallery}` in it stands for the
        gallery's id. None: SQLite in `home`.
    index: URL of the Milvus that holds the index of new galleries, as `init --index`; None: memory.
    without_database: how long recognition goes on from memory when the database's server is away.
    mounts: the system's table of what is mounted, to tell a folder on a network by.
    audit_anchor: one more file, best on another volume, that says how far the audit trail has come.
    """

    home: Path
    key: str | None = field(default=None, repr=False)
    key_command: str | None = None
    keyring: str | None = None
    key_folder: Path = Path.home() / ".config" / "rollcall" / "keys"
    detector: str | None = None
    weights_home: Path = Path.home() / ".cache" / "rollcall" / "weights"
    weights_search: tuple[Path, ...] = ()
    actor: str = "python"
    review: ReviewPolicy = field(default_factory=ReviewPolicy)
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    audit_anchor: Path | None = None
    database: str | None = field(default=None, repr=False)
    index: str | None = field(default=None, repr=False)
    mounts: Path = MOUNTS
    without_database: timedelta = WITHOUT_DATABASE

    def key_file(self, gallery_id: str) -> Path:
        return self.key_folder / f"{gallery_id}.key"

    def anchor_files(self, gallery_id: str) -> list[Path]:
        """Where the audit trail is anchored: beside the key, and where else it was asked for.

        Beside a key that systemd or a container hands over nothing can be written: there it is
        the other place alone, if there is one.
        """
        beside = self.key_folder / f"{gallery_id}.anchor"
        if self.audit_anchor is None:
            return [beside]
        handed_over = self.key_folder.is_dir() and not os.access(self.key_folder, os.W_OK)
        return [self.audit_anchor] if handed_over else [beside, self.audit_anchor]
