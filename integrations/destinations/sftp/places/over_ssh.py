"""Files over SFTP.

Through Paramiko: it takes a socket that is connected already, to an address that `core.outbound`
has checked, and needs no event loop in the worker.
"""

import base64
import errno
import hashlib
import io
import logging
import stat
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import paramiko
from paramiko.pkey import PKey
from paramiko.ssh_exception import IncompatiblePeer

from core import outbound
from core.spool import BLOCK
from integrations.destinations.sftp import sentences
from integrations.destinations.sftp.places.place import Place
from integrations.http.network import delivery_error
from integrations.transport import DeliveryError, ErrorKind, Exchange, Misconfigured, TryAgain

SECONDS = 30  # for each answer
PORT = 22
RSA = "ssh-rsa"
RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")  # never SHA-1
KEYS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)

# Its lines hold the names of files and of users.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)


def fingerprint(key: bytes) -> str:
    """Return how OpenSSH shows a public key."""
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"


def read_private_key(text: str, passphrase: str) -> PKey:
    """Return a private key; raises ValueError with a sentence for people."""
    for kind in KEYS:
        try:
            return kind.from_private_key(io.StringIO(text), passphrase or None)
        except paramiko.PasswordRequiredException:
            raise ValueError("This key has a passphrase: enter it, too.") from None
        except Exception:  # noqa: S112 - of another kind, or broken: whatever it raises
            continue
    raise ValueError("This is no private key of OpenSSH, or the passphrase is wrong.")


