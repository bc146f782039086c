"""Which drafts of MOQT an endpoint speaks, and what that asks of its transport."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msquic
from msquic._native.moqt import alpns, transport_defaults

_PREFIX = "moqt-"


def alpns_for(drafts: Iterable[int] | None) -> list[str]:
    """The ALPNs to offer or to take, the most preferred first; None: those of all drafts. Raises InvalidArgument."""
    known = alpns()
    if drafts is None:
        return known
    chosen = [f"{_PREFIX}{draft}" for draft in drafts]
    for name in chosen:
        if name not in known:
            spoken = ", ".join(each.removeprefix(_PREFIX) for each in known)
            raise msquic.InvalidArgument(f"drafts: {name.removeprefix(_PREFIX)} is not spoken here, {spoken} are")
    if not chosen or len(set(chosen)) != len(chosen):
        raise msquic.InvalidArgument("drafts must name at least one draft, and each once")
    return chosen


def defaults_for(max_request_id: int) -> dict[str, Any]:
    """The transport settings that suit MOQT: where a request has a stream, as many as may be open at once."""
    requests = min(max((max_request_id + 1) // 2, 4), 0xFFFF)
    return transport_defaults() | {"peer_bidi_stream_count": requests}
