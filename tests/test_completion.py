"""git vsync completion: scripts that shells load, and that complete verbs and options."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.homes import Home, program
from tests.teams import done, refused

People = Callable[[str], Home]
ROOT = Path(__file__).resolve().parent.parent
INSTALLED = [shell for shell in ("bash", "zsh", "fish") if shutil.which(shell)]
LOADS = {
    "bash": 'source "$S" && complete -p git-vsync vsync',
    "zsh": 'autoload -U compinit; compinit -u -d "$S.dump"; source "$S"; print -r -- $_comps[git-vsync]',
    "fish": 'source "$S"; complete -c git-vsync',
}
ASKS = {
    "bash": {"COMP_WORDS": "git-vsync {0}", "COMP_CWORD": "1"},
    "zsh": {"COMP_WORDS": "git-vsync {0}", "COMP_CWORD": "1"},
    "fish": {"COMP_WORDS": "git-vsync {0}", "COMP_CWORD": "{0}"},
}


@pytest.fixture
def ana(home: People) -> Home:
    return home("ana")


@pytest.mark.parametrize("shell", INSTALLED)
def test_the_script_loads_and_registers_both_names(ana: Home, tmp_path: Path, shell: str) -> None:
    script = tmp_path / "script"
    script.write_text(done(ana.vsync("completion", shell, cwd=ana.path)).stdout)
    folder = Path(program()[0]).parent
    told = subprocess.run(
        [shell, "-c", LOADS[shell]],
        env={**ana.env, "S": str(script), "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "vsync" in told.stdout
    assert told.stderr == ""


@pytest.mark.parametrize("shell", ASKS)
@pytest.mark.parametrize(
    ("typed", "found", "not_found"), [("pu", {"push", "pull"}, {"use"}), ("ini", {"init"}, {"import"})]
)
def test_a_verb_is_completed(ana: Home, shell: str, typed: str, found: set[str], not_found: set[str]) -> None:
    asked = {name: text.format(typed) for name, text in ASKS[shell].items()}
    told = subprocess.run(
        program(),
        env={**ana.env, **asked, "_GIT_VSYNC_COMPLETE": f"{shell}_complete", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    words = set(told.stdout.replace(",", "\n").replace("\t", "\n").split("\n"))
    assert found <= words
    assert not words & not_found
    assert told.stderr == ""


def test_bash_completes_an_option_of_a_verb_in_the_shell_itself(ana: Home, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(done(ana.vsync("completion", "bash", cwd=ana.path)).stdout)
    line = (
        'source "$S"; COMP_WORDS=(git-vsync push --dr); COMP_CWORD=2; '
        '_git_vsync_completion git-vsync; echo "${COMPREPLY[@]}"'
    )
    told = subprocess.run(
        ["bash", "-c", line],
        env={
            **ana.env,
            "S": str(script),
            "PATH": f"{Path(program()[0]).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.split() == ["--dry-run"], told.stderr


def test_an_unknown_shell_is_named(ana: Home) -> None:
    refused(ana.vsync("completion", "tcsh", cwd=ana.path), 2, "'tcsh'", "bash")
    refused(ana.vsync("completion", cwd=ana.path), 2, "git vsync completion bash")
