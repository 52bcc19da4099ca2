"""What the project promises about itself: layers, weight at start, one boundary, public names."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from random import Random

import pytest

import vsync.runtime
from tests.homes import Home
from vsync.errors import GRAVEST_FIRST, gravest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "vsync"
OUTSIDE = {"boto3", "botocore", "keyring", "subprocess", "click", "rich", "socket"}
UP = {"vsync.cli", "vsync.wiring"}

# Layer → what it must not import, anywhere in its files, not even late.
FORBIDDEN = {
    "vsync.errors": {"vsync"},
    "vsync.model": {"vsync.formats", "vsync.store", "vsync.keys", "vsync.sync", *OUTSIDE, *UP},
    **{
        rules: {"vsync.formats", "vsync.config", "vsync.store", "vsync.keys", "vsync.sync", *OUTSIDE, *UP}
        for rules in ("vsync.drift", "vsync.schema", "vsync.patterns")
    },
    **{
        rules: {"vsync.vault", "vsync.machine", "vsync.store", "vsync.keys", "vsync.sync", *OUTSIDE, *UP}
        for rules in ("vsync.merge", "vsync.checks")
    },
    "vsync.formats": {"pathlib", "os.path", "tomlkit", "filelock", *OUTSIDE, *UP},
    "vsync.config": {"vsync.sync", "vsync.store", "vsync.keys", "vsync.runtime", *OUTSIDE, *UP},
    "vsync.store": {"vsync.sync", "vsync.keys", "vsync.machine", "vsync.runtime", "click", "keyring", *UP},
    "vsync.keys": {"vsync.sync", "vsync.store", "vsync.runtime", "click", "boto3", "botocore", *UP},
    "vsync.git": {"vsync.sync", "vsync.store", "vsync.keys", "git", "click", *UP},
    "vsync.vault": {"vsync.sync", "vsync.store", "vsync.keys", "vsync.git", *OUTSIDE, *UP},
    "vsync.machine": {"vsync.sync", "vsync.runtime", "vsync.git", *OUTSIDE, *UP},
    "vsync.sync": {"vsync.terminal", "vsync.report", "tomlkit", *OUTSIDE, *UP},
    "vsync.world": {"vsync.sync", "vsync.terminal", *OUTSIDE, *UP},
    "vsync.runtime": {"vsync.sync", "vsync.keys", "vsync.git", "keyring", "click", "git", "subprocess", *UP},
    "vsync.guard": {
        *("vsync.errors", "vsync.model", "vsync.formats", "vsync.config", "vsync.git", "vsync.machine"),
        *("vsync.sync", "vsync.store", "vsync.keys", "vsync.runtime", "pathlib", "dataclasses"),
        *(*OUTSIDE, *UP),
    },
    "vsync.hooks": {"vsync.sync", "vsync.store", "vsync.keys", "vsync.guard", "click", *UP},
    "vsync.unguarded": {
        *("vsync.sync", "vsync.store", "vsync.keys", "vsync.guard", "vsync.hooks", "click", *UP),
    },
    "vsync.reports": {"vsync.sync", "vsync.store", "vsync.keys", "vsync.world", *OUTSIDE, *UP},
    "vsync.report": {"vsync.sync", "vsync.store", "vsync.keys", "vsync.world", *OUTSIDE, *UP},
}
SPEAKERS = {
    *("vsync.cli.main", "vsync.cli.bug", "vsync.terminal", "vsync.report"),
    "vsync.guard.run",
}
HEAVY = {
    "boto3",
    "botocore",
    "cryptography",
    "keyring",
    "tomlkit",
    "rich",
    "filelock",
    "dotenv",
    "git",
    "regex",
}


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    assert len(found) > 60
    return found


MODULES = modules()


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text("utf-8"))


def imports(nodes: Iterator[ast.AST]) -> set[str]:
    """Return the modules that import statements name; the project itself has no relative ones."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            base = node.module or ""
            deeper = {f"{base}.{alias.name}" for alias in node.names}
            found |= {base} | (deeper & set(MODULES))
    return found


