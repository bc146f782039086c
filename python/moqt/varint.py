"""Variable-length integers of QUIC (section 1.4, RFC 9000 section 16)."""

from __future__ import annotations

from msquic._native.moqt import decode_varint, encode_varint, varint_size

__all__ = ["decode_varint", "encode_varint", "varint_size"]
