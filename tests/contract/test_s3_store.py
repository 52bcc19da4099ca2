"""S3Store keeps the contract, and what only a server on a network can do to it."""

import hashlib
import inspect
import io
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import botocore.exceptions
import pytest

from tests.contract.store_contract import HEAD, NAME, StoreContract, put
from tests.faults import (
    Action,
    Answer,
    FaultProxy,
    answer,
    captive_portal,
    cut_body,
    demand_unquoted_tags,
    hang_up,
    lose_answer,
    redirect,
    rewrite_tags,
)
from tests.s3server import KEY_ID, SECRET, Server
from vsync.errors import (
    AlreadyExists,
    IntegrityError,
    NotFound,
    Refused,
    StaleTag,
    StoreError,
    Uncertain,
    Unfit,
)
from vsync.store.interface import CHUNK
from vsync.store.s3 import TRIES, S3Location, S3Store
from vsync.store.s3_errors import CLASSES, failure, judge
from vsync.store.s3_location import build_client

pytest_plugins = ["tests.s3server"]


class TestS3Store(StoreContract):
    @pytest.fixture
    def store(self, s3_store: S3Store) -> S3Store:
        return s3_store


@pytest.fixture
def proxy(s3_server: Server) -> Iterator[FaultProxy]:
    with FaultProxy(s3_server.url) as running:
        yield running


@pytest.fixture
def store(s3_server: Server, s3_bucket: str, proxy: FaultProxy) -> Iterator[S3Store]:
    made = S3Store(s3_server.location(s3_bucket, through=proxy.url))
    yield made
    made.close()


def puts(proxy: FaultProxy) -> int:
    return sum(seen.method == "PUT" for seen in proxy.requests)


# Conditions and tags


def test_writes_carry_their_conditions(store: S3Store, proxy: FaultProxy) -> None:
    put(store, NAME, b"bundle")
    tag = store.swap(HEAD, b"one", expected=None)
    store.swap(HEAD, b"two", expected=tag)
    created, first, second = proxy.requests
    assert created.headers["if-none-match"] == first.headers["if-none-match"] == "*"
    assert second.headers["if-match"].strip('"') == tag
    assert store.tag_form == "quoted"


def test_a_server_that_wants_unquoted_tags_is_asked_once(
    store: S3Store, proxy: FaultProxy
) -> None:  # attack 75
    proxy.on(demand_unquoted_tags(), times=None)
    tag = store.swap(HEAD, b"one", expected=None)
    tag = store.swap(HEAD, b"two", expected=tag)
    assert store.tag_form == "unquoted"
    proxy.requests.clear()
    store.swap(HEAD, b"three", expected=tag)
    assert [seen.headers["if-match"] for seen in proxy.requests] == [tag]


def test_a_stale_tag_is_stale_on_such_a_server_too(store: S3Store, proxy: FaultProxy) -> None:  # attack 75
    proxy.on(demand_unquoted_tags(), times=None)
    first = store.swap(HEAD, b"one", expected=None)
    store.swap(HEAD, b"two", expected=first)
    with pytest.raises(StaleTag):
        store.swap(HEAD, b"six", expected=first)
    assert store.read(HEAD, limit=9).data == b"two"


def test_a_server_that_refuses_every_tag_is_unfit(store: S3Store, proxy: FaultProxy) -> None:  # attack 75
    proxy.on(answer(412, "PreconditionFailed"), header="If-Match", times=None)
    tag = store.swap(HEAD, b"one", expected=None)
    with pytest.raises(Unfit, match="although its tag is right"):
        store.swap(HEAD, b"two", expected=tag)


def test_a_tag_weakened_by_a_proxy_still_matches(store: S3Store, proxy: FaultProxy) -> None:  # attack 75
    proxy.on(rewrite_tags(lambda tag: f"W/{tag}"), times=None)
    store.swap(HEAD, b"one", expected=None)
    store.swap(HEAD, b"two", expected=store.read(HEAD, limit=9).tag)
    assert store.read(HEAD, limit=9).data == b"two"