class OverSsh(Place):
    """A folder of an SFTP server, whose host key is the one that a person has confirmed."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.host = options["host"]
        self._folder = str(options["folder"] or ".").rstrip("/") or "/"
        self._transport = self._connected(options)
        try:
            self._check_key(options["host_key"])
            self._sign_in(options)
            with self._reading(sentences.NOT_SSH):
                self._files: paramiko.SFTPClient = self._client()
        except BaseException:
            self.close()
            raise

    def _connected(self, options: Mapping[str, Any]) -> paramiko.Transport:
        try:
            connection = outbound.connect(self.host, options["port"] or PORT, seconds=SECONDS)
        except outbound.OutboundError as error:
            raise delivery_error(error) from None
        transport = paramiko.Transport(connection)
        transport.banner_timeout = transport.auth_timeout = transport.channel_timeout = SECONDS
        wanted = str(options["host_key"] or "").split(" ")[0]
        if wanted and ":" not in wanted:
            kinds = RSA_SIGNATURES if wanted == RSA else (wanted,)
            transport.get_security_options().key_types = kinds
        try:
            transport.start_client(timeout=SECONDS)
        except IncompatiblePeer:
            transport.close()
            raise Misconfigured(sentences.NO_SUCH_KEY(host=self.host)) from None
        except (paramiko.SSHException, EOFError, OSError) as error:
            transport.close()
            if isinstance(error, OSError | EOFError):
                raise delivery_error(outbound.unreachable(error, self.host)) from None
            raise self._error(sentences.NOT_SSH, Misconfigured, error) from None
        transport.set_keepalive(SECONDS)
        return transport

    def _check_key(self, confirmed: str) -> None:
        """Raise Misconfigured unless this is the key: before any credentials go out."""
        key = self._transport.get_remote_server_key()
        shown = {
            "host": self.host,
            "type": key.get_name(),
            "fingerprint": fingerprint(key.asbytes()),
        }
        if not confirmed:
            error = Misconfigured(sentences.CONFIRM_KEY(**shown))
            error.confirmable = {"host_key": shown["fingerprint"]}
            raise error
        line = f"{key.get_name()} {key.get_base64()}"
        if confirmed not in (shown["fingerprint"], line):
            raise Misconfigured(sentences.OTHER_KEY(**shown))

    def _sign_in(self, options: Mapping[str, Any]) -> None:
        username, password = options["username"], options["password"]
        methods: list[Callable[[], Any]] = []
        if options["private_key"]:
            key = read_private_key(options["private_key"], options["passphrase"])
            methods.append(lambda: self._transport.auth_publickey(username, key))
        if password:
            methods.append(lambda: self._transport.auth_password(username, password))
        for method in methods:  # a server may ask for both
            try:
                method()
            except paramiko.AuthenticationException:
                continue
            except (paramiko.SSHException, EOFError, OSError) as error:
                raise self._error(sentences.CUT, TryAgain, error, ErrorKind.SILENT) from None
            if self._transport.is_authenticated():
                return
        message = sentences.NO_CREDENTIALS(host=self.host)
        raise Misconfigured(message, Exchange("SSH auth"), kind=ErrorKind.CREDENTIALS)

    def _client(self) -> paramiko.SFTPClient:
        files = paramiko.SFTPClient.from_transport(self._transport)
        if files is None:
            raise paramiko.SSHException("no channel")
        channel = files.get_channel()
        if channel is not None:
            channel.settimeout(SECONDS)
        return files

    # -- What a place can do ---------------------------------------------------------------------

    def close(self) -> None:
        with suppress(Exception):
            self._transport.close()

    def check_folder(self) -> None:
        with self._reading(sentences.NOT_ALLOWED):
            mode = self._files.stat(self._folder).st_mode
        if mode is not None and not stat.S_ISDIR(mode):
            raise Misconfigured(sentences.NO_FOLDER(folder=self._folder))

    def size(self, path: str) -> int | None:
        with self._reading(sentences.NOT_WRITTEN):
            try:
                return self._files.stat(self._at(path)).st_size
            except FileNotFoundError:
                return None

    def read(self, path: str) -> Generator[bytes, None, None]:
        with self._reading(sentences.NOT_WRITTEN):
            try:
                with self._files.open(self._at(path), "rb") as file:
                    while block := file.read(BLOCK):
                        yield block
            except (FileNotFoundError, PermissionError):
                return

    def write(self, path: str, blocks: Iterable[bytes], start: int) -> None:
        with self._reading(sentences.NOT_WRITTEN):
            file = self._files.open(self._at(path), "r+b" if start else "wb")
        # The blocks are made outside of what is taken for the server's: they may fail, too.
        try:
            with self._reading(sentences.NOT_WRITTEN):
                if start:
                    file.truncate(start)
                    file.seek(start)
                file.set_pipelined(True)
            last = b""
            for block in blocks:
                with self._reading(sentences.NOT_WRITTEN):
                    file.write(last)
                last = block
            with self._reading(sentences.NOT_WRITTEN):
                file.set_pipelined(False)  # the last one waits for what all of them were answered
                file.write(last)
                file.close()
        finally:
            with suppress(Exception):
                file.close()

    def rename(self, path: str, becomes: str) -> None:
        with self._reading(sentences.NOT_RENAMED):
            try:
                self._files.posix_rename(self._at(path), self._at(becomes))
            except OSError as error:
                if error.errno is not None:
                    raise
                self._rename_around(path, becomes)

    def _rename_around(self, path: str, becomes: str) -> None:
        """Rename a file where the server does not rename over what is there, or refuses to.

        What has the name is set aside until the new file has it, and gets it back where even that
        is refused: whoever reads the folder loses the last good file to no refusal.
        """
        file, aside = self._at(becomes), self._at(f"{path}.before")
        if not self._is_file(file):
            self._files.rename(self._at(path), file)
            return
        with suppress(FileNotFoundError):
            self._files.remove(aside)
        self._files.rename(file, aside)
        try:
            self._files.rename(self._at(path), file)
        except OSError:
            self._files.rename(aside, file)
            raise
        self._files.remove(aside)

    def _is_file(self, at: str) -> bool:
        with suppress(FileNotFoundError):
            return stat.S_ISREG(self._files.stat(at).st_mode or 0)
        return False

    def make_folder(self, path: str) -> None:
        above = ""
        for name in path.split("/"):
            above = f"{above}/{name}" if above else name
            if self.size(above) is None:
                with self._reading(sentences.NOT_WRITTEN):
                    self._files.mkdir(self._at(above))

    def remove_folder(self, path: str) -> None:
        with self._reading(sentences.NOT_ALLOWED), suppress(FileNotFoundError):
            for name in self._files.listdir(self._at(path)):
                self._files.remove(self._at(f"{path}/{name}"))
            self._files.rmdir(self._at(path))

    def names(self, path: str) -> list[str]:
        with self._reading(sentences.NOT_ALLOWED):
            try:
                return self._files.listdir(self._at(path))
            except FileNotFoundError:
                return []

    def remove(self, path: str) -> None:
        with self._reading(sentences.NOT_ALLOWED), suppress(FileNotFoundError):
            self._files.remove(self._at(path))

    def _at(self, path: str) -> str:
        return f"{self._folder}/{path}" if self._folder != "/" else f"/{path}"

    # -- What goes wrong -------------------------------------------------------------------------

    @contextmanager
    def _reading(self, cause: Any) -> Iterator[None]:
        """Let what the server answers become a DeliveryError."""
        try:
            yield
        except DeliveryError:
            raise
        except FileNotFoundError as error:
            del error  # its text names a file
            raise Misconfigured(sentences.NO_FOLDER(folder=self._folder)) from None
        except PermissionError as error:
            denied = (
                sentences.NOT_RENAMED if cause is sentences.NOT_RENAMED else sentences.NOT_ALLOWED
            )
            raise self._error(denied, Misconfigured, error) from None
        except (EOFError, TimeoutError, ConnectionError, paramiko.SSHException) as error:
            raise self._error(sentences.CUT, TryAgain, error, ErrorKind.SILENT) from None
        except OSError as error:
            if not self._transport.is_active() or error.errno in (errno.EPIPE, errno.EBADF):
                raise self._error(sentences.CUT, TryAgain, error, ErrorKind.SILENT) from None
            raise self._error(cause, TryAgain, error) from None

    def _error(
        self,
        cause: Any,
        error_class: type[Misconfigured | TryAgain],
        error: BaseException,
        kind: ErrorKind | None = None,
    ) -> DeliveryError:
        words = getattr(error, "strerror", None) or str(error) or sentences.NO_WORDS()
        reason = words.strip().rstrip(".")[:200]
        exchange = Exchange("" if kind is ErrorKind.SILENT else "SFTP")
        return error_class(cause(host=self.host, reason=reason), exchange, kind=kind)
