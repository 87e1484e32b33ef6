"""A folder on another machine is told from one that is here."""

from dataclasses import replace
from pathlib import Path

import pytest

from disk.network_mount import MOUNTS, kind_of, network_kind
from enrollment.config import Settings
from enrollment.errors import BadInput
from enrollment.opening import far_away, is_gallery, write_gallery
from enrollment.service import Service
from tests.conftest import facts_for_tests

TABLE = r"""
/dev/vda1 / ext4 rw,relatime 0 0
tmpfs /dev/shm tmpfs rw 0 0
server:/export /srv/share nfs4 rw,vers=4.2 0 0
/dev/vdb1 /srv/share/local\040disk xfs rw 0 0
//files/faces /mnt/faces cifs rw 0 0
anna@host:/ /home/anna/far fuse.sshfs rw 0 0
portal /run/user/1000/doc fuse.portal rw 0 0
C:\134 /mnt/c 9p rw 0 0
10.0.0.1:/v /data ext4 rw 0 0
10.0.0.1:/v /data fuse.glusterfs rw 0 0
nonsense
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/srv", "ext4"),
        ("/srv/shared", "ext4"),
        ("/srv/share", "nfs4"),
        ("/srv/share/a/b", "nfs4"),
        ("/srv/share/local disk/gallery", "xfs"),
        ("/mnt/faces/data", "cifs"),
        ("/home/anna/far/gallery", "fuse.sshfs"),
        ("/home/anna", "ext4"),
        ("/mnt/c/Users", "9p"),
        ("/data", "fuse.glusterfs"),
    ],
)
def test_the_deepest_mount_counts_and_the_last_there(path: str, kind: str) -> None:
    assert kind_of(Path(path), TABLE) == kind


def test_only_networks_are_told(tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_text(TABLE)
    told = {
        p: network_kind(Path(p), table) for p in ("/srv/share/x", "/mnt/c", "/run/user/1000/doc/x")
    }
    assert told == {"/srv/share/x": "nfs4", "/mnt/c": "9p", "/run/user/1000/doc/x": None}
    assert network_kind(Path("/srv/share"), tmp_path / "absent") is None
    (tmp_path / "link").symlink_to("/mnt/faces")
    assert network_kind(tmp_path / "link" / "gallery", table) == "cifs"


@pytest.mark.skipif(not MOUNTS.exists(), reason="no Linux")
def test_this_machine_has_a_root() -> None:
    assert kind_of(Path("/proc"), MOUNTS.read_text()) == "proc"
    assert kind_of(Path("/"), MOUNTS.read_text()) is not None


@pytest.mark.sqlite
def test_no_gallery_is_made_there_and_one_that_is_there_is_warned_of(
    settings: Settings, service: Service, tmp_path: Path
) -> None:
    table = tmp_path / "mounts"
    table.write_text(f"host:/faces {tmp_path} nfs4 rw 0 0\n")
    far = replace(settings, home=tmp_path / "other", mounts=table)
    with pytest.raises(BadInput, match=r"nfs4.*postgresql://"):
        write_gallery(far, facts_for_tests("none"))
    assert not is_gallery(far.home)
    assert not far.home.exists()
    assert not list(settings.key_folder.glob("*.key"))
    said = far_away(replace(settings, mounts=table))
    assert said is not None
    assert "nfs4" in said
    assert far_away(settings) is None
