"""Whom a program and all that it starts reach out to, as strace sees it at the kernel's door."""

import ipaddress
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

# sendmsg and sendmmsg too: a datagram needs no `connect`, and so does TCP Fast Open.
CALLS = "connect,sendto,sendmsg,sendmmsg"
WITHIN = {"AF_UNIX", "AF_LOCAL", "AF_NETLINK", "AF_UNSPEC"}  # of this machine, or no address at all
DNS = 53
PATIENCE = 600  # seconds for strace to write down what has ended: a slow host is no failure

_STRUCTURE = re.compile(r"\{sa_family=(\w+)([^}]*)\}")
_PORT = re.compile(r"sin6?_port=htons\((\d+)\)")
_ADDRESS = re.compile(r'(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"')


class Watched(subprocess.Popen[bytes]):
    """A program under strace, as the child of this process: signals and exit code are its own."""

    def __init__(self, words: list[str], env: Mapping[str, str], folder: Path) -> None:
        """Its calls, stdout and stderr are kept in `folder`, each start in files of its own."""
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.log = self.folder / "strace.log"
        # -s 0: what is sent is not written down. --daemonize: strace stands beside, not between.
        # --seccomp-bpf: it stops at these calls, not at every one: `init` takes no longer with it.
        strace = ["strace", "--daemonize", "-f", "--seccomp-bpf", "-q", "-s", "0"]
        strace += ["-e", "signal=none"]
        strace += ["-e", f"trace={CALLS}", "-o", str(self.log)]
        with (self.folder / "stdout").open("wb") as out, (self.folder / "stderr").open("wb") as err:
            super().__init__([*strace, *words], env=env, stdout=out, stderr=err)

    @property
    def said(self) -> str:
        both = ((self.folder / name).read_text("utf-8", "replace") for name in ("stdout", "stderr"))
        return "".join(both)[-2000:]

    def calls(self) -> list[str]:
        """All of them, after its end; fails where strace did not see that end."""
        until = time.monotonic() + PATIENCE
        end = re.compile(rf"^{self.pid} +\+\+\+ (exited|killed)", re.MULTILINE)
        while not end.search(text := self.log.read_text("utf-8", "replace")):
            assert time.monotonic() < until, f"strace lost sight of it: {text[-500:]}"
            time.sleep(0.1)
        return [line for line in text.splitlines() if "+++" not in line]


def leaving(calls: list[str]) -> list[str]:
    """The calls that reach beyond this machine, or ask anybody what address a name has."""
    return [call for call in calls if not all(map(_stays, _STRUCTURE.findall(call)))]


def _stays(structure: tuple[str, str]) -> bool:
    family, rest = structure
    if family in WITHIN:
        return True
    port, address = _PORT.search(rest), _ADDRESS.search(rest)
    if port is None or address is None:
        return False  # what is not understood is not let pass
    return ipaddress.ip_address(address.group(1)).is_loopback and int(port.group(1)) != DNS


def skip_unless_watching() -> None:
    """Skips, aloud, where there is no strace or it may not look."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not here (apt-get install strace): no connection was watched")
    tried = subprocess.run(
        ["strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "true"],
        check=False,
        capture_output=True,
        text=True,
    )
    if tried.returncode != 0:
        pytest.skip(f"strace may not look here, no connection was watched: {tried.stderr[-200:]}")