def test_the_tag_of_a_multipart_object_is_taken_as_it_is(
    store: S3Store, s3_location: S3Location, s3_bucket: str
) -> None:  # attack 75
    client = build_client(s3_location)
    upload = client.create_multipart_upload(Bucket=s3_bucket, Key=HEAD)["UploadId"]
    where = {"Bucket": s3_bucket, "Key": HEAD, "UploadId": upload}
    part = client.upload_part(**where, PartNumber=1, Body=b"one")["ETag"]
    client.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    client.close()
    tag = store.read(HEAD, limit=9).tag
    assert tag.endswith("-1")
    store.swap(HEAD, b"two", expected=tag)


def test_a_server_that_names_no_tag_settles_by_what_is_there(store: S3Store, proxy: FaultProxy) -> None:
    proxy.on(lose_answer(200), method="PUT")
    tag = store.swap(HEAD, b"one", expected=None)
    assert store.read(HEAD, limit=9).tag == tag


def test_a_server_without_conditional_writes_is_unfit(store: S3Store, proxy: FaultProxy) -> None:  # attack 74
    proxy.on(answer(501, "NotImplemented"), header="If-None-Match", times=None)
    with pytest.raises(Unfit, match="conditional writes") as caught:
        put(store, NAME, b"bundle")
    assert "profile test" in (caught.value.hint or "")
    assert puts(proxy) == 1


# Lost answers


@pytest.mark.parametrize("fault", [lose_answer(), lose_answer(500), lose_answer(503), lose_answer(409)])
def test_a_write_that_won_but_was_not_told_is_ours(store: S3Store, proxy: FaultProxy, fault: Action) -> None:
    proxy.on(fault, method="PUT", nth=1)
    proxy.on(fault, method="PUT", nth=2)
    put(store, NAME, b"bundle")
    tag = store.swap(HEAD, b"one", expected=None)
    assert store.read(HEAD, limit=9).tag == tag


def test_a_write_that_lost_and_was_not_told_is_stale(store: S3Store, proxy: FaultProxy) -> None:  # attack 81
    tag = store.swap(HEAD, b"one", expected=None)
    store.swap(HEAD, b"two", expected=tag)
    # Ceph may answer a lost race with 500.
    proxy.on(answer(500, "InternalError"), method="PUT")
    with pytest.raises(StaleTag):
        store.swap(HEAD, b"six", expected=tag)


def test_a_write_that_nobody_confirms_is_uncertain(store: S3Store, proxy: FaultProxy) -> None:  # attack 77
    proxy.on(hang_up(), times=None)
    with pytest.raises(Uncertain) as caught:
        put(store, NAME, b"bundle")
    assert caught.value.hint
    assert puts(proxy) == TRIES


def test_a_file_goes_up_again_from_its_start(store: S3Store, proxy: FaultProxy) -> None:
    data = bytes(range(256)) * 8 * 1024
    proxy.on(answer(503, "SlowDown", retry_after="0"), method="PUT")
    put(store, NAME, data)
    assert [seen.body == data for seen in proxy.requests if seen.method == "PUT"] == [True, True]


# What a network does


@pytest.mark.parametrize("fault", [hang_up(), answer(500), answer(503, "SlowDown"), answer(429)])
def test_a_read_is_tried_again(store: S3Store, proxy: FaultProxy, fault: Action) -> None:  # attack 77
    put(store, NAME, b"bundle")
    proxy.on(fault, method="GET")
    assert store.read(NAME, limit=10).data == b"bundle"


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "RequestTimeTooSkewed", StoreError),
        (400, "Weird", StoreError),
        (401, "", Refused),
        (403, "AccessDenied", Refused),
        (403, "RequestTimeTooSkewed", StoreError),
        (400, "ExpiredToken", Refused),
        (404, "NoSuchKey", NotFound),
        (404, "NoSuchBucket", StoreError),
        (404, "", StoreError),
        (301, "PermanentRedirect", StoreError),
    ],
)
def test_a_refusal_is_not_tried_again(  # attack 77, 80
    store: S3Store, proxy: FaultProxy, status: int, code: str, kind: type[StoreError]
) -> None:
    proxy.on(answer(status, code), method="GET", times=None)
    with pytest.raises(kind) as caught:
        store.read(NAME, limit=10)
    assert type(caught.value) is kind
    assert caught.value.hint
    assert len([seen for seen in proxy.requests if seen.method == "GET"]) == 1


