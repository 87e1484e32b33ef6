"""Signing in through the company's own provider (OpenID Connect).

Authlib, which is also under `st.login`. Not `st.login` itself: its cookie holds for 30 days, and
nobody can end it from elsewhere.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.starlette_client import OAuth
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.addresses import PROVIDER, PROVIDER_BACK, SIGN_IN
from app.provider_settings import ProviderSettings

_PREFIX = "rollcall-"
_SECONDS = 600  # to sign in over there
LetIn = Callable[[Request, str, str, str, list[str], datetime | None], Response]


class Provider:
    """Args: address: of this server, as browsers know it."""

    def __init__(self, settings: ProviderSettings, address: str) -> None:
        self.name = settings.name
        self._settings = settings
        self._address = address.rstrip("/")
        self._client = OAuth().register(
            "provider",
            server_metadata_url=f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
        )

    def middleware(self, secure: bool) -> list[Middleware]:
        """A cookie for the way there and back alone."""
        return [
            Middleware(
                SessionMiddleware,
                secret_key=secrets.token_urlsafe(),
                session_cookie="rollcall_way",
                max_age=_SECONDS,
                https_only=secure,
            )
        ]

    def routes(self, let_in: LetIn) -> list[Route]:
        async def start(request: Request) -> Response:
            # max_age 0: whoever comes back has just proved who they are.
            answer: Response = await self._client.authorize_redirect(
                request, f"{self._address}{PROVIDER_BACK}", max_age=0
            )
            return answer

        async def back(request: Request) -> Response:
            try:
                token = await self._client.authorize_access_token(request)
            except OAuthError:
                return RedirectResponse(SIGN_IN, 303)
            claims = token["userinfo"]
            given = claims.get("preferred_username") or claims.get("email") or claims["sub"]
            return await run_in_threadpool(
                let_in,
                request,
                str(claims["iss"]),
                str(claims["sub"]),
                str(given),
                roles_in(claims, self._settings.role_claim),
                proved_at(claims),
            )

        return [
            Route(PROVIDER, start, methods=["GET"]),
            Route(PROVIDER_BACK, back, methods=["GET"]),
        ]


def proved_at(claims: Mapping[str, object]) -> datetime | None:
    """When they proved there who they are: a provider may ask for nothing where somebody is signed
    in. None where it does not say so."""
    seconds = claims.get("auth_time")
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None


def roles_in(claims: Mapping[str, object], claim: str) -> list[str]:
    """What the claim says, a text or a list; `rollcall-admin` is `admin`, for providers whose roles
    are of many programs."""
    found: object = claims
    for level in claim.split("."):
        found = found.get(level) if isinstance(found, Mapping) else None
    values = found if isinstance(found, list) else [found]
    return [v.removeprefix(_PREFIX) for v in values if isinstance(v, str)]
