"""How much of a track its publisher keeps."""

from __future__ import annotations

from typing import Any, NamedTuple


class Retention(NamedTuple):
    """What :meth:`Session.create_track` keeps of a track for FETCH and late joins, when all subscribers have it.

    Whole groups go, the oldest first; only a group that alone exceeds `bytes` loses its first objects.
    """

    bytes: int = 16 * 1024 * 1024
    """Of objects, about 200 bytes of bookkeeping for each included."""
    groups: int = 2
    """How many groups, the newest one included. 0: nothing that everybody has been given."""
    seconds: float = 60.0
    """Since the newest object of the group was written."""

    def _native(self) -> dict[str, Any]:
        if self.bytes < 0 or self.groups < 0 or not self.seconds >= 0:
            raise ValueError("a retention's bytes, groups and seconds must not be negative")
        return {
            "retained_bytes": self.bytes,
            "retained_groups": self.groups,
            "retained_ms": int(min(self.seconds, 1e9) * 1000),
        }
