"""The cells of a rule: every caller on every thing, and what each must be told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import ndiff
from typing import Any
from uuid import uuid4

from werkzeug.test import TestResponse

from voucher_service.kernel.actor import Actor, ActorKind, Role
from voucher_service.web.face import Face

from .city import City
from .table import EVERYBODY, RESIDENT, STAFF, TILL, Rule, Thing

CHANGING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32,64}"
    r"|(?:[0-9a-f-]{4} ){7,8}[0-9a-f-]{4}"  # an order's reference as pages print it
    r"|阳财预〔\d{4}〕[0-9a-f]{6} 号"  # a document
)
OWN_HEADERS = {"X-Request-Id", "Content-Length", "Set-Cookie", "Date"}
ROLES = {Face.ADMIN: STAFF, Face.MERCHANT: TILL}


@dataclass(frozen=True)
class Told:
    """An answer without what differs each time: ids, keys and the request's own headers."""

    status: int
    code: str | None
    body: str
    headers: tuple[tuple[str, str], ...]


def told(answer: TestResponse, thing: Thing) -> Told:
    """The answer as it is compared with another one."""
    problem = answer.is_json and answer.data and answer.json
    code = problem.get("code") if isinstance(problem, dict) else None
    text = answer.get_data().decode("utf-8", "replace")
    for name in thing.facts.values():
        text = text.replace(name, "ID") if isinstance(name, str) else text
    names = [(name, CHANGING.sub("ID", value)) for name, value in answer.headers]
    kept = tuple(sorted(pair for pair in names if pair[0] not in OWN_HEADERS))
    return Told(answer.status_code, code, CHANGING.sub("ID", text), kept)


@dataclass(frozen=True)
class Cell:
    """One call that was made: who on what, what it should be told, and what it was told."""

    who: str
    what: str
    expected: str
    told: Told

    @property
    def right(self) -> bool:
        """Whether the answer is one of those that were expected."""
        return self.told.status < 500 and _word(self.told) in self.expected.split(" or ")

    def __str__(self) -> str:
        said = f"{_word(self.told)} {self.told.code or ''}".strip()
        return f"{self.who} × {self.what}: {said}, expected {self.expected}"


def _word(answer: Told) -> str:
    """A status; with the sign-in page for who is led there."""
    place = dict(answer.headers).get("Location", "")
    away = answer.status == 303 and place.partition("?")[0] == "/sign-in"
    return "sign-in" if away else str(answer.status)


def cells(city: City, rule: Rule) -> Iterator[Cell]:
    """Every cell of a rule, called."""
    if rule.who is EVERYBODY:
        yield from _open(city, rule)
    else:
        yield from _without_a_way_in(city, rule)
        yield from _by_role(city, rule)
    if "<uuid:" in rule.path:
        yield from _malformed(city, rule)


def callers(city: City, rule: Rule) -> tuple[dict[str, Actor], dict[str, Actor]]:
    """Who may call the rule from the own side, and who may not, by name."""
    if rule.face is Face.RESIDENT:
        return {"resident": city.own.resident}, {}
    everyone = {str(role): city.own.caller(rule.face, role) for role in sorted(ROLES[rule.face])}
    if rule.whole:
        return {f"{role} of the city": city.whole[role] for role in rule.who or ()}, everyone
    may = {name: who for name, who in everyone.items() if who.roles & (rule.who or set())}
    return may, {name: who for name, who in everyone.items() if name not in may}


def _open(city: City, rule: Rule) -> Iterator[Cell]:
    who = city.own.resident
    own = city.thing(rule, city.own, who)
    yield _call(city, rule, "nobody", "own", None, own, rule.answers)
    if rule.of and rule.of.named:
        absent = _call(city, rule, "nobody", "absent", None, own.absent(), rule.hides)
        yield absent
        if rule.of.owned:
            hidden = city.thing(rule, city.neighbour, city.neighbour.resident)
            yield _as(absent, _call(city, rule, "nobody", "hidden", None, hidden, rule.hides))
    own = city.thing(rule, city.own, who, fresh=rule.once)
    wrong = told(city.ask(rule, own, who, bearer="no.such.token"), own)
    yield Cell("a token that is none", "own", str(rule.answers), wrong)