def under(name: str, layer: str) -> bool:
    return name == layer or name.startswith(f"{layer}.")


def members(layer: str) -> list[str]:
    return [module for module in MODULES if under(module, layer)]


@pytest.mark.parametrize(("layer", "names"), FORBIDDEN.items())
def test_a_layer_does_not_reach_up_or_out(layer: str, names: set[str]) -> None:
    assert members(layer)
    wrong = {
        f"{module} imports {found}"
        for module in members(layer)
        for found in imports(ast.walk(tree_of(module)))
        if any(under(found, name) for name in names) and not under(found, layer)
    }
    assert wrong == set()


def test_formats_know_only_errors_and_model() -> None:
    known = {"vsync.errors", "vsync.model", "vsync.formats"}
    wrong = {
        f"{module} imports {found}"
        for module in members("vsync.formats")
        for found in imports(ast.walk(tree_of(module)))
        if under(found, "vsync") and not any(under(found, name) for name in known)
    }
    assert wrong == set()


def test_only_the_command_line_imports_what_builds_the_world() -> None:
    importers = {module for module in MODULES if "vsync.wiring" in imports(ast.walk(tree_of(module)))}
    assert importers
    assert {module for module in importers if not under(module, "vsync.cli")} == set()


def early(module: str) -> set[str]:
    """Return what a module imports when it is imported itself: not in functions, not for types only."""

    def statements(body: list[ast.stmt]) -> Iterator[ast.AST]:
        for node in body:
            if isinstance(node, ast.If):
                if "TYPE_CHECKING" not in ast.dump(node.test):
                    yield from statements([*node.body, *node.orelse])
            elif isinstance(node, ast.Try):
                yield from statements([*node.body, *node.orelse, *node.finalbody])
            else:
                yield node

    return {name for name in imports(statements(tree_of(module).body)) if name in MODULES}


