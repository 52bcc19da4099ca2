"""What the user was given or chose: bindings, profiles, and the stores they agreed to (formats §8)."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from vsync.errors import DiskError, IntegrityError, KeyUnavailable, NotFound
from vsync.files import read_json, read_private, remove, write_json, write_private
from vsync.formats.binding import (
    MAX_BINDING_BYTES,
    Binding,
    Profile,
    binding_from_bytes,
    binding_to_bytes,
    check_profile_name,
)
from vsync.formats.strict import load_object
from vsync.model import SecretName


class Bindings:
    """The disk halves, `<base>/<repo>/env_<env>`."""

    def __init__(self, base: Path, environ: dict[str, str]) -> None:
        self._base = base
        self._environ = environ

    def path(self, secret: SecretName) -> Path:
        """Return where the vault's binding is, whether or not it exists."""
        return self._base / secret.repo / f"env_{secret.name}"

    def find(self, secret: SecretName) -> Binding | None:
        """Return the binding, from the environment first (formats §8.2), or None."""
        try:
            data = self._from_environment(secret) or read_private(self.path(secret), limit=MAX_BINDING_BYTES)
        except DiskError as error:
            raise KeyUnavailable(error.message, hint=error.hint) from error
        if data is None:
            return None
        try:
            return binding_from_bytes(data)
        except IntegrityError as error:
            raise IntegrityError(f"the binding of {secret}: {error.message}", hint=error.hint) from error

    def get(self, secret: SecretName) -> Binding:
        """Return the binding; KeyUnavailable says how to get one."""
        binding = self.find(secret)
        if binding is None:
            raise KeyUnavailable(
                f"this machine has no binding for {secret}",
                hint=f"git vsync import FILE.share, or for a new vault: git vsync init {secret.name}",
            )
        return binding

    def write(self, secret: SecretName, binding: Binding) -> None:
        """Store the binding as a private file."""
        write_private(self.path(secret), binding_to_bytes(binding))

    def remove(self, secret: SecretName) -> None:
        """Forget the vault's disk half."""
        remove(self.path(secret))

    def _from_environment(self, secret: SecretName) -> bytes | None:
        named = "VSYNC_BINDING_" + "".join(c if c.isalnum() else "_" for c in str(secret).upper())
        text = self._environ.get(named) or self._environ.get("VSYNC_BINDING")
        if text:
            return decode_binding_text(text)
        path = self._environ.get("VSYNC_BINDING_FILE")
        if not path:
            return None
        data = read_private(Path(path).resolve(), limit=MAX_BINDING_BYTES)
        if data is None:
            raise KeyUnavailable("the file that VSYNC_BINDING_FILE names does not exist")
        return data


def decode_binding_text(text: str) -> bytes:
    """Return the bytes of a binding given as JSON, or as base64url of it gzipped (formats §8.2)."""
    import base64
    import binascii

    text = text.strip()
    if text.startswith("{"):
        return text.encode()
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise IntegrityError("VSYNC_BINDING is neither JSON nor base64url") from error


class Profiles:
    """Named stores, `<base>/profiles/<name>.json`."""

    def __init__(self, base: Path) -> None:
        self._folder = base / "profiles"

    def names(self) -> list[str]:
        """Return every profile's name, sorted."""
        return sorted(path.stem for path in self._folder.glob("*.json") if not path.name.startswith("."))

    def get(self, name: str) -> Profile:
        """Return a profile; NotFound names those that exist."""
        data = read_private(self._path(name), limit=MAX_BINDING_BYTES)
        if data is None:
            known = ", ".join(self.names()) or "none yet"
            raise NotFound(f"no profile {name!r} (known: {known})", hint=f"git vsync profile add {name}")
        return Profile.from_json(load_object(data, f"profile {name!r}"))

    def exists(self, name: str) -> bool:
        """Tell whether there is a profile of that name."""
        return self._path(name).exists()

    def write(self, name: str, profile: Profile) -> None:
        """Store a profile as a private file."""
        write_private(self._path(name), (json.dumps(profile.to_json(), indent=2) + "\n").encode())

    def remove(self, name: str) -> None:
        """Forget a profile; NotFound when there is none."""
        self.get(name)
        remove(self._path(name))

    def _path(self, name: str) -> Path:
        return self._folder / f"{check_profile_name(name)}.json"


class Trust:
    """The stores the user agreed to, by vault (`<base>/trust.json`, product contract §4.6)."""

    def __init__(self, base: Path) -> None:
        self._path = base / "trust.json"

    def is_trusted(self, secret: SecretName, binding: Binding) -> bool:
        """Tell whether the user agreed to exactly this endpoint, bucket, prefix and layout."""
        return (read_json(self._path) or {}).get(str(secret)) == place_digest(binding)

    def agree(self, secret: SecretName, binding: Binding) -> None:
        """Remember that the user agreed."""
        write_json(self._path, (read_json(self._path) or {}) | {str(secret): place_digest(binding)})


def place_digest(binding: Binding) -> str:
    """Digest where a binding points, without its credentials."""
    place = replace(binding.location, access_key_id=None, secret_access_key=None)
    parts = [place.endpoint, place.bucket, place.url, binding.prefix, binding.layout]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
