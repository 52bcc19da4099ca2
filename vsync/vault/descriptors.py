"""Walking a folder through descriptors that follow no link, and saying what went wrong there."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from vsync.errors import ConfigError, DiskError, NotFound, VsyncError

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_folder(name: str, parent: int) -> int:
    """Open a folder in a folder; a link in its place is an OSError."""
    return os.open(name, FOLDER_FLAGS, dir_fd=parent)


def new_file(name: str, parent: int, mode: int = 0o600) -> int:
    """Create a file that must not exist, with its mode from the first byte."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, mode, dir_fd=parent)


def exists(name: str, parent: int) -> bool:
    """Tell whether anything has the name, a broken link included."""
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def is_folder(name: str, parent: int) -> bool:
    """Tell whether the name is a real folder."""
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


@contextmanager
def descend(parent: int, name: str, folder: str) -> Iterator[int]:
    """Open a folder in a folder; a link in its place is named and refused."""
    try:
        descriptor = open_folder(name, parent)
    except FileNotFoundError as error:
        raise NotFound(f"there is no folder {folder}", hint="git vsync pull brings it") from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise ConfigError(
                f"{name!r} on the way into {folder} is not a plain folder",
                hint="a vault and the folders above it must be real folders: remove the link or the file",
            ) from error
        raise
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def parent_of(root: int, path: str, folder: str) -> Iterator[tuple[int, str]]:
    """Yield the descriptor of the folder a path lies in, and the last part of the path."""
    *parents, name = path.split("/")
    with contextlib.ExitStack() as stack:
        descriptor = root
        for part in parents:
            descriptor = stack.enter_context(descend(descriptor, part, folder))
        yield descriptor, name


@contextmanager
def explained(folder: str) -> Iterator[None]:
    """Turn what the operating system says about the folder into one line."""
    try:
        yield
    except VsyncError:
        raise
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise DiskError(
            f"cannot work in {folder}: {reason}; it was left as it was",
            hint="check the free space, the owner and the mode of the folder, then try again",
        ) from error
