"""Which refusals are worth asking again after."""

from __future__ import annotations

from moqt.asyncio.exceptions import RequestRefused
from msquic._native.moqt import RequestErrorCode

_PASSING = {
    int(RequestErrorCode.INTERNAL_ERROR),
    int(RequestErrorCode.TIMEOUT),
    int(RequestErrorCode.DOES_NOT_EXIST),
}
"""Those that may be over soon: the publisher has lost the relay as well, and is still on its way back."""


def may_pass(refused: RequestRefused) -> bool:
    """Whether it is worth asking again: the peer says when, or the code tells that it may be over soon."""
    return refused.retry_after is not None or refused.code in _PASSING


def waits_for(refused: RequestRefused, seconds: float) -> float:
    """How long to wait before asking again: not less than what the peer says."""
    return max(seconds, refused.retry_after or 0.0)
