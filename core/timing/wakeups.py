"""Wake-ups between the programs of one host: "look now", and nothing else.

Each program that waits has a socket in STATE_ROOT. A wake-up is a hint and may be lost: it reaches
no other host, and none where STATE_ROOT cannot be written or differs, so whoever waits looks again
by itself.
"""

import secrets
import selectors
import socket
from contextlib import suppress
from pathlib import Path

from django.conf import settings

_DIRECTORY_MODE = 0o700


def wake() -> None:
    """Wake whoever waits on this host; never waits, and never fails."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        for address in _directory().iterdir():
            _send(sender, address)


def _send(sender: socket.socket, address: Path) -> None:
    # No socket may keep others from being woken, and none may keep us.
    try:
        sender.sendto(b"\0", socket.MSG_DONTWAIT, str(address))
    except ConnectionRefusedError:
        address.unlink(missing_ok=True)  # of a program that was killed
    except OSError:
        pass  # another user's, or its queue is full: it looks anyhow


def _directory() -> Path:
    return Path(settings.STATE_ROOT) / "waiting"


class Waiting:
    """Waits for wake-ups: from threads of this program, and from other programs of this host."""

    def __init__(self) -> None:
        self._within, self._to_me = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._within, selectors.EVENT_READ)
        self._from_outside = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._address = _directory() / secrets.token_hex(4)
        # A path may be too long for a socket, too.
        with suppress(OSError):
            self._address.parent.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
            self._from_outside.bind(str(self._address))
            self._selector.register(self._from_outside, selectors.EVENT_READ)

    def set(self) -> None:
        """End the wait of this one, from whatever thread."""
        with suppress(OSError):
            self._to_me.send(b"\0", socket.MSG_DONTWAIT)

    def wait(self, seconds: float) -> bool:
        """Wait for a wake-up, at most so long; say whether there was one. Many count as one."""
        ready = self._selector.select(seconds)
        for key, _ in ready:
            with suppress(BlockingIOError):
                while True:
                    key.fileobj.recv(1, socket.MSG_DONTWAIT)  # type: ignore[union-attr]
        return bool(ready)

    def close(self) -> None:
        """Wait no more."""
        self._selector.close()
        for one in (self._within, self._to_me, self._from_outside):
            one.close()
        with suppress(OSError):
            self._address.unlink()