def test_a_busy_server_is_not_stormed(store: S3Store, proxy: FaultProxy) -> None:  # attack 77, 83
    proxy.on(answer(503, "SlowDown", retry_after="0"), times=None)
    with pytest.raises(StoreError, match="too busy"):
        store.read(NAME, limit=10)
    assert len(proxy.requests) == TRIES


def test_a_server_that_asks_for_too_much_patience_is_left(
    store: S3Store, proxy: FaultProxy
) -> None:  # attack 77
    proxy.on(answer(429, "SlowDown", retry_after="3600"), times=None)
    with pytest.raises(StoreError, match="too busy"):
        store.read(NAME, limit=10)
    assert len(proxy.requests) == 1


def test_a_body_that_breaks_off_goes_on_where_it_ended(
    store: S3Store, proxy: FaultProxy
) -> None:  # attack 77
    data = bytes(range(256)) * 4 * 1024 * 3
    put(store, NAME, data)
    proxy.on(cut_body(CHUNK + 5), method="GET", times=2)
    into = io.BytesIO()
    assert store.download(NAME, into, limit=len(data)) == len(data)
    assert into.getvalue() == data
    assert [seen.headers["range"] for seen in proxy.requests if "range" in seen.headers] != []


def test_a_body_that_always_breaks_off_is_given_up(store: S3Store, proxy: FaultProxy) -> None:  # attack 77
    put(store, NAME, bytes(5000))
    proxy.on(cut_body(0), method="GET", times=None)
    with pytest.raises(StoreError, match="broke off"):
        store.download(NAME, io.BytesIO(), limit=5000)
    assert len(proxy.requests) <= TRIES + 1


def test_a_body_is_not_joined_from_two_objects(store: S3Store, proxy: FaultProxy) -> None:  # attack 77
    tag = store.swap(HEAD, b"a" * 5000, expected=None)
    proxy.on(cut_body(2000), method="GET")
    other_tag = rewrite_tags(lambda _: '"another"')
    proxy.on(other_tag, method="GET", header="range")
    with pytest.raises(StoreError, match="broke off after 2000"):
        store.read(HEAD, limit=5000)
    assert store.read(HEAD, limit=5000).tag == tag


def test_a_sign_in_page_is_no_list_and_no_success(store: S3Store, proxy: FaultProxy) -> None:  # attack 77
    proxy.on(captive_portal(), times=None)
    with pytest.raises(StoreError, match="as an S3 server does"):
        list(store.names(""))
    with pytest.raises(Uncertain):
        put(store, NAME, b"bundle")
    with pytest.raises(Uncertain):
        store.swap(HEAD, b"head", expected=None)


def test_an_empty_page_of_xml_is_no_empty_store(store: S3Store, proxy: FaultProxy) -> None:  # attack 77
    proxy.on(lambda request, forward: _page("<ListBucketResult></ListBucketResult>"), method="GET")
    with pytest.raises(StoreError, match="as an S3 server does"):
        list(store.names(""))


def test_a_list_is_followed_to_its_end(store: S3Store, proxy: FaultProxy) -> None:  # attack 80
    names = [f"a/v={number:02}" for number in range(11)]
    for name in names:
        put(store, name, b"x")
    proxy.requests.clear()
    # A page may be shorter than a thousand rows; some Ceph gateways send 997.
    proxy.on(lambda seen, forward: forward(replace(seen, path=f"{seen.path}&max-keys=3")), times=None)
    assert [row.name for row in store.names("a/")] == names
    assert len(proxy.requests) == 4


def test_a_list_that_never_ends_is_left(store: S3Store, proxy: FaultProxy) -> None:  # attack 80
    page = (
        "<ListBucketResult><IsTruncated>true</IsTruncated>"
        "<NextContinuationToken>again</NextContinuationToken></ListBucketResult>"
    )
    proxy.on(lambda request, forward: _page(page), method="GET", times=None)
    with pytest.raises(StoreError, match="does not go on"):
        list(store.names(""))
    assert len(proxy.requests) == 2


