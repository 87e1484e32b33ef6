"""--ray: workers elsewhere, for one command."""

import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from app.output import note
from app.settings import has_ray_token, read_ray
from enrollment.errors import BadInput

if TYPE_CHECKING:
    from enrollment.ray_crew import RayCrew

OFF = "off"
_UNGUARDED = (
    "Ray has no token, and without one whoever reaches its ports runs what they like; start the "
    "cluster with RAY_AUTH_MODE=token, and put its token here into RAY_AUTH_TOKEN or "
    "~/.ray/auth_token (ray get-auth-token --generate makes one)"
)
# What Ray itself is told, before it is imported.
_RAY = {
    "RAY_AUTH_MODE": "token",  # else whoever reaches its ports runs what they like
    "RAY_USAGE_STATS_ENABLED": "0",  # it would tell its makers
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # it would write on stdout, between our JSON
}
# All that the processes of a cluster of our own get of our environment: the master key is in it.
_NEEDED = (
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "PYTHONPATH", "VIRTUAL_ENV",
    "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "CUDA_HOME", "NVIDIA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS", "TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "SSL_CERT_FILE",
)  # fmt: skip


@contextmanager
def ray_place(address: str | None) -> Iterator["RayCrew | None"]:
    """Workers on the cluster that was asked for, here or by ROLLCALL_RAY; None: none was.

    Raises:
        BadInput: a cluster without a token. Unusable: Ray or the cluster is not there.
    """
    wanted = address or read_ray() or OFF
    if wanted == OFF:
        yield None
        return
    from enrollment.ray_cluster import LOCAL, connect
    from enrollment.ray_crew import RayCrew

    token = {}
    if wanted == LOCAL:
        token = {"RAY_AUTH_TOKEN": secrets.token_hex(32)}
    elif not has_ray_token():
        raise BadInput(_UNGUARDED)
    with (
        tempfile.TemporaryDirectory(prefix="rollcall-ray-", ignore_cleanup_errors=True) as folder,
        _environment({**os.environ, **_RAY, **token}),
    ):
        bare = {name: value for name, value in os.environ.items() if name in (*_NEEDED, *_RAY)}
        with _environment({**bare, **token} if wanted == LOCAL else dict(os.environ)):
            ray = connect(wanted, Path(folder))
        try:
            with RayCrew(ray, note) as place:
                yield place
        finally:
            ray.shutdown()


@contextmanager
def _environment(of: Mapping[str, str]) -> Iterator[None]:
    """Within, this process and those that it starts have this environment and no other."""
    before = dict(os.environ)
    _become(of)
    try:
        yield
    finally:
        _become(before)


def _become(of: Mapping[str, str]) -> None:
    for name in os.environ.keys() - of.keys():
        del os.environ[name]
    os.environ.update(of)
