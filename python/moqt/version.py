"""How drafts before 15 wrote the version of the protocol."""

from __future__ import annotations

from typing import Final

__all__ = ["ALPN", "CURRENT_VERSION", "SUPPORTED_VERSIONS"]

CURRENT_VERSION: Final = 0xFF00000F
"""Draft-15 as drafts before it wrote version numbers. Draft-15 itself negotiates by ALPN alone."""

SUPPORTED_VERSIONS: Final = (CURRENT_VERSION,)
"""Every version that this package speaks, most preferred first."""

ALPN: Final = "moqt-15"
"""What an endpoint offers for draft-15 over raw QUIC (section 3.1)."""
