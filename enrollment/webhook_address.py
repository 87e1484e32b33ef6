"""Where messages may be sent: over https, and never into the machine's own surroundings."""

import ipaddress
from urllib.parse import SplitResult, urlsplit

from enrollment.errors import BadInput
from wording.message import message

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
MOST = 2000  # characters
# Where clouds answer with a machine's own credentials, beside the link-local addresses.
_METADATA = {ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200")}


def parsed(url: str) -> SplitResult | None:
    """An http or https address with a host; None where it is none."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        return None
    return parts if usable and url.isascii() and url.isprintable() and " " not in url else None


def is_here(host: str) -> bool:
    """This machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_forbidden(address: IpAddress) -> bool:
    """Link-local, metadata services, nobody's and everybody's."""
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped or address.sixtofour
        if mapped is not None:
            return is_forbidden(mapped)
        address = ipaddress.IPv6Address(int(address))  # without a zone
    odd = address.is_link_local or address.is_multicast or address.is_unspecified
    return odd or address in _METADATA


def check_receiver(url: str) -> SplitResult:
    """Raises BadInput where nothing may be sent there."""
    parts = parsed(url)
    if parts is None or len(url) > MOST or parts.fragment:
        raise BadInput(message("give an address such as https://hr.example/rollcall"))
    host = parts.hostname or ""
    if parts.username or parts.password:
        raise BadInput(message("a password in the address would be shown; leave it out"))
    if parts.scheme == "http" and not is_here(host):
        raise BadInput(
            message("use https: plain http could be read and held back by anybody on the way")
        )
    try:
        forbidden = is_forbidden(ipaddress.ip_address(host))
    except ValueError:
        forbidden = False
    if forbidden:
        raise BadInput(message("nothing is sent to link-local or metadata addresses"))
    return parts
