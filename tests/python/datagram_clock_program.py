"""A client that sends a datagram every ten milliseconds and measures when each is acknowledged.

usage: datagram_clock_program.py PORT CA_FILE    prints "begun", and at the end of its input the longest wait in ms
"""

from __future__ import annotations

import sys
import threading
import time

import msquic

FINAL = {msquic.DatagramSendState.ACKNOWLEDGED, msquic.DatagramSendState.ACKNOWLEDGED_SPURIOUS}


def main() -> None:
    port, ca_file = int(sys.argv[1]), sys.argv[2]
    registration = msquic.Registration("clock")
    configuration = msquic.Configuration(registration, ["test"], datagram_receive_enabled=True)
    configuration.load_credential_none(ca_file=ca_file)
    connection, ready = msquic.Connection(registration), threading.Event()
    connection.set_on_connected(ready.set)
    connection.start(configuration, "localhost", port, address="127.0.0.1")
    assert ready.wait(15), connection.close_error
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    waits: list[float] = []
    acknowledged = threading.Event()
    print("begun", flush=True)
    while not ended.wait(0.01):
        sent = time.monotonic()
        acknowledged.clear()

        def on_state(state: msquic.DatagramSendState, sent: float = sent) -> None:
            if state in FINAL:
                waits.append(time.monotonic() - sent)
                acknowledged.set()

        connection.send_datagram(b"tick", on_state=on_state)
        assert acknowledged.wait(15), "a datagram was not acknowledged"
    print(round(max(waits) * 1000), len(waits), flush=True)


if __name__ == "__main__":
    main()
