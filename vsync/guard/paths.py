"""Rules about where a file lies: vault folders, and names that stand for secrets by themselves."""

TYPE_CHECKING = False  # importing it from typing costs 5 ms
if TYPE_CHECKING:
    from vsync.guard.findings import Finding

_PLAIN_SUFFIXES = (".example", ".sample", ".template", ".dist")
_SECRET_SUFFIXES = (".share", ".keytree")
_KEYS = ".env.keys"


def fold(path: bytes) -> str:
    """Return what a file system that ignores case and normal form compares."""
    text = path.decode("utf-8", "surrogateescape")
    if text.isascii():
        return text.lower()
    # Not on the way of the usual commit: the tables of Unicode cost 1 ms.
    import unicodedata

    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def judge_path(path: bytes, folders: frozenset[str]) -> "tuple[list[Finding], bool]":
    """Return the findings about a path, and whether it is an env file; `folders` are folded."""
    key = fold(path)
    name = key.rpartition("/")[2]
    is_keys = name == _KEYS or name.startswith(f"{_KEYS}.")
    in_vault = key in folders or _lies_in(key, folders)
    if not (is_keys or in_vault or name.endswith(_SECRET_SUFFIXES)):
        # What a tag holds without a commit has no name, and may be one.
        return [], is_env_name(name) or name.endswith("^{}")
    from vsync.guard.findings import ENV_KEYS, KEYTREE, SHARE, VAULT_PATH, Finding

    found = [Finding(path, 0, VAULT_PATH)] if in_vault else []
    if is_keys:
        found.append(Finding(path, 0, ENV_KEYS))
    elif name.endswith(_SECRET_SUFFIXES):
        found.append(Finding(path, 0, SHARE if name.endswith(".share") else KEYTREE))
    return found, is_env_name(name) and not is_keys


def _lies_in(key: str, folders: frozenset[str]) -> bool:
    end = key.find("/")
    while end > 0:
        if key[:end] in folders:
            return True
        end = key.find("/", end + 1)
    return False


def is_env_name(name: str) -> bool:
    """Tell whether a file of that name (lower case) is an env file that should be encrypted."""
    if name.endswith(_PLAIN_SUFFIXES):
        return False
    return name == ".env" or name.startswith(".env.") or name.endswith(".env")
