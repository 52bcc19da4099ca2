"""The keyed digest of a tree (formats §1.2)."""

import hashlib

from hypothesis import assume, given

from tests import reference
from tests.reference import Files
from tests.strategies import KEY, OTHER_KEY, trees
from vsync.formats.content import FileState, content_digest, frame


def states(files: Files) -> list[FileState]:
    return [
        FileState(path, executable, hashlib.sha256(data).hexdigest())
        for path, (data, executable) in files.items()
    ]


@given(trees)
def test_the_digest_is_that_of_the_reference_whatever_the_order(files: Files) -> None:
    expected = reference.content(KEY.derived, files)
    assert content_digest(states(files), KEY.content_mac) == expected
    assert content_digest(reversed(states(files)), KEY.content_mac) == expected
    assert content_digest(states(files), OTHER_KEY.content_mac) != expected


@given(trees, trees)
def test_digests_are_equal_exactly_when_trees_are(one: Files, two: Files) -> None:
    digests = [content_digest(states(files), KEY.content_mac) for files in (one, two)]
    assert (digests[0] == digests[1]) == (one == two)


@given(trees)
def test_an_executable_bit_or_one_byte_changes_the_digest(files: Files) -> None:
    assume(files)
    path, (data, executable) = next(iter(files.items()))
    before = content_digest(states(files), KEY.content_mac)
    for changed in ((data, not executable), (data + b"\0", executable)):
        assert content_digest(states({**files, path: changed}), KEY.content_mac) != before


def test_paths_are_sorted_by_their_utf_8_bytes() -> None:
    names = ["\uffff", "\U00010000", "a/b", "a-b"]
    seen: list[bytes] = []
    content_digest([FileState(name, False, "") for name in names], lambda data: seen.append(data) or "")  # type: ignore[func-returns-value]
    assert seen[0].count(b"\n") == 4
    assert [line.split(b"\0")[0].decode() for line in seen[0].splitlines()] == sorted(names, key=str.encode)


def test_one_file_is_framed_as_the_format_says() -> None:
    assert frame(FileState("a/\u00fc", True, "ab")) == b"a/\xc3\xbc\0x\0ab\n"
    assert frame(FileState("a", False, "")) == b"a\0-\0\n"
