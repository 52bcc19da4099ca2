"""Names of a vault's objects (formats §§5, 5.2)."""

import pytest
from hypothesis import given

from tests import reference
from tests.strategies import versions
from vsync.errors import IntegrityError
from vsync.formats.binding import Binding, Layout, Location
from vsync.formats.layout import Root, new_prefix, root_of
from vsync.model import SecretName

SECRET = SecretName("myapp", "prod")


@given(versions)
def test_names_are_those_of_the_reference(version: str) -> None:
    for root, names in (
        (Root("myapp/prod/"), reference.object_names("myapp/prod/", version)),
        (Root("myapp/prod/", classic=True), reference.classic_names("myapp", "prod", version)),
    ):
        assert {"pointer": root.head, "bundle": root.version(version), "audit": root.audit} == names
        assert root.version_of(root.version(version)) == version


@pytest.mark.parametrize("classic", [False, True])
@pytest.mark.parametrize(
    "name",
    ["manifest", "v=20260230-000000", "v=20260523-114201.enc", "versions/20260523-114201", "audit.csv"],
)
def test_other_objects_are_no_versions(classic: bool, name: str) -> None:
    assert Root("a/", classic).version_of(f"a/{name}") is None
    assert Root("a/", classic).version_of(f"b/{name}") is None


@pytest.mark.parametrize(
    ("prefix", "layout", "expected"),
    [
        (None, "vsync", Root("myapp/prod/")),
        ("", "vsync", Root("")),
        ("team/x/", "vsync", Root("team/x/")),
        (None, "classic", Root("myapp/prod/", classic=True)),
        ("team/", "classic", Root("team/myapp/prod/", classic=True)),
    ],
)
def test_the_root_comes_from_the_binding_alone(prefix: str | None, layout: Layout, expected: Root) -> None:
    assert root_of(SECRET, Binding(Location(bucket="b"), "salt", prefix, layout)) == expected


def test_init_takes_the_flag_then_the_profile_then_the_secret_name() -> None:
    assert new_prefix(SECRET, given="a/b", profile="c/") == "a/b/"
    assert new_prefix(SECRET, given=None, profile="team/{repo}") == "team/myapp/prod/"
    assert new_prefix(SECRET, given=None, profile=None) == "myapp/prod/"
    for bad in ("../x", "a//b", "a b"):
        with pytest.raises(IntegrityError):
            new_prefix(SECRET, given=bad, profile=None)
