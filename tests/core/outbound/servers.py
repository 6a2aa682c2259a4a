"""Real servers on loopback, plain and TLS, that answer as a test tells them to."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Serve = Callable[["Peer"], None]


class Peer:
    """One accepted connection, seen from the server."""

    def __init__(self, connection: socket.socket, stopped: threading.Event) -> None:
        self.connection = connection
        self.stopped = stopped
        self._buffer = b""

    def request(self) -> "Received | None":
        """Read one request; None when the client closed the connection."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._receive():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        line, *rest = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (row.split(": ", 1) for row in rest)}
        length = int(headers.get("content-length", 0))
        while len(self._buffer) < length:
            if not self._receive():
                break
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        method, target, _ = line.split(" ")
        return Received(method, target, headers, body)

    def _receive(self) -> bool:
        piece = self.connection.recv(65536)
        self._buffer += piece
        return bool(piece)

    def send(self, content: bytes) -> None:
        self.connection.sendall(content)

    def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def reset(self) -> None:
        """Close at once, by RST instead of FIN."""
        linger = b"\1\0\0\0\0\0\0\0"
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()


@dataclass
class Received:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes = field(repr=False)


@dataclass
class Server:
    port: int
    connections: list[Peer] = field(default_factory=list)

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


@contextmanager
def serving(
    serve: Serve, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1"
) -> Iterator[Server]:
    """Run `serve` in a thread for each connection until the block ends."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, 0), family=family)
    server = Server(listener.getsockname()[1])
    stopped = threading.Event()
    conversations: list[threading.Thread] = []

    def converse(accepted: socket.socket) -> None:
        with suppress(OSError), _secured(accepted, tls) as connection:
            peer = Peer(connection, stopped)
            server.connections.append(peer)
            serve(peer)

    def accept() -> None:
        with suppress(OSError):
            while True:
                accepted, _ = listener.accept()
                conversation = threading.Thread(target=converse, args=(accepted,), daemon=True)
                conversations.append(conversation)
                conversation.start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        stopped.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        # Each is closed by its own thread: closed from here, its number could be another
        # connection's by the time that TLS says goodbye on it.
        for peer in server.connections:
            with suppress(OSError):
                peer.connection.shutdown(socket.SHUT_RDWR)
        for conversation in conversations:
            conversation.join(10)


def _secured(accepted: socket.socket, tls: ssl.SSLContext | None) -> socket.socket:
    return tls.wrap_socket(accepted, server_side=True) if tls else accepted


def answering(status: int = 200, body: bytes = b"", **headers: str) -> Serve:
    """Answer every request of a connection in the same way."""

    def serve(peer: Peer) -> None:
        while peer.request():
            peer.answer(status, body, **headers)

    return serve


def in_chunks(piece: bytes, times: int | None = None, **headers: str) -> Serve:
    """Answer without saying how long the body is: a piece so many times, or without an end."""

    def serve(peer: Peer) -> None:
        while peer.request():
            lines = ["HTTP/1.1 200 Said", "Transfer-Encoding: chunked"]
            lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
            peer.send("\r\n".join(lines).encode() + b"\r\n\r\n")
            for _ in count() if times is None else range(times):
                peer.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            peer.send(b"0\r\n\r\n")

    return serve


# -- Certificates -----------------------------------------------------------------------------


@dataclass
class Authority:
    """A certificate authority of our own; `path` is its certificate."""

    path: Path
    name: x509.Name
    key: ec.EllipticCurvePrivateKey

    def context(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """Return a server's TLS set-up with a certificate for these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [_alternative(name) for name in names]
        certificate = _certificate(self.name, key, self.key, self.name, alternatives, expired)
        path = self.path.with_name(f"{names[0].replace(':', '_')}-{expired}.pem")
        path.write_bytes(_pem(certificate) + _key_pem(key))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def authority(directory: Path) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test authority")])
    path = directory / "authority.pem"
    path.write_bytes(_pem(_certificate(name, key, key, name, None, False)))
    return Authority(path, name, key)


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _certificate(subject, key, signing_key, issuer, alternatives, expired):
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject if alternatives is None else x509.Name([]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * day)
        .not_valid_after(now - day if expired else now + day)
    )
    if alternatives is None:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), True)
    return builder.sign(signing_key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
