"""What a draft is made of, as far as its bytes go: integers, pairs, names and frames."""

from __future__ import annotations

from dataclasses import dataclass

from moqt.conform.wire.integers import MAX_VARINT, MAX_VI64, decode_varint, decode_vi64, encode_varint, encode_vi64
from moqt.conform.wire.values import Filter, Location, Namespace, Parameters, ParameterValue, pairs

TOLERANCES = ("empty-namespace-prefix", "empty-namespace-field")
"""A namespace prefix of no fields at draft-15, and fields of no bytes from draft-16 on: what moq-rs sends."""

# The encoding of each message parameter from draft-17 on, where the type alone tells it.
_TYPED = {
    0x02: "integer", 0x03: "bytes", 0x04: "integer", 0x06: "integer", 0x08: "integer", 0x09: "location",
    0x0A: "integer", 0x10: "byte", 0x20: "byte", 0x21: "filter", 0x22: "byte", 0x23: "bytes", 0x25: "bytes",
    0x26: "bytes", 0x27: "bytes", 0x28: "bytes", 0x29: "bytes", 0x32: "integer", 0x34: "namespace", 0x35: "byte",
}  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """One draft of MOQT."""

    number: int
    vi64: bool
    """Integers of 64 bits (section 1.4.1 of draft-18), where earlier drafts have those of QUIC."""
    key_deltas: bool
    """Key-Value-Pairs carry the difference to the type before."""
    request_streams: bool
    """Each request has a bidirectional stream of its own, and each side a control stream."""
    tolerates: frozenset[str] = frozenset()
    """What a peer may send although the draft does not allow it; see :data:`TOLERANCES`."""

    @property
    def alpn(self) -> str:
        return f"moqt-{self.number}"

    @property
    def max_integer(self) -> int:
        return MAX_VI64 if self.vi64 else MAX_VARINT

    @property
    def namespace_stream(self) -> bool:
        """SUBSCRIBE_NAMESPACE opens a stream."""
        return self.number >= 16

    def integer(self, value: int, size: int | None = None) -> bytes:
        return encode_vi64(value, size) if self.vi64 else encode_varint(value, size)

    def decode_integer(self, data: bytes, offset: int) -> tuple[int, int]:
        return decode_vi64(data, offset) if self.vi64 else decode_varint(data, offset)

    def integers(self, *values: int | bytes) -> bytes:
        """Integers as such, bytes as they are."""
        return b"".join(value if isinstance(value, bytes) else self.integer(value) for value in values)

    def prefixed(self, data: bytes) -> bytes:
        return self.integer(len(data)) + data

    def namespace(self, fields: Namespace) -> bytes:
        return self.integer(len(fields)) + b"".join(map(self.prefixed, fields))

    def name(self, namespace: Namespace, name: bytes) -> bytes:
        """Track Namespace, Track Name Length, Track Name."""
        return self.namespace(namespace) + self.prefixed(name)

    def key_values(self, parameters: Parameters) -> bytes:
        """Key-Value-Pairs, one after the other."""
        encoded, previous = b"", 0
        for key, value in pairs(parameters):
            encoded += self.integer(key - previous if self.key_deltas else key)
            previous = key
            if isinstance(value, int):
                encoded += self.integer(value)
            elif isinstance(value, Location):
                encoded += self.prefixed(self.integers(*value))
            elif isinstance(value, Filter):
                encoded += self.prefixed(self.filter(value))
            elif isinstance(value, bytes):
                encoded += self.prefixed(value)
            else:
                encoded += self.prefixed(self.namespace(value))
        return encoded

    def overflowing_keys(self, first: int) -> tuple[int, bytes]:
        """Key-Value-Pairs whose last type is beyond 2^64 - 1, and how many; each value is 0, or of no bytes."""
        steps = MAX_VI64 // self.max_integer + 1
        return 1 + steps, self.integers(first, 0, *(self.max_integer, 0) * steps)

    def filter(self, value: Filter) -> bytes:
        return self.integers(value.type, *value.fields)

    def parameters(self, parameters: Parameters) -> bytes:
        """Number of Parameters, and they themselves."""
        listed = pairs(parameters)
        count = self.integer(len(listed))
        if not self.request_streams:
            return count + self.key_values(listed)
        encoded, previous = b"", 0
        for key, value in listed:
            encoded += self.integer(key - previous) + self._typed(key, value)
            previous = key
        return count + encoded

    def typed(self, key: int) -> str | None:
        """How a parameter of that type is encoded from draft-17 on; None: unknown."""
        if key > 0x22 and key not in (0x32, 0x34) and self.number < 22:
            return None
        return _TYPED.get(key)

    def _typed(self, key: int, value: ParameterValue) -> bytes:
        if isinstance(value, Location):
            return self.integers(*value)
        if isinstance(value, Filter):
            return self.filter(value) if self.number >= 22 else self.prefixed(self.filter(value))
        if isinstance(value, bytes):
            return self.prefixed(value)
        if isinstance(value, int):
            return bytes([value]) if self.typed(key) == "byte" else self.integer(value)
        return self.namespace(value)

    def frame(self, kind: int, payload: bytes, length: int | None = None) -> bytes:
        """Section 9 of draft-15: type, length of 16 bits, payload. ``length``: another than the right one."""
        return self.integer(kind) + (len(payload) if length is None else length).to_bytes(2, "big") + payload

    def __str__(self) -> str:
        return f"draft-{self.number}"


DRAFTS = {
    15: Draft(15, vi64=False, key_deltas=False, request_streams=False),
    16: Draft(16, vi64=False, key_deltas=True, request_streams=False),
    18: Draft(18, vi64=True, key_deltas=True, request_streams=True),
    22: Draft(22, vi64=True, key_deltas=True, request_streams=True),
}
