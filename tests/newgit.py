"""A git with hooks in its configuration, where the git here is older than 2.54.

It is the git that is here, but for what such hooks need: its version, `git hook list`, and `commit`
runs what is configured for pre-commit first. As git 2.55 does: a hook that is switched off is listed
with a word before its name, and `core.hooksPath` has no say in it.
"""

import os
import shutil
from pathlib import Path

SCRIPT = """\
#!/bin/sh
real={git}
named() {{
    "$real" config --get-regexp '^hook\\..*\\.event$' "^$1$" | sed 's/^hook\\.\\(.*\\)\\.event .*/\\1/'
}}
enabled() {{ test "$("$real" config --type=bool --get "hook.$1.enabled")" != false; }}
case "$*" in
    version) echo "git version 2.54.0"; exit ;;
    "hook list -z --show-scope "*)
        for name in $(named "$5"); do
            if enabled "$name"; then printf 'local\\t%s\\0' "$name"
            else printf 'local\\tdisabled\\t%s\\0' "$name"; fi
        done
        exit ;;
    *--no-verify*) ;;
    "commit "* | "-c "*" commit "*)
        for name in $(named pre-commit); do
            if enabled "$name"; then sh -c "$("$real" config --get "hook.$name.command")" || exit 1; fi
        done ;;
esac
exec "$real" "$@"
"""


def use_new_git(folder: Path) -> None:
    """Put the newer git first on PATH, unless the one that is there is new enough itself."""
    from vsync.git import Repository

    if Repository(folder, folder, folder).has_configured_hooks():
        return
    git = shutil.which("git")
    assert git
    program = folder / "new git" / "git"
    program.parent.mkdir()
    program.write_text(SCRIPT.format(git=git))
    program.chmod(0o755)
    os.environ["PATH"] = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    assert Repository(folder, folder, folder).has_configured_hooks()
