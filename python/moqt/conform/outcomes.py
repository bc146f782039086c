"""How a case ends when it does not end well."""

from __future__ import annotations


class NotOk(Exception):
    """The peer did what the draft does not allow, or not what it demands."""


class Skip(Exception):
    """The case says nothing about this peer: it lacks an optional feature, or is no such peer."""
