"""Files over FTPS (explicit TLS, its data connections too), or plain FTP where that is allowed."""

import ftplib
import socket
import ssl
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import certifi
from django.conf import settings

from core import outbound
from core.spool import BLOCK
from integrations.destinations.sftp import sentences
from integrations.destinations.sftp.places.place import Place
from integrations.http.network import delivery_error
from integrations.transport import DeliveryError, ErrorKind, Exchange, Misconfigured, TryAgain

SECONDS = 30  # for each answer
PORT = 21
FTPS, FTP = "ftps", "ftp"
SIGN_IN_REFUSED, NO_ROOM, NO_SUCH_FILE = "530", "552", "550"
BINARY = "TYPE I"


class _Tls(ftplib.FTP_TLS):
    """TLS whose data connections resume the session of the first: many servers ask for that."""

    def ntransfercmd(self, cmd: str, rest: Any = None) -> tuple[socket.socket, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - then TLS
        session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
        return self.context.wrap_socket(
            connection, server_hostname=self.host, session=session
        ), size


class OverFtp(Place):
    """A folder of an FTP server. Data connections go to the address that was checked."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.host = options["host"]
        self._folder = str(options["folder"] or "").rstrip("/") or ""
        self._protocol = str(options["protocol"])
        self._authorities = str(options["host_key"] or "")
        self._ftp = self._connected(options["port"] or PORT)
        try:
            with self._reading(sentences.NOT_FTP):
                self._ftp.login(options["username"], options["password"])
                if isinstance(self._ftp, _Tls):
                    self._ftp.prot_p()
                self._ftp.voidcmd(BINARY)
        except BaseException:
            self.close()
            raise

    def _connected(self, port: int) -> ftplib.FTP:
        """Return a connection: encrypted, by a certificate that was checked, before we sign in."""
        ftp: ftplib.FTP
        if self._protocol == FTP:
            ftp = ftplib.FTP(timeout=SECONDS)  # noqa: S321 - by an explicit option alone
        else:
            ftp = _Tls(context=self._context(), timeout=SECONDS)
        try:
            connection = outbound.connect(self.host, port, seconds=SECONDS)
        except outbound.OutboundError as error:
            raise delivery_error(error) from None
        ftp.host, ftp.port, ftp.sock = self.host, port, connection
        ftp.af = connection.family
        ftp.file = connection.makefile("r", encoding=ftp.encoding)
        try:
            ftp.welcome = ftp.getresp()
            if isinstance(ftp, _Tls):
                ftp.auth()
        except (ssl.SSLError, EOFError, OSError) as error:
            ftp.close()
            raise delivery_error(outbound.unreachable(error, self.host)) from None
        except ftplib.Error as error:
            ftp.close()
            raise self._error(sentences.NOT_FTP, Misconfigured, error) from None
        return ftp

    def _context(self) -> ssl.SSLContext:
        try:
            if self._authorities:
                return ssl.create_default_context(cafile=self._authorities)
            context = ssl.create_default_context(cafile=certifi.where())
            if settings.CA_BUNDLE:
                context.load_verify_locations(cafile=settings.CA_BUNDLE)
        except (OSError, ssl.SSLError):
            raise Misconfigured(sentences.NO_AUTHORITIES()) from None
        return context

    # -- What a place can do ---------------------------------------------------------------------

    def close(self) -> None:
        with suppress(Exception):
            self._ftp.close()

    def keep_alive(self) -> None:
        with self._reading(sentences.NOT_WRITTEN):
            self._ftp.voidcmd("NOOP")

    def check_folder(self) -> None:
        with self._reading(sentences.NOT_ALLOWED):
            before = self._ftp.pwd()
            try:
                self._ftp.cwd(self._folder or ".")
            except ftplib.error_perm:
                raise Misconfigured(sentences.NO_FOLDER(folder=self._folder)) from None
            self._ftp.cwd(before)

    def size(self, path: str) -> int | None:
        with self._reading(sentences.NOT_WRITTEN):
            try:
                return self._ftp.size(self._at(path))
            except ftplib.error_perm as error:
                if str(error).startswith(NO_SUCH_FILE):
                    return None
                raise

    def read(self, path: str) -> Generator[bytes, None, None]:
        """Yield what is in a file. Whoever stops early ends the connection of this file alone."""
        with self._reading(sentences.NOT_WRITTEN):
            try:
                data = self._ftp.transfercmd(f"RETR {self._at(path)}")
            except ftplib.error_perm:
                return
            try:
                while block := data.recv(BLOCK):
                    yield block
            finally:
                data.close()
                # The server says that it was cut short, or that it is done.
                with suppress(ftplib.Error):
                    self._ftp.voidresp()

    def write(self, path: str, blocks: Iterable[bytes], start: int) -> None:
        with self._reading(sentences.NOT_WRITTEN):
            data = self._ftp.transfercmd(f"STOR {self._at(path)}", rest=start or None)
        try:
            for block in blocks:
                with self._reading(sentences.NOT_WRITTEN):
                    data.sendall(block)
            with self._reading(sentences.NOT_WRITTEN):
                if isinstance(data, ssl.SSLSocket):
                    with suppress(OSError):  # not every server ends TLS as it should
                        data.unwrap()
                data.close()
                self._ftp.voidresp()
        finally:
            data.close()

    def rename(self, path: str, becomes: str) -> None:
        with self._reading(sentences.NOT_RENAMED):
            try:
                self._ftp.rename(self._at(path), self._at(becomes))
            except ftplib.error_perm:
                if self.size(becomes) is None:
                    raise
                self._rename_around(path, becomes)

    def _rename_around(self, path: str, becomes: str) -> None:
        """Rename a file where the server does not rename over what is there, or refuses to.

        What has the name is set aside until the new file has it, and gets it back where even that
        is refused: whoever reads the folder loses the last good file to no refusal.
        """
        file, aside = self._at(becomes), self._at(f"{path}.before")
        with suppress(ftplib.error_perm):
            self._ftp.delete(aside)
        self._ftp.rename(file, aside)
        try:
            self._ftp.rename(self._at(path), file)
        except ftplib.all_errors:
            self._ftp.rename(aside, file)
            raise
        self._ftp.delete(aside)

    def make_folder(self, path: str) -> None:
        above = ""
        for name in path.split("/"):
            above = f"{above}/{name}" if above else name
            with self._reading(sentences.NOT_WRITTEN), suppress(ftplib.error_perm):
                self._ftp.mkd(self._at(above))  # one that is there is refused, which is well

    def remove_folder(self, path: str) -> None:
        with self._reading(sentences.NOT_ALLOWED):
            for name in self._names(path):
                self._ftp.delete(self._at(f"{path}/{name}"))
            try:
                self._ftp.rmd(self._at(path))
            except ftplib.error_perm:
                if self._is_folder(path):
                    raise

    def names(self, path: str) -> list[str]:
        with self._reading(sentences.NOT_ALLOWED):
            return self._names(path)

    def remove(self, path: str) -> None:
        with self._reading(sentences.NOT_ALLOWED):
            try:
                self._ftp.delete(self._at(path))
            except ftplib.error_perm:
                if self.size(path) is not None:
                    raise

    def _names(self, path: str) -> list[str]:
        try:
            listed = self._ftp.nlst(self._at(path))
        except ftplib.error_perm:  # nothing is there
            return []
        finally:
            self._ftp.voidcmd(BINARY)  # a list is asked for as text
        names = (line.rstrip("/").rpartition("/")[2] for line in listed)
        return [name for name in names if name not in ("", ".", "..")]

    def _is_folder(self, path: str) -> bool:
        before = self._ftp.pwd()
        try:
            self._ftp.cwd(self._at(path))
        except ftplib.error_perm:
            return False
        self._ftp.cwd(before)
        return True

    def _at(self, path: str) -> str:
        return f"{self._folder}/{path}" if self._folder else path

    # -- What goes wrong -------------------------------------------------------------------------

    @contextmanager
    def _reading(self, cause: Any) -> Iterator[None]:
        """Let what the server answers become a DeliveryError."""
        try:
            yield
        except DeliveryError:
            raise
        except ftplib.error_perm as error:
            code = str(error)[:3]
            if code == SIGN_IN_REFUSED:
                text = sentences.NO_CREDENTIALS(host=self.host)
                kind = ErrorKind.CREDENTIALS
                raise Misconfigured(text, Exchange(f"FTP {code}"), kind=kind) from None
            if code == NO_ROOM:
                raise self._error(cause, TryAgain, error) from None
            cause = sentences.NOT_ALLOWED if cause is sentences.NOT_WRITTEN else cause
            raise self._error(cause, Misconfigured, error) from None
        except ftplib.Error as error:
            raise self._error(cause, TryAgain, error) from None
        except (EOFError, OSError) as error:
            raise self._error(sentences.CUT, TryAgain, error, ErrorKind.SILENT) from None

    def _error(
        self,
        cause: Any,
        error_class: type[Misconfigured | TryAgain],
        error: BaseException,
        kind: ErrorKind | None = None,
    ) -> DeliveryError:
        words = getattr(error, "strerror", None) or str(error) or sentences.NO_WORDS()
        reason = words.strip().rstrip(".")[:200]
        code = f"FTP {str(error)[:3]}" if isinstance(error, ftplib.Error) else ""
        named = {"host": self.host, "reason": reason, "protocol": self._protocol.upper()}
        return error_class(cause(**named), Exchange(code), kind=kind)
