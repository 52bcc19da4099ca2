"""Exit code 3: a bug in vsync. The report holds where it happened, and no value of anything."""

import os
import platform
import traceback

from vsync import __version__
from vsync.errors import VsyncError
from vsync.files import write_private
from vsync.machine.folders import base_folder


class Bug(VsyncError):
    """Something nobody expected; the message names its type and where the report is."""

    exit_code = 3


def bug_of(error: BaseException) -> Bug:
    """Write a report below the base folder and return what to tell about it.

    Only types, files, lines and function names: an exception's text and local variables may
    hold a secret, so neither is written.
    """
    path = base_folder(dict(os.environ)) / "crash.txt"
    try:
        write_private(path, _report(error).encode())
        where = f"a report without any secret is in {path}"
    except (VsyncError, OSError):
        where = "no report could be written"
    return Bug(f"a bug in vsync: {type(error).__name__}; {where}", hint="please report it, with that file")


def _report(error: BaseException) -> str:
    lines = [f"vsync {__version__}, python {platform.python_version()}, {platform.platform()}"]
    current: BaseException | None = error
    while current is not None:
        lines.append(f"{type(current).__module__}.{type(current).__qualname__}")
        frames = traceback.extract_tb(current.__traceback__)
        lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        current = current.__cause__ or current.__context__
    return "\n".join(lines) + "\n"
