"""Blobs that were just added are read from their own files; whatever is odd about one is left to git."""

import zlib
from pathlib import Path

import pytest

from tests.guard.repositories import Repository
from vsync.guard.loose import loose_blob

LEAK = "KEY=secret\n"


def add(repository: Repository, data: bytes) -> bytes:
    return repository.git("hash-object", "-w", "--stdin", stdin=data).strip()


def file_of(repository: Repository, blob: bytes) -> Path:
    name = blob.decode()
    path = repository.top / ".git" / "objects" / name[:2] / name[2:]
    path.chmod(0o644)
    return path


def objects(repository: Repository) -> str:
    return str(repository.top / ".git" / "objects")


@pytest.mark.parametrize("data", [b"", b"\0", b"text\n", b"blob 3\0abc", b"x" * 1_000_000])
def test_a_blob_that_was_just_added_is_what_git_says(repository: Repository, data: bytes) -> None:
    blob = add(repository, data)
    assert loose_blob(objects(repository), blob) == data == repository.git("cat-file", "blob", blob.decode())


@pytest.mark.parametrize("data", [b"x" * 2_000_000, b"".join(b"%d" % n for n in range(60_000))])
def test_what_is_big_packed_or_unpacked_is_left_to_git(repository: Repository, data: bytes) -> None:
    assert loose_blob(objects(repository), add(repository, data)) is None


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"no stream",
        zlib.compress(b"tree 3\0abc"),
        zlib.compress(b"blob 4\0abc"),
        zlib.compress(b"blob 2\0abc"),
        zlib.compress(b"blob 03\0abc"),
        zlib.compress(b"blob 3"),
        zlib.compress(b"blob 3\0abc")[:-5],
        zlib.compress(b"blob 3\0abc") + b"more",
    ],
)
def test_a_file_that_is_not_exactly_a_blob_is_left_to_git(repository: Repository, stream: bytes) -> None:
    blob = add(repository, b"abc")
    assert loose_blob(objects(repository), blob) == b"abc"
    file_of(repository, blob).write_bytes(stream)
    assert loose_blob(objects(repository), blob) is None


def test_a_broken_file_is_no_pass(repository: Repository) -> None:
    repository.stage("a.txt", "harmless\n")
    blob = repository.git("rev-parse", ":a.txt").strip()
    file_of(repository, blob).write_bytes(zlib.compress(b"blob 9\0harmless\n")[:-3])
    assert repository.guard().returncode == 15


def test_findings_come_in_the_order_of_the_index_wherever_their_blobs_are(repository: Repository) -> None:
    for name in ("a.env", "c.env"):
        repository.stage(name, f"{name[0]}{LEAK}")
    repository.git("repack", "-adq")
    repository.stage("b.env", f"b{LEAK}")
    assert loose_blob(objects(repository), repository.git("rev-parse", ":a.env").strip()) is None
    assert [row["path"] for row in repository.answer()["findings"]] == ["a.env", "b.env", "c.env"]


def test_blobs_of_another_object_folder_are_found(repository: Repository, tmp_path: Path) -> None:
    other = tmp_path / "objects"
    other.mkdir()
    repository.write("a.env", LEAK)
    repository.git("add", "-f", "a.env", GIT_OBJECT_DIRECTORY=str(other))
    assert [row[2] for row in repository.found(GIT_OBJECT_DIRECTORY=str(other))] == ["env-plaintext"]
    assert repository.guard().returncode == 15


def test_many_packed_blobs_are_all_read(repository: Repository) -> None:
    for number in range(450):
        repository.write(f"{number:03}.env", f"K{number}=secret-{number}\n")
    repository.git("add", "-f", ".")
    repository.git("-c", "core.hooksPath=/dev/null", "commit", "-q", "-m", "all")
    repository.git("repack", "-adq")
    assert len(repository.found("--all")) == 450