def _page(text: str) -> Answer:
    return Answer(200, {"content-type": "application/xml"}, text.encode())


def test_a_foreign_name_in_the_bucket_is_passed_over(store: S3Store, s3_location: S3Location) -> None:
    client = build_client(s3_location)
    for key in ("a/", "a/ü", "a/x y", "a/../b", "a/manifest"):
        client.put_object(Bucket=s3_location.bucket, Key=key, Body=b"x")
    client.close()
    assert [row.name for row in store.names("a/")] == ["a/manifest"]


# Who asks whom


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("region", [{}, {"x_amz_bucket_region": "eu-west-1"}])
def test_credentials_do_not_follow_a_redirect(  # attack 78
    store: S3Store, proxy: FaultProxy, s3_server: Server, status: int, region: dict[str, str]
) -> None:
    with FaultProxy(s3_server.url) as elsewhere:
        proxy.on(redirect(elsewhere.url, status), times=None)
        with pytest.raises(StoreError, match="asked for it"):
            store.read(NAME, limit=10)
        with pytest.raises(StoreError):
            put(store, NAME, b"bundle")
        proxy.clear()
        proxy.on(answer(status, "PermanentRedirect", location=elsewhere.url, **region), times=None)
        with pytest.raises(StoreError, match="asked for it"):
            store.read(NAME, limit=10)
        assert elsewhere.requests == []


def test_a_request_to_another_host_is_not_sent(
    s3_location: S3Location, proxy: FaultProxy
) -> None:  # attack 78
    client = build_client(s3_location)
    client.meta.events.register_first(
        "request-created.s3", lambda request, **_: setattr(request, "url", f"{proxy.url}/x/y")
    )
    with pytest.raises(StoreError, match="another host"):
        client.get_object(Bucket=s3_location.bucket, Key="a")
    client.close()
    assert proxy.requests == []


@pytest.mark.parametrize(
    "endpoint",
    [
        *(
            "http://s3.example.com",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1:9000",
            "http://[fe80::1]",
        ),
        *("s3.example.com", "ftp://s3.example.com", "https://", "https://a b", "https://h:port", ""),
        *("https://user:canary@s3.example.com", "https://s3.example.com/?x=canary", "https://h/#canary"),
    ],
)
def test_an_unsafe_endpoint_is_refused(endpoint: str) -> None:  # attack 79
    with pytest.raises(StoreError) as caught:
        S3Store(S3Location(endpoint, None, "bucket", KEY_ID, SECRET))
    assert "canary" not in f"{caught.value}{caught.value.hint}"
    assert "https://" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "endpoint", ["http://localhost:9000", "http://[::1]:9000", "https://s3.example.com/a"]
)
def test_a_safe_endpoint_is_taken(endpoint: str) -> None:
    assert S3Store(S3Location(endpoint, None, "bucket", KEY_ID, SECRET)).where.startswith("bucket bucket at")


@pytest.mark.parametrize("bucket", ["", "a/b", "arn:aws:s3:::b", "../x", "a?b"])
def test_a_bucket_is_a_name(bucket: str) -> None:
    with pytest.raises(StoreError, match="bucket"):
        S3Store(S3Location(None, None, bucket, KEY_ID, SECRET))


def test_half_an_access_key_is_refused() -> None:
    with pytest.raises(StoreError, match="one half"):
        S3Store(S3Location(None, None, "bucket", KEY_ID, None))


def test_a_refusal_names_bucket_and_identity(store: S3Store, proxy: FaultProxy) -> None:  # attack 83
    proxy.on(answer(403, "SignatureDoesNotMatch"), times=None)
    with pytest.raises(Refused) as caught:
        store.swap(HEAD, b"head", expected=None)
    assert KEY_ID in str(caught.value)
    assert store._location.bucket in str(caught.value)
    assert SECRET not in f"{caught.value!r}{caught.value.hint}{store._location!r}"
    assert puts(proxy) == 1


