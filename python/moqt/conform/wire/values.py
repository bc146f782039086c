"""Values that messages and objects are made of, as the tool writes them in its cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias


class Location(NamedTuple):
    """Section 1.4.1 of draft-15."""

    group: int
    object: int


class Filter(NamedTuple):
    """SUBSCRIPTION_FILTER, LOCATION_FILTER: its type and the integers behind it, as the draft has them."""

    type: int
    fields: tuple[int, ...] = ()


Namespace: TypeAlias = tuple[bytes, ...]
ParameterValue: TypeAlias = int | bytes | Location | Filter | Namespace
Parameters: TypeAlias = Mapping[int, ParameterValue] | Sequence[tuple[int, ParameterValue]]


class WireError(Exception):
    """Bytes of the peer that the draft does not allow, with the session error that they deserve."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def pairs(parameters: Parameters) -> list[tuple[int, ParameterValue]]:
    """A mapping in ascending order, or the pairs as they are."""
    if isinstance(parameters, Mapping):
        return sorted(parameters.items(), key=lambda item: item[0])
    return list(parameters)
