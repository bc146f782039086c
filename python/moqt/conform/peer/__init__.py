"""A session with the peer that is judged: raw QUIC, and the tool's own bytes."""
