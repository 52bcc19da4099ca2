"""The audit log (formats §7)."""

import csv
import io
import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import reference
from tests.strategies import KEY, OTHER_KEY, texts
from vsync.errors import IntegrityError, UsageError
from vsync.formats.audit_log import (
    COLUMNS,
    HEADER,
    MAX_LOG_BYTES,
    MAX_META_BYTES,
    Row,
    append_row,
    check_chain,
    encode_meta,
    harmless_cell,
    read_log,
    row_key_id,
    row_to_line,
    seal_row,
    split_meta,
)

KEYS = {KEY.key_id: KEY}
cells = st.text(st.characters(codec="utf-8") | st.sampled_from('",\r\n'), max_size=20)
metas = st.dictionaries(texts.filter(lambda key: not key.startswith("_")), texts | st.integers(), max_size=3)
rows = st.builds(Row, **dict.fromkeys(COLUMNS[:9], cells), meta=metas.map(lambda meta: encode_meta(meta)[0]))


def chain(entries: list[Row]) -> list[Row]:
    sealed: list[Row] = []
    for row in entries:
        last = split_meta(sealed[-1].meta)[1] if sealed else ""
        sealed.append(seal_row(row, KEY, last))
    return sealed


def log_of(entries: list[Row]) -> bytes:
    data = b""
    for row in entries:
        data = append_row(data, row)
    return data


def plain(number: int) -> Row:
    return Row(f"2026-05-23T11:42:0{number}.000Z", "push", "", "h", "", "ana", "", "1", "3", "")


@given(st.lists(rows, min_size=1, max_size=4))
def test_rows_with_any_text_survive_and_the_csv_module_agrees(entries: list[Row]) -> None:
    data = log_of(entries)
    assert data.startswith(HEADER.encode())
    assert data.endswith(b"\n")
    assert list(read_log(data).rows) == entries
    table = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    assert table[1:] == [list(asdict(row).values()) for row in entries]


@given(rows)
def test_a_cell_is_quoted_only_where_it_must_be(row: Row) -> None:
    line, values = row_to_line(row), list(asdict(row).values())
    assert next(csv.reader(io.StringIO(line, newline=""), strict=True)) == values
    quoted = [value for value in values if set(value) & set('",\r\n')]
    assert line.count('"') == sum(2 + 2 * value.count('"') for value in quoted)


@given(st.lists(rows, min_size=1, max_size=4))
def test_a_chain_holds_here_and_in_the_reference(entries: list[Row]) -> None:
    sealed = chain(entries)
    assert check_chain(sealed, KEYS) == ["ok"] * len(sealed)
    table = reference.read_log(log_of(sealed))
    assert reference.check_log(KEY.derived, table) == [True] * len(sealed)
    last = ""
    for row, found in zip(entries, sealed, strict=True):
        theirs = reference.seal_row(KEY.derived, last, list(asdict(row).values()))
        assert theirs == list(asdict(found).values())
        last = split_meta(found.meta)[1]
    assert read_log(log_of(sealed)).last_mac == last
    assert {row_key_id(row) for row in sealed} == {KEY.key_id}


# attack 93
@given(st.integers(0, 3), st.sampled_from(COLUMNS), texts.filter(bool))
def test_a_changed_row_is_named(place: int, column: str, text: str) -> None:
    sealed = chain([plain(number) for number in range(4)])
    old = getattr(sealed[place], column)
    new = f'{{"note":{json.dumps(text)},{old[1:]}' if column == "meta" else old + text
    sealed[place] = replace(sealed[place], **{column: new})
    assert check_chain(sealed, KEYS).index("broken") == place


# attack 93
def test_removed_inserted_and_reordered_rows_are_named() -> None:
    sealed = chain([plain(number) for number in range(4)])
    forged = chain([plain(9)])[0]
    for entries, first in (
        (sealed[1:], 0),
        ([sealed[0], *sealed[2:]], 1),
        ([*sealed[:2], forged, *sealed[2:]], 2),
        ([sealed[0], sealed[2], sealed[1], sealed[3]], 1),
        ([*sealed, sealed[0]], 4),
    ):
        assert check_chain(entries, KEYS).index("broken") == first


