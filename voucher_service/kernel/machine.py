"""Lifecycles as tables: which event leads from which state to which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from .errors import Conflict

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class IllegalTransition(Conflict):
    """The thing is in a state in which this can't be done."""

    code = "illegal_transition"


@dataclass(frozen=True)
class Machine(Generic[S, E]):
    """A lifecycle: the initial state and a table `{state: {event: next state}}`.

    Every state has a row; a final state's row is empty. Event values are the audit names.
    """

    name: str
    initial: S
    table: Mapping[S, Mapping[E, S]]

    def next(self, state: S, event: E) -> S:
        """The state after the event. Raises IllegalTransition when the table has no such edge."""
        try:
            return self.table[state][event]
        except KeyError:
            raise IllegalTransition(state=str(state), event=str(event)) from None

    def allows(self, state: S, event: E) -> bool:
        """Whether the event may happen in that state."""
        return event in self.table[state]