def test_an_unknown_profile_is_named(monkeypatch: pytest.MonkeyPatch) -> None:  # attack 83
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    location = S3Location("http://127.0.0.1:9", None, "bucket", aws_profile="nobody")
    with pytest.raises(Refused, match="aws profile nobody"):
        S3Store(location).read("a", limit=1)


def test_explicit_keys_shut_the_environment_out(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_PROFILE": "nobody",
        "AWS_ACCESS_KEY_ID": "WRONG",
        "AWS_SECRET_ACCESS_KEY": "WRONG",
        "AWS_SESSION_TOKEN": "WRONG",
        "AWS_ENDPOINT_URL": "https://elsewhere.invalid",
        "AWS_ENDPOINT_URL_S3": "https://elsewhere.invalid",
        "AWS_DEFAULT_REGION": "mars-north-1",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_supported",
        "HTTP_PROXY": "http://elsewhere.invalid:1",
    }.items():
        monkeypatch.setenv(name, value)
    put(store, NAME, b"bundle")
    assert store.read(NAME, limit=10).data == b"bundle"


def test_requests_are_signed_with_their_content(store: S3Store, proxy: FaultProxy) -> None:  # attack 76
    put(store, NAME, bytes(2 * CHUNK))
    (sent,) = proxy.requests
    assert f"Credential={KEY_ID}/" in sent.headers["authorization"]
    assert "/us-east-1/s3/" in sent.headers["authorization"]
    assert len(sent.headers["x-amz-content-sha256"]) == 64
    # No trailer and no chunks that an old server could store inside the object.
    assert "x-amz-trailer" not in sent.headers
    assert sent.body == bytes(2 * CHUNK)
    assert sent.path.startswith(f"/{store._location.bucket}/")


@pytest.mark.parametrize("size", [6, 2 * CHUNK])
def test_the_digest_that_is_known_is_what_is_signed(store: S3Store, proxy: FaultProxy, size: int) -> None:
    known = hashlib.sha256(bytes(size)).hexdigest()
    store.create(NAME, io.BytesIO(bytes(size)), size=size, sha256=known)
    (sent,) = proxy.requests
    assert sent.headers["x-amz-content-sha256"] == known
    assert sent.body == bytes(size)


def test_a_body_that_is_not_what_was_sealed_goes_up_under_the_digest_of_what_was(
    store: S3Store, proxy: FaultProxy
) -> None:
    # So that a server that checks, as S3 does, refuses it; moto accepts what it is given.
    sealed = hashlib.sha256(b"sealed").hexdigest()
    store.create(NAME, io.BytesIO(bytes(2 * CHUNK)), size=2 * CHUNK, sha256=sealed)
    assert proxy.requests[0].headers["x-amz-content-sha256"] == sealed


def test_an_altered_body_is_not_called_ours(store: S3Store, proxy: FaultProxy) -> None:  # attack 76
    put(store, NAME, b"bundle")
    with pytest.raises(AlreadyExists):
        put(store, NAME, b"bundle\r\nx-amz-checksum-crc32:AAAAAA==")


@pytest.mark.parametrize(
    ("endpoint", "region", "host", "signed"),
    [
        (None, "eu-west-1", "team.s3.eu-west-1.amazonaws.com", "eu-west-1"),
        ("https://s3.eu-central-1.amazonaws.com", None, "team.s3.eu-central-1.amazonaws.com", "eu-central-1"),
        ("https://x.r2.cloudflarestorage.com", None, "x.r2.cloudflarestorage.com", "auto"),
        ("https://s3.us-west-004.backblazeb2.com", None, "s3.us-west-004.backblazeb2.com", "us-west-004"),
        ("https://fsn1.your-objectstorage.com", None, "fsn1.your-objectstorage.com", "us-east-1"),
        ("https://minio.example.com:9000", "home", "minio.example.com:9000", "home"),
    ],
)
def test_each_provider_is_asked_as_it_wants(
    endpoint: str | None, region: str | None, host: str, signed: str
) -> None:
    client = build_client(S3Location(endpoint, region, "team", KEY_ID, SECRET))
    url = client.generate_presigned_url("get_object", Params={"Bucket": "team", "Key": "a"})
    client.close()
    assert url.startswith(f"https://{host}/")
    assert f"%2F{signed}%2Fs3%2F" in url


