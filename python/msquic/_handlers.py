"""What the native dispatcher needs to know about handlers, asked once when a handler is set."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any

from msquic.exceptions import InvalidHandler

logger = logging.getLogger("msquic")
# An exception in a handler also goes to sys.unraisablehook; without logging set up, once is enough.
logger.addHandler(logging.NullHandler())

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def argument_count(handler: Callable[..., Any], event: str, parameters: tuple[str, ...], optional: bool) -> int:
    """With how many of ``parameters`` the handler is to be called: all, or none where they are optional.

    An optional argument is passed to a handler that needs one, that takes ``*args``, or whose first parameter has
    the argument's name; ``lambda connection=connection: …`` keeps its default. A callable that does not reveal its
    signature gets none.
    """
    if not callable(handler):
        raise InvalidHandler(f"{event} must be a callable or None, not {type(handler).__name__}")
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):
        return 0 if optional else len(parameters)
    if optional and _takes_none(signature, parameters[0]):
        return 0
    try:
        signature.bind(*parameters)
    except TypeError:
        expected = f"({', '.join(parameters)})" + (" or ()" if optional else "")
        raise InvalidHandler(
            f"the handler for {event} is called with the arguments {expected}, but takes {signature}"
        ) from None
    return len(parameters)


def _takes_none(signature: inspect.Signature, argument: str) -> bool:
    try:
        signature.bind()
    except TypeError:
        return False
    for parameter in signature.parameters.values():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            return False
        if parameter.kind in _POSITIONAL:
            return parameter.name != argument
    return True


def log_handler_error(handler: object, error: BaseException) -> None:
    """Reports an exception that a handler raised."""
    logger.error("exception in the handler %r; its connection is closed", handler, exc_info=error)