def test_no_module_imports_itself_by_a_detour() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path, module])
        if module not in done:
            # A package that its own module names is that module's parent, and loaded already.
            for name in early(module) - {module.rpartition(".")[0]}:
                visit(name, (*path, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())
    assert done == set(MODULES)


def loaded(words: list[str], home: Home, cwd: Path) -> set[str]:
    """Return the top-level names that a fresh process imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words],
        cwd=cwd,
        env={**home.env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
    names = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "vsync" in names
    return {name.partition(".")[0] for name in names} | names


def test_help_loads_no_library_but_the_parser(home: Callable[[str], Home], tmp_path: Path) -> None:
    names = loaded(["-m", "vsync", "-h"], home("ana"), tmp_path)
    assert "click" in names
    assert names & HEAVY == set()
    assert "vsync.wiring" not in names


def test_an_offline_status_loads_neither_network_nor_keys(home: Callable[[str], Home]) -> None:
    ana = home("ana")
    repository = ana.path / "myapp"
    repository.mkdir()
    ana.git("init", cwd=repository)
    assert ana.vsync("init", "dev", cwd=repository).returncode == 0
    (repository / "infra" / "vault" / "dev" / ".env.dev").write_text("A=1\n")
    assert ana.vsync("push", "dev", cwd=repository).returncode == 0
    names = loaded(["-m", "vsync", "status"], ana, repository)
    assert names & (HEAVY - {"cryptography", "dotenv"}) == set()
    # Small beside those, and together an eighth of the start.
    assert names & {"zipfile", "csv", "random", "vsync.formats.envelope", "vsync.store.interface"} == set()


def test_reading_the_configuration_loads_little_but_toml(home: Callable[[str], Home], tmp_path: Path) -> None:
    names = loaded(["-c", "import vsync.config.load"], home("ana"), tmp_path)
    assert "tomllib" in names
    assert names & {"dataclasses", "inspect", "json", "base64", *HEAVY} == set()


def test_the_runtime_loads_neither_command_line_nor_git_nor_keychain(
    home: Callable[[str], Home], tmp_path: Path
) -> None:
    names = loaded(["-c", "import vsync.runtime"], home("ana"), tmp_path)
    assert names & {"click", "git", "keyring", "boto3", "botocore", "tomlkit", "rich", "filelock"} == set()
    assert {name for name in names if name.startswith(("vsync.cli", "vsync.keys", "vsync.git"))} == set()


def calls(module: str) -> list[ast.Call]:
    return [node for node in ast.walk(tree_of(module)) if isinstance(node, ast.Call)]


def test_only_the_boundary_prints_or_exits() -> None:
    ends = {"print", "exit", "quit", "sys.exit", "os._exit", "posix._exit"}
    found = {
        (module, ast.unparse(call.func))
        for module in MODULES
        for call in calls(module)
        if ast.unparse(call.func) in ends
    }
    assert ("vsync.cli.main", "print") in found
    assert {f"{module}: {name}" for module, name in found if module not in SPEAKERS} == set()
    # The guard is a program of its own.
    assert {module for module, name in found if name != "print"} == {"vsync.cli.main", "vsync.guard.run"}


@pytest.mark.parametrize(("argument", "value"), [("verify", False), ("shell", True)])
def test_nobody_switches_protection_off(argument: str, value: object) -> None:
    # attack 79
    wrong = [
        f"{module}:{call.lineno}"
        for module in MODULES
        for call in calls(module)
        for keyword in call.keywords
        if keyword.arg == argument
        and (not isinstance(keyword.value, ast.Constant) or keyword.value.value is value)
        and ast.unparse(call.func).partition(".")[0]
        in {"subprocess", "session", "Session", "boto3", "requests"}
    ]
    assert wrong == []


def test_no_source_disables_certificates_or_uses_a_shell() -> None:
    pattern = re.compile(
        r"verify\s*=\s*False|shell\s*=\s*True|CERT_NONE|_create_unverified|os\.system|os\.popen"
    )
    assert [name for name, path in MODULES.items() if pattern.search(path.read_text("utf-8"))] == []


def test_the_gravest_code_wins() -> None:
    assert [code for code in GRAVEST_FIRST if code not in {130, 3, 2}] == [13, 12, 15, 11, 10, 14, 1]
    assert len(set(GRAVEST_FIRST)) == len(GRAVEST_FIRST)
    for start in range(len(GRAVEST_FIRST)):
        mixed = [0, *GRAVEST_FIRST[start:]]
        Random(start).shuffle(mixed)
        assert gravest(mixed) == GRAVEST_FIRST[start]
    assert gravest([]) == gravest([0, 0]) == 0


def test_the_runtime_has_these_public_names_and_no_other() -> None:
    promised = {
        *("open_vault", "Vault", "EnvSource", "VSyncError", "ConfigMissingError"),
        *("ConfigUnsupportedVersionError", "S3UnreachableError", "ManifestNotFoundError"),
        *("WrongPassphraseError", "BundleCorruptError", "UnsupportedSpecVersionError"),
    }
    assert set(vsync.runtime.__all__) == promised
    assert all(hasattr(vsync.runtime, name) for name in promised)
    methods = {name for name in vars(vsync.runtime.Vault) if not name.startswith("_")}
    assert methods == {
        *("get_env", "has_env", "env_source", "get_as_content", "keys", "files", "generation"),
        *("remote_generation", "has_new_version", "refresh", "close"),
    }


def test_the_package_is_typed_and_has_both_names_of_the_program() -> None:
    assert (PACKAGE / "py.typed").exists()
    text = (ROOT / "pyproject.toml").read_text()
    for name in ("vsync", "git-vsync"):
        assert f'{name} = "vsync.__main__:main"\n' in text
    scripts = {
        point.name for point in entry_points(group="console_scripts") if point.value == "vsync.__main__:main"
    }
    assert scripts in (set(), {"vsync", "git-vsync"})


def test_every_module_says_what_it_is_for() -> None:
    silent = [name for name in MODULES if not ast.get_docstring(tree_of(name)) and name != "vsync.__main__"]
    assert silent == []