def test_nobody_there_is_said_with_the_host() -> None:  # attack 77
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        location = S3Location(f"http://127.0.0.1:{free.getsockname()[1]}", None, "bucket", KEY_ID, SECRET)
    with pytest.raises(StoreError, match=r"127\.0\.0\.1 cannot be reached") as caught:
        put(S3Store(location), NAME, b"x")
    assert type(caught.value) is StoreError


def test_a_server_without_a_trusted_certificate_is_refused(s3_server: Server) -> None:  # attack 79
    location = S3Location(s3_server.url.replace("http:", "https:"), None, "bucket", KEY_ID, SECRET)
    with pytest.raises(StoreError, match="certificate"):
        S3Store(location).read("a", limit=1)


def test_the_clock_of_the_server_is_noticed(store: S3Store, proxy: FaultProxy) -> None:  # attack 80
    put(store, NAME, b"x")
    assert abs(store.clock_skew_seconds or 99) < 60
    proxy.on(answer(403, "RequestTimeTooSkewed", date="Mon, 01 Jan 2018 00:00:00 GMT"), method="GET")
    with pytest.raises(StoreError, match="clock"):
        store.read(NAME, limit=1)
    assert (store.clock_skew_seconds or 0) < -86400


# The table


def test_every_exception_of_botocore_has_its_place_in_the_table() -> None:
    classes = [
        kind
        for _, kind in inspect.getmembers(botocore.exceptions, inspect.isclass)
        if issubclass(kind, botocore.exceptions.BotoCoreError) and kind.__module__ == "botocore.exceptions"
    ]
    assert len(classes) > 80
    named = set(CLASSES) - {"Exception"}
    unnamed = {kind.__name__ for kind in classes if not {base.__name__ for base in kind.__mro__} & named}
    assert unnamed - NEVER_RAISED_FOR_US == set()


NEVER_RAISED_FOR_US = {
    *(
        "BotoCoreError",
        "ValidationError",
        "ParamValidationError",
        "MissingParametersError",
        "UnknownKeyError",
    ),
    *("AliasConflictParameterError", "AwsChunkedWrapperError", "CapacityNotAvailableError", "RangeError"),
    *("InvalidExpressionError", "OperationNotPageableError", "StubAssertionError", "StubResponseError"),
    *("UnStubbedResponseError", "UnknownClientMethodError", "UnknownParameterError", "UnknownServiceStyle"),
    *("UnseekableStreamError", "UnsupportedOutpostResourceError", "UnsupportedS3ArnError", "WaiterError"),
    *("UnsupportedS3ControlArnError", "UnsupportedS3ControlConfigurationError", "WaiterConfigError"),
}
"""For requests vsync does not make; they end in the table's last entry."""


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (botocore.exceptions.NoCredentialsError(), Refused, "no usable credentials"),
        (botocore.exceptions.FlexibleChecksumError(error_msg="x"), IntegrityError, "altered"),
        (botocore.exceptions.ReadTimeoutError(endpoint_url="https://canary"), StoreError, "in time"),
        (botocore.exceptions.ParamValidationError(report="canary"), StoreError, "ParamValidationError"),
        (OSError("canary"), StoreError, "broke off"),
    ],
)
def test_an_exception_becomes_one_of_ours(error: Exception, kind: type[StoreError], text: str) -> None:
    made = failure(judge(error), S3Location(None, None, "team"), "manifest")
    assert type(made) is kind
    assert text in str(made)
    assert "canary" not in f"{made}{made.hint}"


def test_the_client_library_waits_until_it_is_needed() -> None:
    script = (
        "import sys; from vsync.store.s3 import *; s = S3Store(S3Location(None, None, 'team', 'a', 'b'));"
        "print('botocore' in sys.modules, 'urllib3' in sys.modules);"
        "s.warm(); print('botocore' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "True"]
