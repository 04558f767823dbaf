"""The one table from a kind of refusal to an HTTP status, and how refusals are shown.

An API gets RFC 9457 problem details; a page gets the same sentence as a page.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast
from urllib.parse import urlencode

import redis
from flask import Flask, Response, current_app, g, jsonify, redirect, render_template, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from voucher_service.i18n import gettext, mark, sentence
from voucher_service.i18n.errors import fault, say
from voucher_service.kernel.errors import (
    Conflict,
    DomainError,
    Forbidden,
    InvalidInput,
    Malformed,
    NotFound,
    TooMany,
    TryAgain,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)

from .auth import is_api
from .language import locale
from .log import report
from .site import site

STATUS: dict[type[DomainError], int] = {
    Malformed: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Unprocessable: 422,
    TooMany: 429,
    Unavailable: 503,
}
GONE = 410
# Refusals of whoever came without a token, or with a signature instead.
_NO_TOKEN = frozenset(
    {
        "token_missing",
        "signature_missing",
        "signature_invalid",
        "signature_expired",
        "signature_replayed",
        "digest_mismatch",
        "key_unknown",
    }
)
PRECONDITION_REQUIRED = 428

TITLES = {
    400: mark("请求读不懂"),
    401: mark("请先登录"),
    403: mark("不能做这件事"),
    404: mark("没有找到"),
    405: mark("不接受这种请求"),
    409: mark("现在不行"),
    410: mark("已经过期"),
    411: mark("没有写明长度"),
    413: mark("内容太大"),
    415: mark("类型不对"),
    422: mark("内容要改一下"),
    428: mark("还差一步"),
    429: mark("太频繁了"),
    500: mark("我们这边出了错"),
    503: mark("暂时不可用"),
}
HTTP_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "body_too_large",
    414: "uri_too_long",
    415: "unsupported_media_type",
    422: "invalid_input",
}
_MACHINE_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})


def status_of(error: DomainError) -> int:
    """The HTTP status of a refusal."""
    if isinstance(error, Conflict) and error.gone:
        return GONE
    if isinstance(error, Conflict) and error.unmet:
        return PRECONDITION_REQUIRED
    return next(status for kind, status in STATUS.items() if isinstance(error, kind))


def install(app: Flask) -> None:
    """Answer every refusal and every failure of this app in our own words."""
    app.register_error_handler(DomainError, _refusal)
    app.register_error_handler(HTTPException, _http)
    for lost in (redis.ConnectionError, redis.TimeoutError, OperationalError, PoolTimeout):
        app.register_error_handler(lost, _away)
    app.register_error_handler(Exception, _unexpected)


def problem_of(status: int, code: str, detail: str, language: str) -> dict[str, Any]:
    """The standard members of problem details, with our code."""
    return {
        "type": f"urn:voucher:error:{code}",
        "title": gettext(TITLES.get(status, TITLES[409]), language),
        "status": status,
        "code": code,
        "detail": detail,
    }


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    extra: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Problem details for an API, a page for a reader. `extra` overrides no standard member."""
    g.code = code
    title = gettext(TITLES.get(status, TITLES[409]), locale())
    if is_api() or request.path in _MACHINE_PATHS:
        response = jsonify((extra or {}) | problem_of(status, code, detail, locale()))
        response.mimetype = "application/problem+json"
    else:
        page = render_template(
            "kit/problem.html", title=title, code=code, detail=detail, extra=extra
        )
        response = Response(page, mimetype="text/html")
    response.status_code = status
    response.headers.update(headers or {})
    return response


def _refusal(error: DomainError) -> Response:
    if isinstance(error, Unauthenticated) and not is_api() and error.code.startswith("token_"):
        return _to_sign_in()
    headers: dict[str, str] = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = _challenge(error.code)
    seconds = error.retry_after_seconds
    if seconds is None and isinstance(error, TooMany | Unavailable):
        seconds = 1
    if seconds is not None:
        headers["Retry-After"] = str(seconds)
        error.params.setdefault("seconds", seconds)
    extra = error.extra
    if "errors" in extra:
        extra = extra | {"errors": _translated(extra["errors"])}
    if "lines" in extra:
        extra = extra | {"lines": [_filled(one) for one in extra["lines"]]}
    return problem(
        status_of(error), error.code, sentence(error, locale()), extra=extra, headers=headers
    )


def _filled(line: dict[str, Any]) -> dict[str, Any]:
    """A line of an uploaded file as the reader is told of it; its facts stay beside the text."""
    return line | {"text": fault(line, locale())} if "text" in line else line


def _http(error: HTTPException) -> Response | HTTPException:
    if isinstance(error, RequestRedirect) or error.code is None or error.code < 400:
        return error
    if error.code >= 500:
        return _unexpected(error)
    if error.code == 405 and request.method == "GET" and not is_api():
        return cast(Response, redirect(_above(), 303))
    code = HTTP_CODES.get(error.code, error.name.lower().replace(" ", "_"))
    kept = error.get_response().headers  # the Allow of a 405 among them
    headers = {name: kept[name] for name in ("Allow", "Retry-After") if name in kept}
    detail = say(code, locale()) or gettext(TITLES.get(error.code, TITLES[400]), locale())
    return problem(error.code, code, detail, headers=headers)


def _above() -> str:
    """The page of this address, or the nearest one above it. A refused form is shown at the address
    that took it: who reloads it there, chooses another language or has to sign in first means the
    page that the form stood on.
    """
    known, path = current_app.create_url_adapter(request), request.path
    while known is not None and path:
        with suppress(HTTPException):
            known.match(path, method="GET")
            return path
        path = path.rpartition("/")[0]
    return "/"


def _away(error: Exception) -> Response:
    report("server_away", error)
    return _refusal(TryAgain(retry_after_seconds=1))


def _unexpected(error: Exception) -> Response:
    report("unexpected", error)
    return problem(500, "internal_error", say("internal_error", locale()))


def _to_sign_in() -> Response:
    if "HX-Request" in request.headers:
        # A part of a page: the page itself is loaded again, and leads to the door.
        return Response(status=STATUS[Unauthenticated], headers={"HX-Refresh": "true"})
    asked = {"next": request.full_path.rstrip("?")}
    if request.method != "GET":
        asked = {"next": _above(), "again": "yes"}
    response = redirect(f"{site().sign_in_path}?{urlencode(asked)}", 303)
    return cast(Response, response)


def _challenge(code: str) -> str:
    told = "" if code in _NO_TOKEN else ', error="invalid_token"'
    return f'Bearer realm="voucher"{told}'


def _translated(errors: Any) -> Any:
    if isinstance(errors, dict):
        return {name: _translated(inner) for name, inner in errors.items()}
    if isinstance(errors, list):
        return [_translated(inner) for inner in errors]
    return gettext(str(errors), locale())


__all__ = ["STATUS", "InvalidInput", "install", "problem", "status_of"]
