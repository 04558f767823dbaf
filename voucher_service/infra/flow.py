"""Decisions as flows: they yield each touch of a server instead of making it.

The same flow runs on real servers here and on simulated ones, where a fault is possible before and
after each step. What decides stands in the flow; what touches stands in the step's function.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")
C = TypeVar("C")  # what steps are given first: the core, or the session inside a transaction
D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Step(Generic[C]):
    """One touch: a command or a step of a service, and what it is called with."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def perform(self, given: C) -> Any:
        """Make the touch. Raises what the function raises."""
        return self.function(given, *self.args, **self.kwargs)


@dataclass(frozen=True, slots=True)
class Within(Generic[C]):
    """A flow inside a bracket: entered before its first step, left after its last.

    For a transaction, leaving is the commit, or the rollback when the flow raised.
    """

    bracket: Callable[..., AbstractContextManager[Any]]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    flow: Generator[Any, Any, Any]

    def perform(self, given: C) -> Any:
        """Run the inner flow. Raises what the bracket or the flow raises."""
        with self.bracket(given, *self.args, **self.kwargs) as inner:
            return run(inner, self.flow)


Effect = Step[C] | Within[C]
Flow = Generator[Effect[C], Any, T]


def step(function: Callable[Concatenate[C, P], T], *args: P.args, **kwargs: P.kwargs) -> Flow[C, T]:
    """Have `function(given, …)` called by whoever runs the flow; use with `yield from`."""
    value: T = yield Step(function, args, kwargs)
    return value


def within(
    bracket: Callable[Concatenate[C, P], AbstractContextManager[D]],
    flow: Flow[D, T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Flow[C, T]:
    """Have a flow run inside `with bracket(given, …)`; use with `yield from`."""
    value: T = yield Within(bracket, args, kwargs, flow)
    return value


def run(given: C, flow: Flow[C, T]) -> T:
    """Make every touch of a flow for real; what a touch raises is raised in the flow."""
    try:
        effect = next(flow)
        while True:
            try:
                value = effect.perform(given)
            except Exception as error:  # noqa: BLE001 - the flow decides what it means
                effect = flow.throw(error)
            else:
                effect = flow.send(value)
    except StopIteration as end:
        result: T = end.value
        return result
