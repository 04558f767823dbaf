"""Access tokens and who calls. An API reads the bearer header only, a page only its cookie."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from uuid import UUID, uuid4

import jwt
from flask import Response, g, has_request_context, request

from voucher_service.infra import sessions
from voucher_service.infra.core import Core
from voucher_service.infra.signatures import Message
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import NotAllowed, Unauthenticated, Unavailable

from .evidence import browser, evidence
from .face import Face
from .guards import Guard
from .site import Claims, site

ALGORITHM = "HS256"
ISSUER = "voucher"
_REMEMBERED_SECONDS = 2.0
_MOST_REMEMBERED = 65_536
_known: dict[tuple[str, Face, str], tuple[Claims, float]] = {}


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


def issue(core: Core, face: Face, subject: UUID, *, factor: bool = False) -> Token:
    """A token of this face for an account, in a session of its own where the face keeps them.

    `factor`: a second factor was shown. Valid `sign_in.token_ttl_seconds`.
    """
    id = uuid4()
    if face.keeps_sessions:
        agent = request.headers.get("User-Agent", "") if has_request_context() else ""
        with core.transaction() as session:
            sessions.start(
                session,
                id=id,
                face=face.value,
                subject=subject,
                address_prefix=evidence().address_prefix if has_request_context() else None,
                agent=browser(agent),
                factor=factor,
                lasts=timedelta(seconds=core.settings.sign_in.token_ttl_seconds),
                now=core.now(session),
            )
    return signed(core, face, subject, session=id)


def signed(core: Core, face: Face, subject: UUID, *, session: UUID) -> Token:
    """The token of a session, valid `sign_in.token_ttl_seconds` of real time."""
    lifetime = core.settings.sign_in.token_ttl_seconds
    started = datetime.now(UTC)
    claims = {
        "iss": ISSUER,
        "aud": face.value,
        "sub": str(subject),
        "iat": started.timestamp(),
        "exp": started + timedelta(seconds=lifetime),
        "jti": session.hex,
    }
    return Token(jwt.encode(claims, core.settings.secrets.token_key, ALGORITHM), lifetime)


def subject_of(core: Core, face: Face, token: str) -> UUID:
    """Whose token it is. Raises TokenExpired or TokenInvalid."""
    return claims_of(core, face, token).subject


def claims_of(core: Core, face: Face, token: str) -> Claims:
    """What a token says. Raises TokenExpired or TokenInvalid.

    A token found good is remembered for two seconds, or until it expires. What it opens is not:
    the account and its session are read for every request.
    """
    known = _known.get((core.settings.secrets.token_key, face, token))
    if known is not None and time.time() < known[1]:
        return known[0]
    claims, expires_at = _checked(core, face, token)
    if len(_known) >= _MOST_REMEMBERED:
        _known.clear()
    until = min(time.time() + _REMEMBERED_SECONDS, expires_at)
    _known[core.settings.secrets.token_key, face, token] = (claims, until)
    return claims


def _checked(core: Core, face: Face, token: str) -> tuple[Claims, float]:
    try:
        claims = jwt.decode(
            token,
            core.settings.secrets.token_key,
            algorithms=[ALGORITHM],
            audience=face.value,
            issuer=ISSUER,
            options={"require": ["exp", "iat", "sub", "jti"]},
        )
        issued_at = datetime.fromtimestamp(float(claims["iat"]), UTC)
        told = Claims(UUID(claims["sub"]), UUID(claims["jti"]), issued_at)
        return told, float(claims["exp"])
    except jwt.ExpiredSignatureError:
        raise TokenExpired from None
    except (jwt.InvalidTokenError, ValueError, OverflowError):
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
        found = _signer() if is_signed() else _holder()
        g.actor = replace(found, evidence=evidence().with_known(found.evidence))
    caller: Actor = g.actor
    return caller


def is_signed() -> bool:
    """Whether this request comes with a signature instead of a token, at a face that takes those.

    A token that came too goes first.
    """
    if "Authorization" in request.headers or not is_api() or site().signer is None:
        return False
    return "Signature-Input" in request.headers or "Signature" in request.headers


def _holder() -> Actor:
    here = site()
    found = here.loader(here.core, claims())
    if found is None:
        raise TokenInvalid
    return found


def _signer() -> Actor:
    here = site()
    assert here.signer is not None
    return here.signer(
        here.core,
        Message(request.method, _target(), dict(request.headers), request.get_data(cache=True)),
    )


def _target() -> str:
    """The address as the client spelled it; behind a proxy only a setting knows its beginning."""
    origin = site().core.settings.pos.origin or request.host_url
    query = request.query_string.decode("latin-1")
    path = quote(request.path, safe="/!$&'()*+,;=:@~")
    return origin.rstrip("/") + path + (f"?{query}" if query else "")


def claims() -> Claims:
    """What the token of this request says. Raises Unauthenticated leaves."""
    token = session_token()
    if token is None:
        raise TokenMissing
    here = site()
    return claims_of(here.core, here.face, token)


def actor_or_none() -> Actor | None:
    """Who calls, or None: for public pages that greet those who are signed in."""
    try:
        return actor()
    except Unauthenticated:
        return None


def enforce(guard: Guard) -> None:
    """Let the caller pass or raise Unauthenticated leaves or NotAllowed."""
    if guard.signed_in and not guard.loaded and not is_signed():
        g.actor = Actor(site().face.actor_kind, claims().subject, evidence=evidence())
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


def end_session(response: Response, *, everywhere: bool = False) -> Response:
    """Sign a page's reader out: the token counts no longer where the face keeps sessions.

    `everywhere`: none of the account's tokens does.
    """
    here = site()
    with suppress(Unauthenticated, Unavailable):  # who isn't signed in leaves all the same
        told = claims()
        if here.face.keeps_sessions:
            with here.core.transaction() as session:
                now = here.core.now(session)
                if everywhere:
                    sessions.end_all(session, subject=told.subject, now=now)
                else:
                    sessions.end(session, id=told.session, subject=told.subject, now=now)
    response.delete_cookie(
        here.face.cookie,
        httponly=True,
        samesite="Lax",
        secure=here.core.settings.production,
    )
    return response
