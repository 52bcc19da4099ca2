"""What each git hook asks the guard: which commits, by what the hook gets as words and on stdin.

- pre-commit, pre-merge-commit: what is staged.
- reference-transaction: the backstop. In the state `prepared`, for branches and the stash, the
  commits that are new to the updated branch and on no remote-tracking branch: nobody is
  stopped from pulling.
- pre-push: the commits that the remote does not have.
- framework-push: the same under the pre-commit framework, which keeps stdin to itself.
- pre-receive, on a server: the commits that are new to the whole repository.
"""

import posix

from vsync.guard.system import variable
from vsync.guard.words import Words, wrong

NOTICES = ("post-checkout", "post-merge", "post-rewrite")
_WATCHED = (b"refs/heads/", b"refs/stash")


def revisions_of(words: Words) -> tuple[tuple[str, ...], str]:
    """Return the words for `rev-list`, empty when there is nothing to look at, and the newest commit."""
    ask = _ASKED.get(words.hook)
    if ask is None:
        raise wrong(f"there is no hook {words.hook!r}")
    said = b"" if ask is _framework_push else _stdin()
    return ask(words.rest, [line.split(b" ") for line in said.split(b"\n") if line])


def _stdin() -> bytes:
    said = []
    while piece := posix.read(0, 65536):
        said.append(piece)
    return b"".join(said)


def _is_zero(name: bytes) -> bool:
    return not name.strip(b"0")


def _transaction(rest: list[str], lines: list[list[bytes]]) -> tuple[tuple[str, ...], str]:
    if rest[:1] != ["prepared"]:
        return (), ""
    wanted: list[str] = []
    excluded = ["--remotes"]
    newest = ""
    for old, new, ref in (line for line in lines if len(line) == 3):  # noqa: PLR2004 - as githooks(5) has it
        if ref.startswith(b"refs/remotes/") and not _is_zero(new):
            excluded.append(new.decode())  # a fetch that updates a branch of ours and the remote's at once
        if not ref.startswith(_WATCHED) or _is_zero(new) or b":" in new:
            continue
        newest = new.decode()
        wanted.append(newest)
        # Zero is also what git says when it does not care about the old value.
        excluded.append("--branches" if _is_zero(old) else old.decode())
    return ((*wanted, "--not", *dict.fromkeys(excluded)) if wanted else ()), newest


def _push(rest: list[str], lines: list[list[bytes]]) -> tuple[tuple[str, ...], str]:
    wanted, known = [], []
    for line in lines:
        if len(line) == 4 and not _is_zero(line[1]):  # noqa: PLR2004 - as githooks(5) has it
            wanted.append(line[1].decode())
            known += [] if _is_zero(line[3]) else [line[3].decode()]
    if not wanted:
        return (), ""
    remote = [f"--remotes={rest[0]}"] if rest and not rest[0].startswith("-") else []
    # What the remote has may never have been fetched.
    return ("--ignore-missing", *wanted, "--not", *known, *remote), wanted[-1]


def _receive(rest: list[str], lines: list[list[bytes]]) -> tuple[tuple[str, ...], str]:  # noqa: ARG001
    wanted = [line[1].decode() for line in lines if len(line) == 3 and not _is_zero(line[1])]  # noqa: PLR2004
    return ((*wanted, "--not", "--all") if wanted else ()), (wanted[-1] if wanted else "")


def _framework_push(rest: list[str], lines: list[list[bytes]]) -> tuple[tuple[str, ...], str]:  # noqa: ARG001
    """What the pre-commit framework tells in the environment; by hand it tells nothing."""
    newest = variable(b"PRE_COMMIT_TO_REF") or "HEAD"
    remote = variable(b"PRE_COMMIT_REMOTE_NAME")
    if newest.startswith("-"):
        raise wrong(f"{newest!r} is no commit", "unset PRE_COMMIT_TO_REF")
    return (newest, "--not", f"--remotes={remote}" if remote else "--remotes"), newest


_ASKED = {
    "framework-push": _framework_push,
    "reference-transaction": _transaction,
    "pre-push": _push,
    "pre-receive": _receive,
}
