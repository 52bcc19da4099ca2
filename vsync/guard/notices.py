"""One line after git moved the work tree: the lock names another version, or a new work tree has no vaults.

It never stops git: whatever goes wrong here is silence.
"""

from __future__ import annotations

import os
import sys

from vsync.guard.place import Place, find_place
from vsync.guard.processes import Process
from vsync.guard.report import harmless
from vsync.guard.rules import load_rules
from vsync.guard.words import Words

_LOCK = "vsync.lock"
_MOST_NAMES = 5
# Nothing of the environment or the current folder may decide whose code this is: that folder was just
# filled by somebody else. The user's own site-packages may hold what we need.
_OUR_PYTHON = ("-E", "-P", "-c")
_OUR_PROGRAM = (
    "import sys; sys.path[:0] = [where for where in [sys.argv.pop(1)] if where not in sys.path]; "
    "from vsync.__main__ import main; main()"
)


def notice(words: Words) -> str:
    """Return what to tell, empty when there is nothing."""
    try:
        place = find_place()
        before, after = _moved(words)
        if before and not before.strip("0"):
            return _new_work_tree(place)
        moved = _vaults_that_moved(before, after) if before and before != after else []
    except Exception:  # noqa: BLE001 - what others wrote into the lock must not make a line of every checkout
        return ""
    if not moved:
        return ""
    named = ", ".join(moved[:_MOST_NAMES]) + (" …" if len(moved) > _MOST_NAMES else "")
    return (
        f"vsync: the lock moved for {harmless(named)}: git vsync pull --locked takes what this commit needs\n"
    )


def _moved(words: Words) -> tuple[str, str]:
    """Return the commits before and after."""
    if words.hook == "framework-checkout":
        kind = os.environ.get("PRE_COMMIT_CHECKOUT_TYPE", "")
        words.rest = [os.environ.get(f"PRE_COMMIT_{end}_REF", "") for end in ("FROM", "TO")] + [kind]
    if words.hook.endswith("checkout"):
        # The last word is 0 when only files were checked out.
        return (words.rest[0], words.rest[1]) if words.rest[2:] == ["1"] else ("", "")
    if words.hook == "post-merge":
        return "ORIG_HEAD", "HEAD"
    rewritten = [line.split() for line in os.read(0, 1 << 20).decode("ascii", "replace").splitlines()]
    pairs = [line for line in rewritten if len(line) >= 2]  # noqa: PLR2004 - old and new
    return (pairs[-1][0], pairs[-1][1]) if pairs else ("", "")


def _vaults_that_moved(before: str, after: str) -> list[str]:
    ids = [
        Process(("rev-parse", "--quiet", "--verify", f"{commit}:{_LOCK}")).answer()
        for commit in (before, after)
    ]
    if ids[0] == ids[1]:
        return []
    import tomllib

    versions = []
    for commit, blob in zip((before, after), ids, strict=True):
        said = Process(("cat-file", "blob", f"{commit}:{_LOCK}")).answer() if blob else b""
        rows = tomllib.loads((said or b"").decode()).get("bundle", [])
        versions.append({str(row.get("name")): row.get("version") for row in rows if isinstance(row, dict)})
    return sorted(name for name, version in versions[1].items() if versions[0].get(name) != version)


def _new_work_tree(place: Place) -> str:
    """Fetch the vaults of a new work tree where the user wants that, else offer it."""
    vaults = load_rules(place).vaults
    top = place.top or ""
    if not top or all(os.path.isdir(os.path.join(top, vault)) for vault in vaults):
        return ""
    # A commit without a lock belongs to no version: then it is the newest.
    locked = ["--locked"] if os.path.isfile(os.path.join(top, _LOCK)) else []
    said = Process(("config", "--type=bool", "--get", "vsync.seedWorktrees")).answer() or b""
    if said.strip() != b"true":
        return f"vsync: this work tree has no vaults yet: {' '.join(['git vsync pull', *locked])}\n"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    ours = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    words = [sys.executable, *_OUR_PYTHON, _OUR_PROGRAM, ours, "pull", *locked, "--no-input"]
    # Git reads what a hook writes to stdout as its own.
    actions = [(os.POSIX_SPAWN_DUP2, 2, 1)]
    pid = os.posix_spawn(sys.executable, words, kept, file_actions=actions)
    os.waitpid(pid, 0)
    return ""
