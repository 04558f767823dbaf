"""Each face's API keeps what its OpenAPI document promises, whoever calls it with whatever.

Every role makes the call that is meant. In the slice the first that may sends the others too;
`make fuzz` sends many more, as every role.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.matrix.city import ARGUMENT, City, names_in
from tests.matrix.rules import RULES
from tests.matrix.table import EVERYBODY, Rule
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor, Role
from voucher_service.web.face import Face

EXAMPLES = int(os.environ.get("VOUCHER_FUZZ_EXAMPLES", "4"))
SLICE = "VOUCHER_FUZZ_EXAMPLES" not in os.environ
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
]
Operation = APIOperation[Any, Any, Any, Any]
CALLERS = [
    (Face.RESIDENT, None),
    *((Face.MERCHANT, role) for role in (Role.CASHIER, Role.MANAGER)),
    *((Face.ADMIN, role) for role in sorted(set(Role) - {Role.CASHIER, Role.MANAGER})),
]
NAMES = [f"{face}-{role or 'resident'}" for face, role in CALLERS]


@pytest.fixture(scope="module")
def city(core: Core) -> City:
    return City(core)


@pytest.fixture(scope="module")
def operations(city: City) -> Callable[[Face], list[Operation]]:
    """Every operation of a face's document, with the face to call; read once."""

    @cache
    def of(face: Face) -> list[Operation]:
        config, app = SchemathesisConfig(), city.faces[face]
        schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app, config=config)
        return [found.ok() for found in schema.get_all_operations()]

    return of


def rules_of(face: Face, operation: Operation) -> list[Rule]:
    """The rules of the matrix for an operation."""
    return [
        rule
        for rule in RULES
        if (rule.face, rule.method) == (face, operation.method.upper())
        and ARGUMENT.sub(r"{\1}", rule.path) == operation.path
    ]


def may(role: Role | None, rule: Rule) -> bool:
    """Whether the role may call the route; residents have none."""
    return rule.who is EVERYBODY or role is None or role in rule.who


def examples(face: Face, role: Role | None, rule: Rule | None) -> int:
    """How many calls beside the one that is meant.

    Who may not is refused before anything is read: the call that is meant says so.
    """
    if rule is None or not may(role, rule):
        return EXAMPLES // 5
    first = next(one for own, one in CALLERS if own is face and may(one, rule))
    return EXAMPLES if role is first or not SLICE else 0


@dataclass
class Meant:
    """A call as it is meant: what stands in its path, what is sent, and with whose token."""

    names: dict[str, str] = field(default_factory=dict)
    sent: dict[str, Any] = field(default_factory=dict)
    token: str = ""


def meant(city: City, rule: Rule, who: Actor, *, fresh: bool = False) -> Meant:
    """The call of a rule about a thing of the own side."""
    thing = city.thing(rule, city.own, who, fresh=fresh)
    sent = rule.sends(thing, who) if rule.sends else {}
    token = city.token(rule.face, thing.caller or who)
    return Meant(names_in(rule.path, thing), sent, token)


def body(sent: dict[str, Any]) -> dict[str, Any]:
    """The body of a call as it is meant: JSON, or a file with its media type."""
    if "content_type" in sent:
        return {"body": sent["data"], "media_type": sent["content_type"]}
    return {"body": sent["json"]} if "json" in sent else {}


def attempt(case: Case, token: str, expected: int | str | None = None) -> dict[str, str]:
    """Send a call; what its answer breaks of the document or of what was expected, and the call."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers["Idempotency-Key"] = uuid4().hex
    label = case.operation.label
    try:
        answer = case.call_and_validate(headers=headers, checks=CHECKS)
    except FailureGroup as group:
        failures = [one for one in group.exceptions if isinstance(one, Failure)]
        told = [f"{label}: {one.title}: {one.message}" for one in failures]
        return dict.fromkeys(told, case.as_curl_command())
    if expected is not None and answer.status_code != expected:
        told = [f"{label}: {answer.status_code}, expected {expected}: {answer.text}"]
        return dict.fromkeys(told, case.as_curl_command())
    return {}


def cases(
    operation: Operation, names: dict[str, str], body: dict[str, Any]
) -> st.SearchStrategy[Case]:
    """Fitting calls, some with parts of a body that is meant, and calls that do not fit."""

    def graft(case: Case, kept: set[str]) -> Case:
        if isinstance(case.body, dict):
            case.body = case.body | {name: body[name] for name in sorted(kept)}
        return case

    parts = st.sets(st.sampled_from(sorted(body))) if body else st.just(set[str]())
    about = operation.as_strategy(GenerationMode.POSITIVE, path_parameters=names)
    return st.one_of(
        st.builds(graft, about, parts),
        operation.as_strategy(GenerationMode.POSITIVE),
        operation.as_strategy(GenerationMode.NEGATIVE, path_parameters=names),
    )


def fuzzed(calls: st.SearchStrategy[Case], token: str, count: int) -> dict[str, str]:
    """What the answers to some calls break."""
    broken: dict[str, str] = {}

    @settings(
        max_examples=count,
        derandomize=SLICE,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=calls)
    def call(case: Case) -> None:
        broken.update(attempt(case, token))

    call()
    return broken


@pytest.mark.parametrize(("face", "role"), CALLERS, ids=NAMES)
def test_answers_are_those_of_the_document(
    face: Face, role: Role | None, city: City, operations: Callable[[Face], list[Operation]]
) -> None:
    of_county = city.own.caller(face, role)
    broken: dict[str, str] = {}
    for operation in operations(face):
        found, rule = Meant(token=city.token(face, of_county)), None
        for rule in rules_of(face, operation):
            who = city.whole[role] if rule.whole and role else of_county
            found = meant(city, rule, who, fresh=rule.once)
            case = operation.Case(
                path_parameters=found.names,
                query=found.sent.get("query_string"),
                **body(found.sent),
            )
            expected = rule.answers if may(role, rule) else rule.refused
            broken |= attempt(case, found.token, expected)
        if count := examples(face, role, rule):
            found = meant(city, rule, who) if rule else found
            calls = cases(operation, found.names, found.sent.get("json", {}))
            broken |= fuzzed(calls, found.token, count)
    assert not broken, "\n\n".join(f"{what}\n{call}" for what, call in broken.items())