def _without_a_way_in(city: City, rule: Rule) -> Iterator[Cell]:
    """Whoever has no token, or one that is not for this door, however it is shown."""
    who = next(iter(callers(city, rule)[0].values()))
    own = city.thing(rule, city.own, who)
    others = [face for face in Face if face is not rule.face]
    foreign = {face: city.token(face, city.own.caller(face, _any(face))) for face in others}
    good = city.token(rule.face, own.caller or who)
    gone = city.token(rule.face, Actor(ActorKind.STAFF, uuid4()))
    here, there = ("bearer", "cookie") if rule.is_api else ("cookie", "bearer")
    shown: dict[str, dict[str, Any]] = {
        "nobody": {},
        "a token out of time": {here: city.expired(rule.face, who)},
        "a token that is none": {here: "no.such.token"},
        "an account that is gone": {here: gone},
        "the token in the other place": {there: good, "form_of": good},
        "cookies of the other faces": {
            "cookies": {face.cookie: token for face, token in foreign.items()}
        },
        **{f"a token of the {face} face": {here: token} for face, token in foreign.items()},
    }
    away = "401" if rule.is_api else "sign-in"
    for name, way in shown.items():
        expected = rule.gone if rule.is_api and name == "an account that is gone" else away
        yield Cell(name, "own", str(expected), told(city.ask(rule, own, who, **way), own))
    if not rule.is_api and rule.method != "GET":
        other = city.token(rule.face, city.neighbour.caller(rule.face, _any(rule.face)))
        for name, form_of in (("another site", None), ("another reader", other)):
            forged = city.ask(rule, own, who, cookie=good, form_of=form_of)
            yield Cell(f"a form of {name}", "own", "403", told(forged, own))


def _by_role(city: City, rule: Rule) -> Iterator[Cell]:
    may, may_not = callers(city, rule)
    assert may, f"{rule}: nobody may"
    for name, who in may_not.items():
        own = city.thing(rule, city.own, who)
        yield _call(city, rule, name, "own", who, own, rule.refused)
    for name, who in may.items():
        own = city.thing(rule, city.own, who, fresh=rule.once)
        yield _call(city, rule, name, "own", who, own, rule.answers)
        yield from _foreign(city, rule, name, who, str(rule.hides))
    if may_not:
        name, who = next(iter(may_not.items()))
        yield from _foreign(city, rule, name, who, f"{rule.refused} or 404")
    if rule.face is Face.ADMIN and not rule.whole:
        role = min(rule.who or RESIDENT)
        who = city.whole[role]
        own = city.thing(rule, city.own, who, fresh=rule.once)
        yield _call(city, rule, f"{role} of the city", "own", who, own, rule.answers)


def _foreign(city: City, rule: Rule, name: str, who: Actor, hides: str) -> Iterator[Cell]:
    """A foreign thing must be told of word for word as one that does not exist."""
    if rule.of is None:
        return
    absent = None
    if rule.of.named:
        thing = city.thing(rule, city.own, who).absent()
        absent = _call(city, rule, name, "absent", who, thing, hides)
        yield absent
    sides = city.foreign(rule) if rule.of.owned else []
    if rule.face is Face.ADMIN and who is not next(iter(callers(city, rule)[0].values())):
        sides = sides[:1]  # what lies above a county is hidden from one role as from another
    for side in sides:
        foreign = city.thing(rule, side, side.caller(rule.face, _any(rule.face)))
        expected = rule.abroad if rule.abroad and hides == str(rule.hides) else "403"
        answer = _call(city, rule, name, f"foreign ({side.name})", who, foreign, expected)
        yield answer if absent is None or rule.abroad else _as(absent, answer)


def _malformed(city: City, rule: Rule) -> Iterator[Cell]:
    who = None if rule.who is EVERYBODY else next(iter(callers(city, rule)[0].values()))
    thing = city.thing(rule, city.own, who or city.own.resident)
    token = city.token(rule.face, who) if who else None
    sender = who or city.own.resident
    shown = city.ask(rule, thing, sender, bearer=token, cookie=token, form_of=token, malformed=True)
    yield Cell("who may", "malformed", "404", told(shown, thing))


def _call(
    city: City,
    rule: Rule,
    name: str,
    what: str,
    who: Actor | None,
    thing: Thing,
    expected: int | str,
) -> Cell:
    return Cell(name, what, str(expected), told(city.call(rule, thing, who), thing))


def _as(absent: Cell, answer: Cell) -> Cell:
    """The cell of a foreign thing, which must be answered as the absent one was."""
    same = absent.told == answer.told
    expected = absent.expected if same else f"as absent: {_difference(absent.told, answer.told)}"
    return replace(answer, expected=expected)


def _difference(absent: Told, answer: Told) -> str:
    """What an answer says otherwise than the one about what is absent."""
    if absent.body != answer.body:
        lines = ndiff(absent.body.splitlines(), answer.body.splitlines())
        return "\n".join(line for line in lines if line[:1] in "+-?")
    return f"{absent.status} {absent.code} {absent.headers}, not {answer.headers}"


def _any(face: Face) -> Role | None:
    return None if face is Face.RESIDENT else min(ROLES[face])
