"""Reaching a Ray cluster, or starting one for a command. The one place that imports Ray."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from enrollment.errors import Unusable
from wording.message import message

LOCAL = "local"
_KNOCK = 10.0  # seconds until an address counts as not there
_STORE = 512 * 2**20  # bytes of shared memory of a cluster of our own


def connect(address: str, folder: Path) -> ModuleType:
    """Ray, on this cluster until its `shutdown`. Its token and what else it reads from outside is
    set by whoever calls.

    Args:
        address: `local` starts a cluster, which ends with this process at the latest; else as
            `ray.init` takes it.
        folder: where a local cluster keeps its sockets and logs; a short path.

    Raises:
        Unusable: Ray is not installed, or the cluster cannot be reached.
    """
    try:
        import ray
    except ImportError as error:
        raise Unusable(
            message("Ray is not installed; run: pip install 'ray[client]>=2.60,<3'")
        ) from error
    own = _of_our_own(folder) if address == LOCAL else {}
    try:
        _knock(address)
        with _unnamed(ray):
            ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL, **own)
    except Exception as error:  # Ray's own, gRPC's, OSError, RuntimeError: whatever it is
        with suppress(Exception):
            ray.shutdown()
        raise Unusable(
            message(
                "the Ray cluster {address} cannot be reached ({error}); look there with: ray "
                "status. Nothing was changed",
                address=address,
                error=str(error).partition("\n")[0],
            )
        ) from error
    return ray


def _knock(address: str) -> None:
    """Ray itself tries for minutes. Raises OSError: nobody answers at `HOST:PORT`."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK).close()


def _of_our_own(folder: Path) -> dict[str, Any]:
    """Nobody else's address, no pages, no reports, and nothing of what it carries on a disk."""
    return {
        "include_dashboard": False,
        "_node_ip_address": "127.0.0.1",
        "_temp_dir": str(folder),
        "object_store_memory": _STORE,
        "_system_config": {"automatic_object_spilling_enabled": False},
        "num_cpus": max(os.cpu_count() or 1, 2),
    }


@contextmanager
def _unnamed(ray: ModuleType) -> Iterator[None]:
    """Ray shows every user of the cluster how a job was called, and ours may have been called with
    a person's name."""
    told = ray._private.utils.get_entrypoint_name
    ray._private.utils.get_entrypoint_name = lambda: "rollcall"
    try:
        yield
    finally:
        ray._private.utils.get_entrypoint_name = told
