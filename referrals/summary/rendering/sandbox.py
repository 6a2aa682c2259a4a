"""What a renderer may do: read its own files, write font copies to its own folder, and compute.

The document is hostile until proven otherwise, and so is whatever it makes a library do. The
limits of the operating system bound memory and CPU; an audit hook, which cannot be taken out
again, refuses everything that Python reports and that setting a page does not need.
"""

import os
import resource
import sys
import sysconfig
from collections.abc import Collection
from pathlib import Path

MEGABYTE = 1024 * 1024
LARGEST_FILE = 64 * MEGABYTE  # of the font copies
OPEN_FILES = 64

_HARMLESS = frozenset(
    {
        "array.__new__",
        "builtins.id",
        "code.__new__",
        "compile",
        "cpython.PyInterpreterState_Clear",
        "cpython._PySys_ClearAuditHooks",
        "exec",
        "function.__new__",
        "gc.get_objects",
        "import",
        "marshal.load",
        "marshal.loads",
        "object.__delattr__",
        "object.__getattr__",
        "object.__setattr__",
        "resource.setrlimit",
        "sys._getframe",
        "sys.unraisablehook",
        "tempfile.mkdtemp",
    }
)
# Their first argument is a path.
_ON_PATHS = frozenset({"open", "os.listdir", "os.scandir"})
_IN_OWN_FOLDER = frozenset({"os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def limit_memory(megabytes: int) -> None:
    """Bound the address space; leave no core dump, which would hold personal data."""
    resource.setrlimit(resource.RLIMIT_AS, (megabytes * MEGABYTE, megabytes * MEGABYTE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))


def limit_cpu(seconds: int) -> None:
    """Allow this many more seconds of CPU; the kernel ends the process after them."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(usage.ru_utime + usage.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + 1 + seconds, hard))


def confine(own_folder: Path, readable: Collection[Path]) -> None:
    """Refuse, from now on and for good, network, processes and foreign files.

    Read may be `readable` and the code of Python and its libraries; written may be `own_folder`.
    """
    own = os.path.realpath(own_folder)
    roots = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    may_read = tuple(os.path.realpath(path) for path in [*roots, *map(str, readable), own])

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        if event in _HARMLESS:
            return
        if event in _ON_PATHS and not _writes(event, arguments):
            allowed = _is_within(arguments[0], may_read)
        else:
            own_event = event in _ON_PATHS or event in _IN_OWN_FOLDER
            allowed = own_event and _is_within(arguments[0], (own,))
        if not allowed:
            raise PermissionError(f"{event} is refused while rendering")

    sys.addaudithook(refuse)


def _writes(event: str, arguments: tuple[object, ...]) -> bool:
    return event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & _WRITING)


def _is_within(path: object, roots: tuple[str, ...]) -> bool:
    if isinstance(path, int):
        return True  # already open
    if not isinstance(path, str | bytes | os.PathLike):
        return False
    real = os.path.realpath(os.fsdecode(path))
    return any(real == root or real.startswith(root + os.sep) for root in roots)
