"""One message over HTTP, signed, to an address of which much is refused."""

import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from urllib.parse import SplitResult

from enrollment.webhook_address import IpAddress, is_forbidden, is_here

SIGNATURE = "X-Rollcall-Signature"
TIMEOUT = 5.0  # s, for each step
_WHOLE = 10.0  # s, for the whole: a receiver may not drip
_TRIED = 2  # of a name's addresses
_PORTS = {"http": 80, "https": 443}


def sign(secret: str, body: bytes, at: int) -> str:
    """The signature's header: HMAC-SHA256 over the time, a dot and the body.

    Args:
        at: seconds since 1970; a receiver refuses old ones, so that nobody can send it again.
    """
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={signed.hexdigest()}"


def post(url: SplitResult, body: bytes, secret: str | None) -> tuple[int | None, str | None]:
    """Post JSON once. Redirects are answers like any other, and nothing of a body is read.

    Args:
        secret: signs it, with the present time; None sends it unsigned.

    Returns:
        the status, None without one; and why it was not taken, None where it was.
    """
    headers = {"Content-Type": "application/json", "User-Agent": "rollcall"}
    if secret is not None:
        headers[SIGNATURE] = sign(secret, body, int(time.time()))
    line = _Line(url)
    whole = threading.Timer(_WHOLE, line.cut)
    whole.daemon = True
    whole.start()
    try:
        query = f"?{url.query}" if url.query else ""
        line.request("POST", (url.path or "/") + query, body, headers)
        status = line.getresponse().status
        if line.was_cut:
            raise TimeoutError
        return status, None if 200 <= status < 300 else f"it was answered with {status}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        return None, f"{url.hostname} cannot be reached ({type(error).__name__})"
    finally:
        whole.cancel()
        line.close()


class _ForbiddenAddressError(OSError):
    """The name leads where nothing may be sent."""


class _Line(http.client.HTTPConnection):
    """To an address that was looked at: between looking and connecting the name is not asked
    again, so that it cannot lead elsewhere."""

    def __init__(self, url: SplitResult) -> None:
        self.default_port = _PORTS[url.scheme]
        super().__init__(url.hostname or "", url.port, timeout=TIMEOUT)
        self.was_cut = False
        self._secure = url.scheme == "https"

    def connect(self) -> None:
        self.sock = _connected(_resolved(self.host, self.port), self.port)
        if self._secure:
            # `cut` has to reach the socket while hands are shaken.
            secured = ssl.create_default_context().wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock = secured
            secured.do_handshake()

    def cut(self) -> None:
        """From another thread: whatever is waited for ends."""
        self.was_cut = True
        if self.sock is not None:
            try:
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)  # not TLS's polite one
            except OSError:
                return  # it has ended by itself


def _connected(addresses: Sequence[IpAddress], port: int) -> socket.socket:
    error: OSError | None = None
    for address in addresses[:_TRIED]:
        try:
            return socket.create_connection((str(address), port), TIMEOUT)
        except OSError as found:
            error = found
    raise error or OSError("no address")


def _resolved(host: str, port: int) -> list[IpAddress]:
    """Raises OSError where a host has no address, or any that is refused."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
    here = is_here(host)
    if any(is_forbidden(a) or (here and not a.is_loopback) for a in addresses):
        raise _ForbiddenAddressError(host)
    return addresses
