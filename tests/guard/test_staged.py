"""What is staged is what is judged: the index that git is given, never the work tree."""

import hashlib
import os
from pathlib import Path

import pytest

from tests.guard.repositories import PRIVATE_KEY, VSYNC_TOML, Repository


def test_a_path_in_a_vault_is_found(mapped: Repository) -> None:
    mapped.stage("infra/vault/prod/gcp.json", "{}")
    assert mapped.found() == [("infra/vault/prod/gcp.json", None, "vault-path", None)]


@pytest.mark.parametrize("path", ["Infra/VAULT/prod/x", "infra/vault/prod"])
def test_another_case_or_a_link_in_place_of_the_vault_is_found(mapped: Repository, path: str) -> None:
    # attack 73
    blob = mapped.git("hash-object", "-w", "--stdin", stdin=b"../elsewhere").decode().strip()
    mapped.git("update-index", "--add", "--cacheinfo", f"120000,{blob},{path}")
    assert mapped.found() == [(path, None, "vault-path", None)]


def test_a_vault_reached_through_a_link_is_found_where_git_sees_it(mapped: Repository) -> None:
    # attack 73
    (mapped.top / "real" / "vault" / "prod").mkdir(parents=True)
    os.symlink("real", mapped.top / "infra")
    mapped.stage("real/vault/prod/a.pem", "x")
    assert mapped.found() == [("real/vault/prod/a.pem", None, "vault-path", None)]
    os.unlink(mapped.top / "infra")
    assert mapped.found() == []


def test_plain_values_of_an_env_file_are_found_by_name_and_line(repository: Repository) -> None:
    text = 'EMPTY=\nREF=${OTHER}\nexport KEY="two\nlines"\nLAST=x # a comment\nCIPHER=encrypted:BDqDBibm\n'
    repository.stage("services/api/.env.prod", text)
    assert repository.found() == [
        ("services/api/.env.prod", 3, "env-plaintext", "KEY"),
        ("services/api/.env.prod", 5, "env-plaintext", "LAST"),
    ]


@pytest.mark.parametrize("name", [".env", ".ENV", "prod.env", ".env.local.bak", ".env.production"])
def test_every_name_of_an_env_file_counts(repository: Repository, name: str) -> None:
    # attack 65
    repository.stage(f"a/{name}", "KEY=value\n")
    assert repository.found() == [(f"a/{name}", 1, "env-plaintext", "KEY")]


@pytest.mark.parametrize(
    "name", [".env.example", ".env.prod.sample", "x.env.template", ".env.dist", ".envrc", "environment"]
)
def test_a_template_is_no_env_file(repository: Repository, name: str) -> None:
    repository.stage(name, "KEY=value\n")
    assert repository.found() == []


@pytest.mark.parametrize(
    ("path", "rule"),
    [(".env.keys", "env-keys"), ("a/b.share", "share"), ("B.SHARE", "share"), ("k.keytree", "keytree")],
)
def test_files_that_are_secrets_by_their_name_are_found(repository: Repository, path: str, rule: str) -> None:
    repository.stage(path, "x")
    assert repository.found() == [(path, None, rule, None)]


def test_key_material_is_found_by_its_header_anywhere(repository: Repository) -> None:
    age = "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" * 2
    repository.stage("src/a.py", f"# a test\nKEY = '''{PRIVATE_KEY}'''\n")
    repository.stage("b.json", '{"k":"' + PRIVATE_KEY.replace("\n", "\\n") + '"}')
    repository.stage("c.txt", f"\n\n{age[:74]}\n")
    repository.stage("d.txt", PRIVATE_KEY.encode("utf-16"))
    assert [row[:3] for row in repository.found()] == [
        ("b.json", 1, "private-key"),
        ("c.txt", 3, "private-key"),
        ("d.txt", 1, "private-key"),
        ("src/a.py", 2, "private-key"),
    ]


def test_a_header_that_is_only_mentioned_is_no_key(repository: Repository) -> None:
    mention = "-----BEGIN PRIVATE KEY-----"
    repository.stage(
        "a.py", f'if text.startswith("{mention}"):\n    raise ValueError("AGE-SECRET-KEY-1 found")\n'
    )
    assert repository.found() == []


def test_a_conflict_marker_in_ciphertext_is_found(repository: Repository) -> None:
    text = "<<<<<<< ours\nKEY=encrypted:abc\n=======\nKEY=encrypted:abd\n>>>>>>> theirs\n"
    repository.stage(".env.prod", text)
    repository.stage("notes.md", text.replace("encrypted:", ""))
    assert repository.found() == [(".env.prod", 1, "conflict-marker", None)]


def test_what_is_staged_counts_and_what_lies_around_does_not(repository: Repository) -> None:
    # attack 62
    repository.stage(".env", "KEY=secret\n")
    repository.write(".env", "KEY=\n")
    assert repository.found() == [(".env", 1, "env-plaintext", "KEY")]
    repository.git("add", ".env")
    repository.write(".env", "KEY=secret\n")
    assert repository.found() == []


