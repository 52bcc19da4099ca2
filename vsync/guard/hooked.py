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

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from collections.abc import Iterable

    Named = Iterable[tuple[bytes, bytes]]


class Asked:
    """What is looked at: `revisions` as words for `git log`, none when it is nothing.

    `tips` are the commits it ends with, `before` those that the references named until now, `held` what may
    be no commit at all; each is (object, name for people).
    """

    __slots__ = ("before", "held", "revisions", "tips")

    def __init__(
        self, revisions: tuple[str, ...], *, tips: "Named" = (), before: "Named" = (), held: "Named" = ()
    ) -> None:
        self.revisions = revisions
        self.tips = list(tips)
        self.before = list(before)
        self.held = list(held)


def asked_by(words: Words) -> Asked:
    """Return what a hook is about."""
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


def _transaction(rest: list[str], lines: list[list[bytes]]) -> Asked:
    if rest[:1] != ["prepared"]:
        return Asked(())
    tips: list[tuple[bytes, bytes]] = []
    before: list[tuple[bytes, bytes]] = []
    excluded = ["--remotes"]
    for old, new, ref in (line for line in lines if len(line) == 3):  # noqa: PLR2004 - as githooks(5) has it
        if ref.startswith(b"refs/remotes/") and not _is_zero(new):
            excluded.append(new.decode())  # a fetch that updates a branch of ours and the remote's at once
        if not ref.startswith(_WATCHED) or _is_zero(new) or b":" in new:
            continue
        tips.append((new, ref))
        before += [] if _is_zero(old) else [(old, ref)]
        # Zero is also what git says when it does not care about the old value.
        excluded.append("--branches" if _is_zero(old) else old.decode())
    if not tips:
        return Asked(())
    wanted = [new.decode() for new, _ in tips]
    return Asked((*wanted, "--not", *dict.fromkeys(excluded)), tips=tips, before=before)


def _push(rest: list[str], lines: list[list[bytes]]) -> Asked:
    tips: list[tuple[bytes, bytes]] = []
    known: list[tuple[bytes, bytes]] = []
    for line in lines:
        if len(line) == 4 and not _is_zero(line[1]):  # noqa: PLR2004 - as githooks(5) has it
            tips.append((line[1], line[0]))
            known += [] if _is_zero(line[3]) else [(line[3], line[2])]
    if not tips:
        return Asked(())
    wanted, there = ([name.decode() for name, _ in some] for some in (tips, known))
    remote = [f"--remotes={rest[0]}"] if rest and not rest[0].startswith("-") else []
    # What the remote has may never have been fetched.
    revisions = ("--ignore-missing", *wanted, "--not", *there, *remote)
    return Asked(revisions, tips=tips, before=known, held=tips)


def _receive(rest: list[str], lines: list[list[bytes]]) -> Asked:  # noqa: ARG001
    fitting = [line for line in lines if len(line) == 3]  # noqa: PLR2004 - as githooks(5) has it
    tips = [(new, ref) for _, new, ref in fitting if not _is_zero(new)]
    if not tips:
        return Asked(())
    # The server's own branch counts, too, though nobody pushes to it now.
    before = [(old, ref) for old, _, ref in fitting if not _is_zero(old)] + [(b"HEAD", b"HEAD")]
    revisions = (*(new.decode() for new, _ in tips), "--not", "--all")
    return Asked(revisions, tips=tips, before=before, held=tips)


def _framework_push(rest: list[str], lines: list[list[bytes]]) -> Asked:  # noqa: ARG001
    """What the pre-commit framework tells in the environment; by hand it tells nothing."""
    newest = variable(b"PRE_COMMIT_TO_REF") or "HEAD"
    remote = variable(b"PRE_COMMIT_REMOTE_NAME")
    if newest.startswith("-"):
        raise wrong(f"{newest!r} is no commit", "unset PRE_COMMIT_TO_REF")
    named = [(newest.encode("utf-8", "surrogateescape"), newest.encode("utf-8", "surrogateescape"))]
    excluded = f"--remotes={remote}" if remote else "--remotes"
    return Asked((newest, "--not", excluded), tips=named, held=named)


_ASKED = {
    "framework-push": _framework_push,
    "reference-transaction": _transaction,
    "pre-push": _push,
    "pre-receive": _receive,
}
