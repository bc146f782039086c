"""A server for tests of stateless resets: prints its port, until its input ends or it is killed.

reset_server.py CERT KEY STATELESS_RESET_KEY(hex, or - for none) PORT
"""

from __future__ import annotations

import sys

import msquic

certificate, key, reset_key, port = sys.argv[1:]
if reset_key != "-":
    msquic.configure(stateless_reset_key=bytes.fromhex(reset_key))
with msquic.Registration("reset-server") as registration:
    configuration = msquic.Configuration(registration, ["test"], idle_timeout_ms=60_000)
    configuration.load_credential_file(certificate, key)
    listener = msquic.Listener(registration)
    listener.set_on_new_connection(lambda _connection: None)
    listener.start(configuration, ["test"], int(port))
    print(listener.port, flush=True)
    sys.stdin.read()