# attack 93
def test_a_row_that_nobody_vouches_for_is_never_fine() -> None:
    sealed = chain([plain(0), plain(1)])
    entries = [sealed[0], replace(plain(5), meta='{"note":"x"}'), sealed[1], plain(6)]
    assert check_chain(entries, KEYS) == ["ok", "not authenticated", "ok", "not authenticated"]
    assert check_chain(sealed, {}) == ["not checked"] * 2
    assert check_chain([seal_row(plain(0), OTHER_KEY, "")], KEYS) == ["not checked"]


@pytest.mark.parametrize(
    "meta",
    ["", "{}", '{"a":1}', '{"_k":1}', '{"_k":"x"}', "[" * 100_000, "null", '{"_h":"' + "a" * 64 + '"}'],
)
def test_a_meta_that_names_no_key_has_none(meta: str) -> None:
    row = replace(plain(0), meta=meta)
    assert row_key_id(row) is None
    assert check_chain([row], KEYS) in (["not authenticated"], ["not checked"])


def test_the_meta_of_the_caller_is_kept_before_key_id_and_mac() -> None:
    row = seal_row(replace(plain(0), meta='{"note":"x"}'), KEY, "")
    mac = split_meta(row.meta)[1]
    assert row.meta == f'{{"note":"x","_k":"{KEY.key_id}","_h":"{mac}"}}'
    assert split_meta(row.meta)[0] == f'{{"note":"x","_k":"{KEY.key_id}"}}'
    assert json.loads(seal_row(plain(0), KEY, "").meta).keys() == {"_k", "_h"}


def test_a_meta_over_the_limit_is_truncated_and_said() -> None:
    assert encode_meta({}) == ("", False)
    assert encode_meta({"\u00fc": [1]}) == ('{"\u00fc":[1]}', False)
    exact = {"x": "y" * (MAX_META_BYTES - len('{"x":""}'))}
    assert encode_meta(exact)[1] is False
    assert encode_meta({"x": exact["x"] + "y"}) == ('{"_truncated":true}', True)


@pytest.mark.parametrize("key", ["_k", "_h", "_truncated"])
def test_a_meta_key_of_the_log_itself_is_refused(key: str) -> None:
    with pytest.raises(UsageError):
        encode_meta({key: "x"})


def test_what_the_system_hands_us_can_always_be_written() -> None:
    row = replace(plain(0), hostname="h\udcff")
    assert row.hostname == "h?"
    assert encode_meta({"note": "\udcff"})[0] == '{"note":"?"}'
    assert check_chain([seal_row(row, KEY, "")], KEYS) == ["ok"]


def test_readers_go_by_header_name_accept_crlf_and_ignore_unknown_columns() -> None:
    data = b"zukunft,action,ts\r\nx,push,2026\r\n\r\ny,pull\r\n"
    found = read_log(data).rows
    assert [(row.ts, row.action, row.meta) for row in found] == [("2026", "push", ""), ("", "pull", "")]
    assert read_log(b"").rows == ()


def test_a_row_follows_the_columns_that_a_log_has() -> None:
    header = ",".join(["zukunft", *reversed(COLUMNS)])
    for ending in (b"\n", b""):
        data = append_row(header.encode() + ending, chain([plain(0)])[0])
        assert check_chain(read_log(data).rows, KEYS) == ["ok"]
    with pytest.raises(IntegrityError):
        append_row(b"ts,action\n", plain(0))


@pytest.mark.parametrize("data", [b"\xff", b"no,header\n", b'ts,action\n"canary', b'ts,action\n"a"b,c\n'])
def test_what_is_no_log_is_refused_without_showing_it(data: bytes) -> None:
    with pytest.raises(IntegrityError) as caught:
        read_log(data)
    assert "canary" not in str(caught.value)


# attack 11
def test_a_log_larger_than_it_may_be_is_refused() -> None:
    with pytest.raises(IntegrityError, match="larger"):
        read_log(bytes(MAX_LOG_BYTES + 1))


# attack 91
@given(texts)
def test_no_cell_starts_a_formula(text: str) -> None:
    for start in ("=", "+", "-", "@", "\t", "\r", ""):
        shown = harmless_cell(start + text)
        assert shown.endswith(start + text)
        assert not shown.startswith(("=", "+", "-", "@", "\t", "\r"))