def test_the_index_of_the_commit_that_is_being_made_is_read(mapped: Repository, tmp_path: Path) -> None:
    # attack 63
    index = str(tmp_path / "other-index")
    mapped.git("read-tree", "HEAD", GIT_INDEX_FILE=index)
    mapped.write("a.env", "KEY=secret\n")
    mapped.git("add", "a.env", GIT_INDEX_FILE=index)
    assert mapped.found() == []
    assert mapped.found(GIT_INDEX_FILE=index) == [("a.env", 1, "env-plaintext", "KEY")]


def test_looking_changes_neither_the_index_nor_the_work_tree(mapped: Repository) -> None:
    # attack 71
    mapped.stage(".env", "KEY=secret\n")
    index = mapped.top / ".git" / "index"
    before = hashlib.sha256(index.read_bytes()).digest()
    mapped.found()
    mapped.found("--all")
    assert hashlib.sha256(index.read_bytes()).digest() == before
    assert {entry.name for entry in mapped.top.iterdir()} == {".git", ".env", "vsync.toml"}


def test_no_program_of_the_repository_is_run(mapped: Repository, tmp_path: Path) -> None:
    # attack 71
    trap = tmp_path / "trap"
    program = mapped.write("program", f"#!/bin/sh\ntouch {trap}\ncat\n")
    program.chmod(0o755)
    for key in ("core.fsmonitor", "diff.external", "diff.x.textconv", "filter.x.clean", "filter.x.smudge"):
        mapped.git("config", key, str(program))
    mapped.write(".gitattributes", "* filter=x diff=x\n")
    mapped.write("a.txt", "x")
    blob = mapped.git("hash-object", "-w", "--no-filters", "a.txt").decode().strip()
    mapped.git("-c", "core.fsmonitor=false", "update-index", "--add", "--cacheinfo", f"100644,{blob},a.txt")
    trap.unlink(missing_ok=True)
    assert mapped.found() == []
    assert not trap.exists()


def test_names_with_newlines_and_other_bytes_are_judged(mapped: Repository) -> None:
    # attack 69, attack 92
    for path in (b"a\nb/.env", b"\xff\xfe/.env", "\u202e/\x1b[2J.env".encode()):
        mapped.stage(path, "KEY=secret\n")
    assert {row[0] for row in mapped.found()} == {"\\u202e/\\x1b[2J.env", "\\xff\\xfe/.env", "a\\nb/.env"}
    done = mapped.guard()
    assert done.stdout.isascii()
    assert done.stdout.count("\n") == 4


def test_a_comment_or_an_entry_with_a_reason_lets_pass_and_is_listed(repository: Repository) -> None:
    allow = '\n[[guard.allow]]\npath = "tests/**/*.env"\nrule = "env-plaintext"\nreason = "made up"\n'
    repository.map_vault(allow)
    repository.stage("tests/a/b/x.env", "KEY=value\n")
    repository.stage("y.env", "KEY=value # vsync:allow\n")
    answer = repository.answer()
    assert answer["findings"] == []
    assert [(row["path"], row["reason"]) for row in answer["allowed"]] == [
        ("tests/a/b/x.env", "made up"),
        ("y.env", "allowed on the line"),
    ]
    assert "2 allowed" in repository.guard().stdout


def test_the_rules_follow_the_configuration_in_the_index(repository: Repository) -> None:
    repository.stage("infra/vault/prod/x", "x")
    assert repository.found() == []
    repository.write("vsync.toml", VSYNC_TOML)
    assert repository.found() == [("infra/vault/prod/x", None, "vault-path", None)]
    repository.stage("vsync.toml", VSYNC_TOML.replace("prod", "dev"))
    assert repository.found() == []
    repository.stage("apps/api/vsync.toml", VSYNC_TOML)
    repository.stage("apps/api/infra/vault/prod/x", "x")
    assert repository.found() == [("apps/api/infra/vault/prod/x", None, "vault-path", None)]


def test_a_folder_of_ciphertext_of_another_tool_is_no_vault(repository: Repository) -> None:
    repository.stage("envdrift.toml", VSYNC_TOML.replace('"file"', '"azure"'))
    repository.stage("infra/vault/prod/x", "x")
    assert repository.found() == []


@pytest.mark.parametrize("broken", ["[vault", '[[guard.allow]]\npath = "x"\nrule = "share"\n', "vault = 1\n"])
def test_a_configuration_nobody_understands_is_no_pass(repository: Repository, broken: str) -> None:
    repository.stage("vsync.toml", broken)
    done = repository.guard()
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("vsync: error: vsync.toml: ")


