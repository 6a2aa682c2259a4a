"""The product and the test modules, compiled before many programs and workers need them at once.

On a clean checkout each of them would compile all of it for itself, at the same moment.
"""

import compileall
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from _pytest.assertion import rewrite

from tests.project import PRODUCT
from tests.services import ROOT


def compile_all() -> None:
    for room in PRODUCT:
        compileall.compile_dir(ROOT / room, quiet=2)
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        list(processes.map(compile_test, sorted(ROOT.glob("tests/**/test_*.py")), chunksize=20))


def compile_test(file: Path) -> None:
    """Compile a test module as pytest does, with its assertions, unless that is done."""
    compiled = rewrite.get_cache_dir(file) / (file.name[:-3] + rewrite.PYC_TAIL)
    if rewrite._read_pyc(file, compiled) is None:
        compiled.parent.mkdir(exist_ok=True)
        source_hash, code = rewrite._rewrite_test(file, _no_configuration)
        rewrite._write_pyc(_state, code, source_hash, compiled)


class _Untraced:
    trace: Callable[[str], None] = print


# What pytest asks for here: nothing of its configuration, and where to trace to.
_no_configuration: Any = None
_state: Any = _Untraced()
