"""Is a folder on another machine? SQLite's log needs memory that its processes share, and locks
that hold; across a network it has neither, and a gallery there is damaged sooner or later
(https://sqlite.org/wal.html, https://sqlite.org/howtocorrupt.html)."""

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mounts")
_NETWORK = frozenset({
    "9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs", "gfs2", "glusterfs",
    "gpfs", "lustre", "moosefs", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "pvfs2", "smb3",
    "smbfs",
})  # fmt: skip
_NETWORK_FUSE = frozenset({
    "ceph-fuse", "curlftpfs", "davfs2", "gcsfuse", "glusterfs", "goofys", "juicefs", "mfs",
    "rclone", "s3fs", "seaweedfs", "smbnetfs", "sshfs",
})  # fmt: skip


def network_kind(folder: Path, mounts: Path = MOUNTS) -> str | None:
    """The file system that a folder, which need not be there yet, is on, where it is one of a
    network; None where it is not, or cannot be told (no Linux).

    Args:
        mounts: the table of what is mounted, as in fstab(5).
    """
    try:
        table = mounts.read_text("utf-8", "surrogateescape")
    except OSError:
        return None
    kind = kind_of(folder.expanduser().resolve(), table)
    return kind if kind is not None and _is_network(kind) else None


def kind_of(path: Path, table: str) -> str | None:
    """The file system at an absolute path: of the deepest mount above it, and of several there the
    last, which hides the others."""
    deepest, kind = -1, None
    for line in table.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        place = Path(_unescaped(fields[1]))
        if path.is_relative_to(place) and len(place.parts) >= deepest:
            deepest, kind = len(place.parts), fields[2]
    return kind


def _is_network(kind: str) -> bool:
    by_fuse, _, program = kind.partition(".")
    return kind in _NETWORK or (by_fuse == "fuse" and program in _NETWORK_FUSE)


def _unescaped(field: str) -> str:
    """Spaces, tabs, newlines and backslashes stand there as their octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)