def test_files_that_are_named_are_looked_at_although_nothing_changed(mapped: Repository) -> None:
    mapped.stage("a/.env", "KEY=value\n")
    mapped.commit()
    assert mapped.found() == []
    assert mapped.found("a/.env", "vsync.toml") == [("a/.env", 1, "env-plaintext", "KEY")]
    assert mapped.found("a") == mapped.found("--all") == mapped.found("a/.env")


def test_nothing_scanned_though_files_were_named_is_an_error(mapped: Repository) -> None:
    # attack 72
    mapped.write("untracked.py", "x")
    done = mapped.guard("vsync.toml", "untracked.py")
    assert (done.returncode, done.stdout) == (15, "")
    assert "the index has no 'untracked.py'" in done.stderr


def test_nothing_staged_is_not_called_passed(mapped: Repository) -> None:
    done = mapped.guard()
    assert (done.returncode, done.stdout) == (0, "vsync: guard: nothing is staged, nothing was scanned\n")


def test_outside_a_repository_it_cannot_look(tmp_path: Path, repository: Repository) -> None:
    done = repository.guard(cwd=tmp_path)
    assert (done.returncode, done.stdout) == (15, "")


def test_a_blob_that_git_does_not_have_is_an_error(repository: Repository) -> None:
    repository.git("update-index", "--add", "--cacheinfo", f"100644,{'1' * 40},a.txt")
    done = repository.guard()
    assert (done.returncode, done.stdout) == (15, "")
    assert "cannot read the blob" in done.stderr


def test_a_big_file_is_read_to_its_end(repository: Repository) -> None:
    # attack 11
    filler = b"a line of nothing\n" * 500_000
    repository.stage("big.txt", filler + PRIVATE_KEY.encode() + filler)
    assert repository.found() == [("big.txt", 500_001, "private-key", None)]


@pytest.mark.parametrize(
    "words", [("--nonsense",), ("--all", "--staged"), ("--all", "x"), ("--format", "xml")]
)
def test_words_that_make_no_sense_end_with_2(mapped: Repository, words: tuple[str, ...]) -> None:
    done = mapped.guard(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "vsync: hint: " in done.stderr


def test_a_repository_with_other_object_names_works(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "sha256", "--object-format=sha256")
    repository.map_vault()
    repository.stage(".env", "KEY=value\n")
    assert repository.found() == [(".env", 1, "env-plaintext", "KEY")]


def test_of_a_large_repository_only_what_changed_is_read(mapped: Repository) -> None:
    # attack 67
    blob = mapped.git("hash-object", "-w", "--stdin", stdin=b"KEY=old\n").decode().strip()
    entries = "".join(f"100644 {blob}\tsrc/{number % 500}/{number}.env\n" for number in range(100_000))
    mapped.git("update-index", "--index-info", stdin=entries.encode())
    tree = mapped.git("write-tree").decode().strip()
    commit = mapped.git("commit-tree", "-p", "HEAD", tree, stdin=b"x").decode().strip()
    mapped.git("update-ref", "refs/heads/main", commit)
    mapped.git("update-index", "--index-info", stdin=f"100644 {blob}\tnew.env\n".encode())
    answer = mapped.answer()
    assert [row["path"] for row in answer["findings"]] == ["new.env"]
    assert (answer["scanned"]["paths"], answer["scanned"]["bytes"]) == (1, len("KEY=old\n"))


def test_no_number_of_allowed_lines_hides_one_that_is_not(repository: Repository) -> None:
    # attack 72
    allowed = "".join(f"V{number}=dummy{number} # vsync:allow\n" for number in range(120))
    repository.stage(".env.test", f"{allowed}REAL=hunter2hunter2xyz\n")
    key = PRIVATE_KEY.replace("KEY-----\n", "KEY----- vsync:allow\n", 1)
    repository.stage("keys.txt", f"{key * 120}{PRIVATE_KEY}")
    rows = repository.found()
    assert [row for row in rows if row[0] == ".env.test"] == [(".env.test", 121, "env-plaintext", "REAL")]
    assert [row[2] for row in rows if row[0] == "keys.txt"] == ["private-key"]


def test_a_named_file_in_conflict_was_not_looked_at_and_that_is_an_error(mapped: Repository) -> None:
    # attack 72
    mapped.git("checkout", "-q", "-b", "side")
    mapped.stage("f.txt", "one")
    mapped.commit()
    mapped.git("checkout", "-q", "-")
    mapped.stage("f.txt", "two")
    mapped.commit()
    assert mapped.try_git("merge", "-q", "side").returncode != 0
    mapped.stage("other.txt", "x")
    for words in (["f.txt"], ["other.txt", "f.txt"], ["."]):
        done = mapped.guard(*words)
        assert (done.returncode, done.stdout) == (15, "")
        assert "nothing was scanned: 'f.txt' is in conflict" in done.stderr
        assert "vsync: hint: resolve it" in done.stderr
    assert mapped.guard("other.txt", "vsync.toml").returncode == 0
