"""QUIC for Python, on Microsoft MsQuic."""
