"""Who may do what with people: the own account, colleagues, residents, the audit trail."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from voucher_service.identity.documents import check_character
from voucher_service.kernel.actor import Actor, Role

from .people import (
    closing,
    colleague,
    colleagues_session,
    enrolled_otp,
    leaver,
    newcomer,
    own_password,
    passkey,
    pending_otp,
    resident,
    session_of_mine,
)
from .purses import printable
from .table import (
    ADMINISTRATOR,
    AUDITOR,
    STAFF,
    Thing,
    always,
    called,
    delete,
    get,
    post,
    prepared,
    typed,
)

REVIEWER = frozenset({Role.REVIEWER})
MANAGERS, READERS = ADMINISTRATOR | AUDITOR, AUDITOR | REVIEWER
NUMBER = {"id_number": "44170219900101123" + check_character("44170219900101123")}


def shown(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A code, as a call says it."""
    return {"otp": thing.facts["code"]}


def typed_code(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """A code, as a form says it."""
    return {"code": thing.facts["code"]}


def new_account(_thing: Thing, caller: Actor) -> dict[str, Any]:
    """An account in the caller's area."""
    named = {"username": f"m-{uuid4().hex[:10]}", "display_name": "陈工"}
    return named | {"password": "a long first password", "roles": ["planner"], "area": caller.area}


def other_role(_thing: Thing, caller: Actor) -> dict[str, Any]:
    """Another role in the caller's area."""
    return {"roles": ["reviewer"], "area": caller.area}


def by_mobile(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """Look a resident up."""
    return {"mobile": thing.facts["mobile"]}


def typed_mobile(thing: Thing, _caller: Actor) -> dict[str, Any]:
    """The same as it is typed."""
    return {"by": "mobile", "value": thing.facts["mobile"]}


REVEAL = {"fields": ["name"], "reason": "complaint", "note": "电话投诉"}
PASSWORD = {"password": "a long first password"}
REASON = {"reason": "弄错了"}
PASSKEY = "/account/passkeys/<uuid:passkey>"
API, STAFF_API = "/api/v1", "/api/v1/staff/<uuid:staff>"
ONE, RESIDENT_API = "/staff/<uuid:staff>", "/api/v1/residents/<uuid:resident>"

ACCOUNT = (
    get(f"{API}/sessions", STAFF, of=newcomer),
    delete(f"{API}/sessions", STAFF, of=newcomer),
    delete(f"{API}/sessions/<uuid:session>", STAFF, of=session_of_mine, once=True),
    get(f"{API}/me/factors", STAFF),
    post(
        f"{API}/me/factors/show",
        STAFF,
        of=enrolled_otp,
        sends=called(shown),
        answers=204,
        once=True,
    ),
    post(f"{API}/me/otp", STAFF, of=newcomer),
    post(f"{API}/me/otp/confirm", STAFF, of=pending_otp, sends=called(shown), once=True),
    delete(f"{API}/me/otp", STAFF, of=enrolled_otp, once=True),
    post(f"{API}/me/recovery-codes", STAFF, of=enrolled_otp),
    post(
        f"{API}/me/password",
        STAFF,
        of=own_password,
        sends=called(prepared),
        answers=204,
        once=True,
    ),
    get("/account", STAFF),
    post("/account/password", STAFF, of=own_password, sends=typed(prepared), once=True),
    post("/account/otp", STAFF, of=newcomer),
    get("/account/otp", STAFF, of=pending_otp),
    post(
        "/account/otp/confirm",
        STAFF,
        of=pending_otp,
        sends=typed(typed_code),
        answers=200,
        once=True,
    ),
    post("/account/otp/remove", STAFF, of=enrolled_otp, once=True),
    post("/account/recovery-codes", STAFF, of=enrolled_otp, answers=200),
    get("/account/passkeys/new", STAFF, of=newcomer),
    # Only a browser answers its question: tests/faces/test_staff_browser.py.
    post(
        "/account/passkeys",
        STAFF,
        of=newcomer,
        sends=always(data={"name": "电脑", "passkey": "{}"}),
        answers=422,
    ),
    post(f"{PASSKEY}/name", STAFF, of=passkey, sends=always(data={"name": "手机"}), once=True),
    post(f"{PASSKEY}/remove", STAFF, of=passkey, once=True),
    delete(f"{API}/me/passkeys/<uuid:passkey>", STAFF, of=passkey, once=True),
    post("/account/sessions/end", STAFF, of=newcomer),
    post("/account/sessions/<uuid:session>/end", STAFF, of=session_of_mine, once=True),
    get("/account/confirm", STAFF),
    get("/account/confirm/passkey", STAFF),
    post("/account/confirm", STAFF, of=enrolled_otp, sends=typed(typed_code), once=True),
    get("/sign-in/passkey"),
)

COLLEAGUES = (
    get(f"{API}/staff", MANAGERS, lists=colleague),
    get(STAFF_API, MANAGERS, of=colleague),
    get(f"{STAFF_API}/sessions", MANAGERS, of=colleague),
    post(f"{API}/staff", ADMINISTRATOR, sends=called(new_account), answers=202),
    post(
        f"{STAFF_API}/roles",
        ADMINISTRATOR,
        of=colleague,
        sends=called(other_role),
        answers=202,
        once=True,
    ),
    post(
        f"{STAFF_API}/reset",
        ADMINISTRATOR,
        of=colleague,
        sends=always(json=PASSWORD),
        answers=202,
        once=True,
    ),
    post(f"{STAFF_API}/close", ADMINISTRATOR, of=colleague, answers=202, once=True),
    delete(f"{STAFF_API}/sessions", ADMINISTRATOR, of=colleague),
    delete(f"{STAFF_API}/sessions/<uuid:session>", ADMINISTRATOR, of=colleagues_session, once=True),
    get("/staff", MANAGERS, lists=colleague),
    get(ONE, MANAGERS, of=colleague),
    get("/staff/new", ADMINISTRATOR),
    post("/staff/new", ADMINISTRATOR, sends=typed(new_account)),
    post(f"{ONE}/roles", ADMINISTRATOR, of=colleague, sends=typed(other_role), once=True),
    post(f"{ONE}/reset", ADMINISTRATOR, of=colleague, sends=always(data=PASSWORD), once=True),
    post(f"{ONE}/close", ADMINISTRATOR, of=colleague, once=True),
    post(
        f"{ONE}/withdraw/<uuid:approval>",
        ADMINISTRATOR,
        of=closing,
        sends=always(data=REASON),
        once=True,
    ),
    post(f"{ONE}/sessions/end", ADMINISTRATOR, of=colleague),
)

RESIDENTS = (
    post(f"{API}/residents/lookups", READERS, of=resident, sends=called(by_mobile), hides=200),
    post(f"{RESIDENT_API}/reveals", READERS, of=resident, sends=always(json=REVEAL)),
    get("/residents", READERS),
    post("/residents", READERS, of=resident, sends=typed(typed_mobile), answers=200, hides=200),
    post(
        "/residents/<uuid:resident>",
        READERS,
        of=resident,
        sends=always(data=REVEAL),
        answers=200,
    ),
    post(
        "/residents/<uuid:resident>/papers",
        REVIEWER,
        of=resident,
        sends=always(data={"note": "窗口 3 号"}),
        answers=200,
    ),
    post(
        f"{RESIDENT_API}/forget",
        REVIEWER,
        of=leaver,
        sends=always(json={"note": "窗口 3 号"}),
        answers=202,
        once=True,
    ),
    post(
        "/residents/<uuid:resident>/forget",
        REVIEWER,
        of=leaver,
        sends=always(data={"note": "窗口 3 号"}),
        answers=200,
        once=True,
    ),
    post("/residents/<uuid:resident>/papers/<uuid:voucher>", REVIEWER, of=printable, answers=200),
)

AUDIT = (
    get(f"{API}/audit/events", AUDITOR, whole=True),
    get(f"{API}/audit/events.csv", AUDITOR, whole=True),
    post(f"{API}/audit/readers", AUDITOR, sends=always(json=NUMBER), whole=True),
    get("/audit", AUDITOR, whole=True),
    get("/audit/events.csv", AUDITOR, whole=True),
    post("/audit/readers", AUDITOR, sends=always(data=NUMBER), answers=200, whole=True),
)

RULES = (*ACCOUNT, *COLLEAGUES, *RESIDENTS, *AUDIT)
