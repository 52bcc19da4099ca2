"""The documents say what the program does: compared with it, command by command and word by word.

`python -m tests.test_docs` writes docs/exit-codes.md anew from vsync/errors.py.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from tests.homes import Home, run_vsync
from vsync import errors
from vsync.cli.common import EVERYWHERE
from vsync.cli.main import VERBS, cli
from vsync.errors import GRAVEST_FIRST, VsyncError

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
MANUAL = DOCS / "man" / "git-vsync.1"
EXIT_CODES = DOCS / "exit-codes.md"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
SOURCES = sorted((ROOT / "vsync").rglob("*.py"))

# Verbs of tools that write what this release only reads: a token, a keytree.
NAMED_AHEAD = {"keystore", "runtime-token"}

MEANINGS = {
    0: "done, in sync, clean",
    1: "looked and found: drift, a guarded file, a difference, an outdated template, an altered audit "
    "log, a store that lacks something",
    3: "a bug in vsync: says where the report was written",
    130: "interrupted (143 after SIGTERM)",
}


def exit_codes_page() -> str:
    """Return docs/exit-codes.md as vsync/errors.py has it."""
    kinds = sorted(_kinds(VsyncError), key=lambda kind: kind.exit_code)
    rows = [(code, "", text) for code, text in MEANINGS.items()]
    rows += [(kind.exit_code, f"`{kind.__name__}`", _first_sentence(kind)) for kind in kinds]
    lines = [f"| {code} | {name} | {text} |" for code, name, text in sorted(rows, key=lambda row: row[0])]
    grave = ", ".join(str(code) for code in GRAVEST_FIRST)
    return (
        "# Exit codes\n\n"
        "<!-- Made from vsync/errors.py: python -m tests.test_docs -->\n\n"
        "| code | error | meaning |\n|---|---|---|\n" + "\n".join(lines) + "\n\n"
        "Verbs that look try every vault, verbs that write stop at the first failure; the gravest code "
        f"wins: {grave}.\n\n"
        "An error is `vsync: error: …` and `vsync: hint: …` on the standard error, or with `--json` an "
        "object of `errors` with `code`, `message` and `hint`. A finding is a result, never an error.\n"
    )


def _kinds(kind: type[VsyncError]) -> Iterator[type[VsyncError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from _kinds(child)


def _first_sentence(kind: type[VsyncError]) -> str:
    text = (kind.__doc__ or "").split("\n", 1)[0].rstrip(".").replace("|", "\\|")
    return text[:1].lower() + text[1:]


def command_of(verb: str) -> click.Command:
    command = cli.get_command(click.Context(cli), verb)
    assert isinstance(command, click.Command)
    return command


def options_of(parameters: list[click.Parameter] | tuple[click.Parameter, ...]) -> set[str]:
    found = [one for one in parameters if isinstance(one, click.Option)]
    return {word for one in found for word in (*one.opts, *one.secondary_opts)}


def own_options(verb: str) -> set[str]:
    return options_of(command_of(verb).params) - options_of(EVERYWHERE)


def manual_sections() -> dict[str, str]:
    """Return the manual's text under each verb."""
    verbs = MANUAL.read_text().split("\n.Sh VERBS\n")[1].split("\n.Sh ")[0]
    parts = re.split(r"(?m)^\.Ss git vsync ([a-z]+).*\n", verbs)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def documented_options(text: str) -> set[str]:
    items = [line for line in text.splitlines() if line.startswith(".It Fl ")]
    return {f"-{name}" for line in items for name in re.findall(r"(?<=[ ])Fl (-?[A-Za-z][a-z-]*)", line)}


def commands_in(path: Path) -> list[str]:
    """Return every `git vsync …` of a page, from its code blocks and between backticks."""
    text = path.read_text()
    if path == MANUAL:
        blocks = re.findall(r"(?ms)^\.Bd -literal.*?$(.*?)^\.Ed", text)
        inline: list[str] = re.findall(r"(?m)^\.Ql (git vsync .*)$", text)
    else:
        blocks = re.findall(r"(?ms)^```sh$(.*?)^```$", text)
        inline = re.findall(r"`(git vsync [^`]+)`", re.sub(r"(?ms)^```.*?^```$", "", text))
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in [*lines, *inline] if line.startswith("git vsync ")]


def check_command(line: str) -> None:
    """Let click read a command; it raises for a verb or an option that does not exist."""
    words = shlex.split(line, comments=True)[2:]
    words = [word for word in words if word not in {"…", "VERB", "-h", "--help"}]
    if ">" in words:
        words = words[: words.index(">")]
    _, rest, _ = cli.make_parser(click.Context(cli)).parse_args(list(words))
    if rest:
        command = command_of(rest[0])
        if rest[1:]:  # a verb alone is how one talks about it
            command.make_context(rest[0], rest[1:])


