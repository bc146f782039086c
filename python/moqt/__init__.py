"""Media over QUIC Transport (draft-ietf-moq-transport-15)."""
