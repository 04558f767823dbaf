"""Access tokens and who calls. An API reads the bearer header only, a page only its cookie."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import jwt
from flask import Response, g, request

from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NotAllowed, Unauthenticated

from .evidence import evidence
from .face import Face
from .guards import Guard
from .site import site

ALGORITHM = "HS256"
ISSUER = "voucher"
_REMEMBERED_SECONDS = 2.0
_MOST_REMEMBERED = 65_536
_subjects: dict[tuple[str, Face, str], tuple[UUID, float]] = {}


class TokenMissing(Unauthenticated):
    """No access token came with the request."""

    code = "token_missing"


class TokenInvalid(Unauthenticated):
    """The access token is not ours, not for this face, or its account is gone."""

    code = "token_invalid"


class TokenExpired(Unauthenticated):
    """The access token's time is over."""

    code = "token_expired"


@dataclass(frozen=True, slots=True)
class Token:
    """What a sign-in answers. The text is a secret of the caller."""

    access_token: str
    expires_in_seconds: int


def issue(core: Core, face: Face, subject: UUID) -> Token:
    """A token of this face for an account, valid `sign_in.token_ttl_seconds` of real time."""
    lifetime = core.settings.sign_in.token_ttl_seconds
    started = datetime.now(UTC)
    claims = {
        "iss": ISSUER,
        "aud": face.value,
        "sub": str(subject),
        "iat": started,
        "exp": started + timedelta(seconds=lifetime),
        "jti": uuid4().hex,
    }
    return Token(jwt.encode(claims, core.settings.secrets.token_key, ALGORITHM), lifetime)


def subject_of(core: Core, face: Face, token: str) -> UUID:
    """Whose token it is. Raises TokenExpired or TokenInvalid.

    A token found good is remembered for two seconds, or until it expires.
    """
    known = _subjects.get((core.settings.secrets.token_key, face, token))
    if known is not None and time.time() < known[1]:
        return known[0]
    subject, expires_at = _checked(core, face, token)
    if len(_subjects) >= _MOST_REMEMBERED:
        _subjects.clear()
    until = min(time.time() + _REMEMBERED_SECONDS, expires_at)
    _subjects[core.settings.secrets.token_key, face, token] = (subject, until)
    return subject


def _checked(core: Core, face: Face, token: str) -> tuple[UUID, float]:
    try:
        claims = jwt.decode(
            token,
            core.settings.secrets.token_key,
            algorithms=[ALGORITHM],
            audience=face.value,
            issuer=ISSUER,
            options={"require": ["exp", "iat", "sub", "jti"]},
        )
        return UUID(claims["sub"]), float(claims["exp"])
    except jwt.ExpiredSignatureError:
        raise TokenExpired from None
    except (jwt.InvalidTokenError, ValueError):
        raise TokenInvalid from None


def is_api() -> bool:
    """Whether this request speaks to the API rather than to a page."""
    return request.path.startswith("/api/")


def session_token() -> str | None:
    """The token that came with the request, from the one place that counts for its kind."""
    if not is_api():
        return request.cookies.get(site().face.cookie)
    return bearer(request.headers.get("Authorization", ""))


def bearer(header: str) -> str | None:
    """The token of an Authorization header."""
    scheme, _, token = header.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def actor() -> Actor:
    """Who calls, with the evidence of this request. Raises Unauthenticated leaves."""
    if "actor" not in g:
        here = site()
        found = here.loader(here.core, _subject())
        if found is None:
            raise TokenInvalid
        g.actor = replace(found, evidence=evidence())
    caller: Actor = g.actor
    return caller


def _subject() -> UUID:
    token = session_token()
    if token is None:
        raise TokenMissing
    here = site()
    return subject_of(here.core, here.face, token)


def actor_or_none() -> Actor | None:
    """Who calls, or None: for public pages that greet those who are signed in."""
    try:
        return actor()
    except Unauthenticated:
        return None


def enforce(guard: Guard) -> None:
    """Let the caller pass or raise Unauthenticated leaves or NotAllowed."""
    if guard.signed_in and not guard.loaded:
        g.actor = Actor(site().face.actor_kind, _subject(), evidence=evidence())
    elif guard.signed_in:
        caller = actor()
        if guard.roles and not caller.has(*guard.roles):
            raise NotAllowed


def start_session(response: Response, token: Token) -> Response:
    """Keep a page's reader signed in with this token."""
    here = site()
    response.set_cookie(
        here.face.cookie,
        token.access_token,
        max_age=token.expires_in_seconds,
        httponly=True,
        samesite="Lax",
        secure=here.core.settings.production,
    )
    return response


def end_session(response: Response) -> Response:
    """Sign a page's reader out."""
    here = site()
    response.delete_cookie(
        here.face.cookie,
        httponly=True,
        samesite="Lax",
        secure=here.core.settings.production,
    )
    return response