def test_the_verbs_in_the_readme_are_those_of_the_help(empty_home: Path) -> None:
    shown = run_vsync(["-h"], empty_home, os.environ).stdout
    verbs = shown.split("Verbs:\n")[1].split("\n\n")[0]
    readme = (ROOT / "README.md").read_text().split("## Verbs\n\n```\n")[1].split("\n```")[0]
    assert readme == verbs
    assert len(verbs.splitlines()) == len(VERBS)


def test_the_readme_opens_with_what_it_does_and_exactly_two_commands() -> None:
    before, block = (ROOT / "README.md").read_text().split("\n```\n")[0].split("\n```sh\n")
    assert 3 <= len(before.split(". ")) <= 6
    assert [line.split("#")[0].strip() for line in block.splitlines()] == ["make demo", "make test"]


def test_the_quick_start_of_the_readme_works_as_it_stands(home: Callable[[str], Home]) -> None:
    ana = home("ana")
    repository = ana.path / "myapp"
    repository.mkdir()
    ana.git("init", cwd=repository)
    block = (ROOT / "README.md").read_text().split("## Quick start")[1].split("```sh\n")[1].split("```")[0]
    assert len(block.splitlines()) == 5
    path = os.pathsep.join([str(Path(sys.executable).parent), ana.env["PATH"]])
    done = subprocess.run(
        ["bash", "-euxc", block],
        cwd=repository,
        env={**ana.env, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "clean, up to date" in done.stdout
    assert (repository / ".env").read_text() == "DATABASE_URL=postgres://localhost/dev\n"


@pytest.mark.parametrize("verb", VERBS)
def test_the_manual_has_every_option_of_a_verb_and_no_other(verb: str) -> None:
    assert documented_options(manual_sections()[verb]) == own_options(verb)


def test_the_manual_has_every_verb_and_no_other() -> None:
    assert list(manual_sections()) == list(VERBS)


def test_the_manual_has_the_options_that_stand_everywhere() -> None:
    section = MANUAL.read_text().split("\n.Sh OPTIONS\n")[1].split("\n.Sh ")[0]
    expected = options_of(EVERYWHERE) | {"-h", "--help", "--version"}
    assert documented_options(section) == expected
    assert options_of(cli.params) | {"-h", "--help"} == expected


@pytest.mark.parametrize("path", [*PAGES, MANUAL], ids=lambda path: path.name)
def test_every_command_in_a_document_is_one_that_the_program_takes(path: Path) -> None:
    for line in commands_in(path):
        try:
            check_command(line)
        except (click.ClickException, VsyncError) as error:
            pytest.fail(f"{line!r}: {error}")


def test_the_search_for_commands_finds_those_that_are_there() -> None:
    assert len([line for path in PAGES for line in commands_in(path)]) > 60
    assert len(commands_in(MANUAL)) > 10
    for wrong in ("git vsync push --frce", "git vsync completion tcsh", "git vsync profile add --buckt b"):
        with pytest.raises(click.ClickException):
            check_command(wrong)


def test_hints_name_verbs_that_exist() -> None:
    named = {
        verb for path in SOURCES for verb in re.findall(r"git vsync ([a-z][a-z-]+)", path.read_text("utf-8"))
    }
    assert len(named) > 10
    assert named - set(VERBS) <= NAMED_AHEAD


def test_the_page_of_exit_codes_is_made_from_the_errors() -> None:
    assert EXIT_CODES.read_text() == exit_codes_page()


def test_the_manual_and_the_page_have_the_same_exit_codes() -> None:
    section = MANUAL.read_text().split("\n.Sh EXIT STATUS\n")[1].split("\n.Sh ")[0]
    codes = {kind.exit_code for kind in _kinds(VsyncError)} | set(MEANINGS)
    assert {int(code) for code in re.findall(r"(?m)^\.It ([0-9]+)$", section)} == codes
    assert set(GRAVEST_FIRST) == codes - {0}


def sections_of(path: Path, pattern: str = r"(?m)^#+ ([0-9][0-9.]*?)\.? ") -> set[str]:
    return set(re.findall(pattern, path.read_text()))


def cited(phrase: str) -> dict[str, str]:
    """Return the numbers that code and tests cite after a phrase, and where."""
    number = r"§*[0-9]+(?:\.[0-9]+)*"
    pattern = re.compile(rf"{phrase} ({number}(?:(?:, | and |, and ){number})*)")
    found = {}
    for path in [*SOURCES, *(ROOT / "tests").rglob("*.py")]:
        for match in pattern.findall(path.read_text("utf-8")):
            found.update(dict.fromkeys(re.findall(r"[0-9]+(?:\.[0-9]+)*", match), path.name))
    return found


@pytest.mark.parametrize(
    ("phrase", "page"), [(r"\bformats", "format.md"), (r"\bproduct contract", "design.md")]
)
def test_every_section_that_code_cites_exists(phrase: str, page: str) -> None:
    citations = cited(phrase)
    assert len(citations) > 4
    missing = {
        section: where for section, where in citations.items() if section not in sections_of(DOCS / page)
    }
    assert missing == {}


def test_every_attack_that_code_cites_is_in_the_threat_model() -> None:
    known = set(re.findall(r"(?m)^\| ([0-9]+) \|", (DOCS / "threat-model.md").read_text()))
    citations = cited(r"\battacks?")
    assert len(citations) > 4
    assert {number: where for number, where in citations.items() if number not in known} == {}


def test_every_variable_of_the_program_is_documented() -> None:
    names = {
        name for path in SOURCES for name in re.findall(r"\bVSYNC_[A-Z_]*[A-Z]", path.read_text("utf-8"))
    }
    names -= {"VSYNC_KEY_MYAPP_PROD"}
    assert len(names) > 8
    page = (DOCS / "configuration.md").read_text()
    assert {name for name in names if name not in page} == set()
    assert {name for name in names if name not in MANUAL.read_text()} == set()


def slugs(path: Path) -> set[str]:
    headings: list[str] = re.findall(r"(?m)^#+ (.*)$", path.read_text())
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", path.read_text()):
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f"{link} in {path.name}"
        assert not anchor or anchor in slugs(target), f"{link} in {path.name}"


def test_every_document_is_linked_from_the_readme_or_from_one_that_is() -> None:
    linked = {
        (path.parent / link.partition("#")[0]).resolve()
        for path in PAGES
        for link in re.findall(r"\]\(([^)]+)\)", path.read_text())
    }
    pages = [path for path in [*DOCS.glob("*.md"), MANUAL, *ROOT.glob("*.md")] if path.name != "README.md"]
    assert [path.name for path in pages if path not in linked] == []


def test_the_glossary_is_sorted_and_each_word_in_use() -> None:
    words = re.findall(r"(?m)^\| ([^|]+) \| ", (DOCS / "glossary.md").read_text())[1:]
    assert words == sorted(words)
    assert len(words) == len(set(words))
    assert {"vault", "mapping", "bundle", "version", "head", "drift", "pointer", "binding"} <= set(words)
    texts = " ".join(path.read_text("utf-8").lower() for path in [*PAGES, MANUAL, *SOURCES])
    plain = " ".join(texts.split())
    assert [word for word in words if plain.count(word.lower()) < 2] == []


def test_a_decision_has_problem_options_decision_and_cost() -> None:
    records = sorted((DOCS / "adr").glob("*.md"))
    assert [path.name[:4] for path in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    for path in records:
        for part in ("Problem", "Options", "Decision", "Cost"):
            assert f"**{part}.**" in path.read_text(), f"{part} in {path.name}"


def test_every_change_names_its_issue() -> None:
    lines = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("- ")]
    assert len(lines) > 5
    assert [line for line in lines if not re.search(r" \(#[0-9]+\)\.$", line)] == []


@pytest.mark.man
def test_the_manual_renders_without_a_warning() -> None:
    done = subprocess.run(
        ["man", "--warnings=w", "-E", "UTF-8", "-l", str(MANUAL)],
        env={**os.environ, "MANPAGER": "cat", "MANWIDTH": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "VSYNC_KEY_<SECRET_NAME>" in done.stdout


def test_completion_puts_the_manual_where_man_looks_below_the_home(home: Callable[[str], Home]) -> None:
    ana = home("ana")
    for _ in range(2):  # the second time over the page of the first
        done = ana.vsync("completion", "--man", cwd=ana.path)
        assert done.returncode == 0, done.stderr
    target = ana.path / ".local" / "share" / "man" / "man1" / "git-vsync.1"
    assert target.read_text().startswith(".Dd ")
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("words", [[], ["bash", "--man"]])
def test_completion_takes_either_a_shell_or_the_manual(words: list[str], home: Callable[[str], Home]) -> None:
    ana = home("ana")
    done = ana.vsync("completion", *words, cwd=ana.path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "either a shell or --man" in done.stderr


if __name__ == "__main__":
    EXIT_CODES.write_text(exit_codes_page())
