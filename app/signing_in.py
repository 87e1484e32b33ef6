"""The page on which people sign in, and the one on which they choose a password.

Plain HTML, so that the token comes in a cookie which no script can read.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from anyio import CapacityLimiter, to_thread
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

from app.addresses import PASSWORD, SIGN_IN, STATE
from app.language import Language, nearest_language
from app.out_of_order import out_of_order
from app.plain import sentence
from app.provider import Provider
from app.visitor import COOKIE, SECURE_COOKIE
from enrollment.errors import RollcallError
from enrollment.service import Service
from store.errors import StoreError
from wording.message import words_of

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",  # without one a form's origin would be "null"
    "X-Content-Type-Options": "nosniff",
}
_LONGEST_FORM = 4096
_CROWD = 10  # who sign in at one moment


class SigningIn:
    """Answers below `/sign-in`, `/password` and `/session`.

    Args:
        secure: the address is https, so the cookie goes over nothing else.
        provider: who else may say who somebody is.
    """

    def __init__(self, service: Service, *, secure: bool, provider: Provider | None = None) -> None:
        self._service = service
        self._cookie = SECURE_COOKIE if secure else COOKIE
        self._secure = secure
        self._provider = provider
        self._threads, self._waiting = CapacityLimiter(2), 0
        templates = FileSystemLoader(Path(__file__).with_name("templates"))
        self._templates = Environment(
            loader=templates, autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )

    def app(self) -> Starlette:
        routes = [
            Route(SIGN_IN, self._show, methods=["GET"]),
            Route(SIGN_IN, self._enter, methods=["POST"]),
            Route(PASSWORD, self._show_password, methods=["GET"]),
            Route(PASSWORD, self._choose, methods=["POST"]),
            Route(STATE, self._state, methods=["GET"]),
        ]
        if self._provider is not None:
            routes += self._provider.routes(self._let_in_through)
        middleware = self._provider.middleware(self._secure) if self._provider else []
        handlers = {StoreError: out_of_order}
        return Starlette(routes=routes, middleware=middleware, exception_handlers=handlers)

    # -- with a password ------------------------------------------------------------------------

    def _show(self, request: Request) -> Response:
        return self._ask(request, place=_next(request.query_params))

    async def _enter(self, request: Request) -> Response:
        form = await _form(request)
        if form is None:
            return _refuse()
        return await self._in_turn(self._let_in, request, form)

    async def _in_turn(
        self,
        answer: Callable[[Request, dict[str, str]], Response],
        request: Request,
        form: dict[str, str],
    ) -> Response:
        """In threads of its own: a password takes its time, and a crowd of guesses must not keep
        the pages waiting for a thread."""
        if self._waiting >= _CROWD:
            return PlainTextResponse("too many at once; try again\n", 503, _HEADERS)
        self._waiting += 1
        try:
            return await to_thread.run_sync(answer, request, form, limiter=self._threads)
        finally:
            self._waiting -= 1

    def _let_in(self, request: Request, form: dict[str, str]) -> Response:
        sessions = self._service.sessions
        attempt = sessions.sign_in(
            form.get("login", ""), form.get("password", ""), form.get("code", "")
        )
        if attempt.token is None:
            return self._ask(request, attempt.said, _next(form))
        sessions.end(self._token(request))  # whoever was signed in here before
        return self._go(_next(form), attempt.token)

    def _let_in_through(
        self,
        request: Request,
        issuer: str,
        external: str,
        login: str,
        roles: list[str],
        proved_at: datetime | None,
    ) -> Response:
        sessions = self._service.sessions
        sessions.end(self._token(request))  # whoever was signed in here before
        attempt = sessions.sign_in_through(issuer, external, login, roles, proved_at)
        if attempt.token is None:
            return self._ask(request, attempt.said)
        return self._go("/", attempt.token)

    # -- one's own password -----------------------------------------------------------------------

    def _show_password(self, request: Request) -> Response:
        if not self._service.sessions.acting(self._token(request)).confirmed:
            return RedirectResponse(f"{SIGN_IN}?next={PASSWORD}", 303, headers=_HEADERS)
        return self._ask_password(request)

    async def _choose(self, request: Request) -> Response:
        form = await _form(request)
        if form is None:
            return _refuse()
        return await self._in_turn(self._keep, request, form)

    def _keep(self, request: Request, form: dict[str, str]) -> Response:
        language = self._language(request)
        new = form.get("new", "")
        if new != form.get("again", ""):
            said = language.say("The two are not the same; type the new password twice.")
            return self._ask_password(request, said)
        try:
            token = self._service.sessions.choose_password(self._token(request), new)
        except RollcallError as error:
            return self._ask_password(request, sentence(language.tell(words_of(error))))
        return self._go("/", token)

    # -- who is signed in -------------------------------------------------------------------------

    def _state(self, request: Request) -> Response:
        """Asked by every open page, which leaves when the answer is no."""
        session = self._service.sessions.current(self._token(request))
        told = {"session": None if session is None else session.session_id}
        return JSONResponse(told, 401 if session is None else 200, _HEADERS)

    def _token(self, request: Request) -> str:
        """Of the one cookie that this server sets: another one somebody else may have planted."""
        return request.cookies.get(self._cookie, "")

    # -- answering --------------------------------------------------------------------------------

    def _ask(self, request: Request, said: str = "", place: str = "/") -> Response:
        language = self._language(request)
        say, provider = language.say, self._provider
        words = {
            "title": say("Sign in"),
            "why": say("Rollcall keeps faces. Whoever works with them signs in."),
            "login": say("Login"),
            "password": say("Password"),
            "code": say("Six-digit code"),
            "code_hint": say("Only if you have set one up."),
            "enter": say("Sign in"),
            "provider": say("Sign in with {name}", name=provider.name) if provider else "",
        }
        told = sentence(language.tell(said)) if said else ""
        return self._page(language, "sign_in.html", words, 403 if said else 200, told, place)

    def _ask_password(self, request: Request, said: str = "") -> Response:
        language = self._language(request)
        say = language.say
        words = {
            "title": say("Choose a password"),
            "why": say("At least 12 characters. A sentence is good, and easy to keep in mind."),
            "new": say("New password"),
            "again": say("New password, again"),
            "keep": say("Keep it and go on"),
        }
        return self._page(language, "password.html", words, 422 if said else 200, said)

    def _page(
        self,
        language: Language,
        template: str,
        words: Mapping[str, str],
        status: int,
        said: str,
        place: str = "/",
    ) -> Response:
        drawn = self._templates.get_template(template)
        text = drawn.render(words=words, said=said, next=place, code=language.code)
        return HTMLResponse(text, status, _HEADERS)

    def _go(self, place: str, token: str) -> Response:
        answer = RedirectResponse(place, 303, headers=_HEADERS)
        answer.set_cookie(
            self._cookie, token, path="/", httponly=True, secure=self._secure, samesite="lax"
        )
        return answer

    def _language(self, request: Request) -> Language:
        first = request.headers.get("accept-language", "").split(",")[0].split(";")[0]
        return Language(nearest_language(first or None))


async def _form(request: Request) -> dict[str, str] | None:
    """What was filled in; None where the form is not from this server, or no form."""
    if not _from_here(request) or int(request.headers.get("content-length") or 0) > _LONGEST_FORM:
        return None
    async with request.form(max_files=0, max_fields=8) as form:
        return {key: value for key, value in form.items() if isinstance(value, str)}


def _from_here(request: Request) -> bool:
    """Else another site could sign a browser in as somebody else."""
    origin = request.headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc == request.headers.get("host")
    return request.headers.get("sec-fetch-site", "same-origin") == "same-origin"


def _refuse() -> Response:
    return Response("this form is not from here\n", 400, _HEADERS, "text/plain")


def _next(given: Mapping[str, str]) -> str:
    """A place of this server, where one was asked for."""
    place = given.get("next", "/")
    ours = place.startswith("/") and not place.startswith(("//", "/\\")) and place.isprintable()
    return place if ours and "\\" not in place else "/"
