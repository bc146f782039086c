"""A client and a server in one process that exchange data without end; imported by programs of the tests."""

from __future__ import annotations

import sys
import threading

import msquic

CHUNK = bytes(8192)


class Traffic:
    def __init__(self, directory: str) -> None:
        certificate = msquic.generate_development_certificate(directory)
        self.flowing = threading.Event()
        self.received = 0
        self.registration = msquic.Registration("traffic")
        self.server_configuration = self.configure()
        self.server_configuration.load_credential_file(certificate.certificate_file, certificate.private_key_file)
        self.client_configuration = self.configure()
        self.client_configuration.load_credential_none(ca_file=certificate.certificate_file)
        self.listener = msquic.Listener(self.registration)
        self.listener.set_on_new_connection(self.on_new_connection)
        self.listener.start(self.server_configuration, ["test"], 0)
        self.connection = msquic.Connection(self.registration)
        self.connection.start(self.client_configuration, "localhost", self.listener.port, address="127.0.0.1")
        self.stream = self.connection.open_stream()
        self.stream.start(msquic.StreamStartFlags.IMMEDIATE)
        self.stream.set_on_receive(self.on_receive)
        for _ in range(4):
            self.stream.send(CHUNK)

    def configure(self) -> msquic.Configuration:
        return msquic.Configuration(self.registration, ["test"], 20000, 10, 10, True)

    def on_new_connection(self, connection: msquic.Connection) -> None:
        connection.set_on_peer_stream_started(self.on_stream)

    def on_stream(self, stream: msquic.Stream) -> None:
        stream.set_on_receive(lambda data, fin: stream.send(data))

    def on_receive(self, data: bytes, fin: bool) -> None:
        self.received += len(data)
        self.stream.send(data)
        if self.received > 100_000:
            self.flowing.set()

    def wait(self) -> None:
        if not self.flowing.wait(20):
            sys.exit("no traffic")
