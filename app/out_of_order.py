"""The answer while the gallery cannot even say who is signed in."""

import logging

from starlette.requests import Request
from starlette.responses import PlainTextResponse

_LOG = logging.getLogger(__name__)
_TEXT = "Rollcall cannot be used now. Whoever looks after it finds out why with: rollcall doctor\n"


def out_of_order(_request: Request | None, error: Exception) -> PlainTextResponse:
    """Nobody is signed in who might be told what is wrong; the log says where it was found."""
    _LOG.error("the gallery cannot say who is signed in", exc_info=error)
    return PlainTextResponse(_TEXT, 503, {"Cache-Control": "no-store"})
