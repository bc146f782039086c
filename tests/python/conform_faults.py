"""How the scripted relay of the tests misbehaves, case by case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Answer = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Fault:
    """One way to be wrong. Without anything it is none."""

    tolerates: bool = False
    """Violations close no session."""
    code: int | None = None
    """Violations close the session with that code."""
    refuses: Callable[[str, Any], bool] | None = None
    """What is allowed, but closes the session: an event and what came."""
    sends: Callable[[str, dict[str, Any]], Answer | None] | None = None
    """Another message in place of the one that would be sent, or none."""
    object: Callable[[Any], Any | None] | None = None
    """Another object in place of the one that would be forwarded, or none."""
    switches: frozenset[str] = field(default_factory=frozenset)
    """Rules that are not kept, by their names in the relay."""


NONE = Fault()
TOLERATES = Fault(tolerates=True)


def switch(*names: str) -> Fault:
    return Fault(switches=frozenset(names))


def drops(*names: str) -> Fault:
    """Messages that are never sent."""
    return Fault(sends=lambda name, fields: None if name in names else (name, fields))


def instead(name: str, **other: Any) -> Fault:
    """Other fields in a message."""
    return Fault(sends=lambda each, fields: (each, fields | other) if each == name else (each, fields))


def answers(name: str, other: str, **fields: Any) -> Fault:
    """Another message in the place of one."""
    return Fault(
        sends=lambda each, found: (
            (other, {"request_id": found.get("request_id", 0), **fields}) if each == name else (each, found)
        )
    )


def refuses(event: str, condition: Callable[[Any], bool] = lambda _: True) -> Fault:
    """Closes the session for what is allowed."""
    return Fault(refuses=lambda each, value: each == event and condition(value))


def changes(**attributes: Any) -> Fault:
    """Objects that arrive otherwise."""

    def change(each: Any) -> Any:
        for name, value in attributes.items():
            setattr(each, name, value(getattr(each, name)) if callable(value) else value)
        return each

    return Fault(object=change)


def loses(condition: Callable[[Any], bool] = lambda _: True) -> Fault:
    """Objects that never arrive."""
    return Fault(object=lambda each: None if condition(each) else each)
