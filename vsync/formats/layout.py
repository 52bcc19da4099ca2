"""Names of a vault's objects in its store (formats §§5, 5.2)."""

from dataclasses import dataclass

from vsync.formats.binding import Binding, check_prefix
from vsync.formats.version import is_version
from vsync.model import SecretName


@dataclass(frozen=True, slots=True)
class Root:
    """Where one vault's objects are; `prefix` ends in `/`. The layout comes from the binding alone."""

    prefix: str
    classic: bool = False

    @property
    def head(self) -> str:
        """The object that moves: the pointer, or classic's `latest`."""
        return self.prefix + ("latest" if self.classic else "manifest")

    def version(self, version: str) -> str:
        """The bundle of a version."""
        return f"{self.prefix}versions/{version}.enc" if self.classic else f"{self.prefix}v={version}"

    @property
    def versions_prefix(self) -> str:
        """What the names of all bundles begin with."""
        return f"{self.prefix}versions/" if self.classic else f"{self.prefix}v="

    def version_of(self, name: str) -> str | None:
        """Return the version a bundle's name stands for, or None for any other object."""
        text = name.removeprefix(self.versions_prefix)
        text = text.removesuffix(".enc") if self.classic else text
        return text if is_version(text) and self.version(text) == name else None

    @property
    def audit(self) -> str:
        """The audit log."""
        return f"{self.prefix}audit.csv"


def root_of(secret: SecretName, binding: Binding) -> Root:
    """Return the root a binding stands for; without a prefix it is the secret name."""
    if binding.layout == "classic":
        # The other tool puts <repo>/<env>/ below the prefix, if there is one.
        return Root(f"{binding.prefix or ''}{secret}/", classic=True)
    return Root(binding.prefix if binding.prefix is not None else f"{secret}/")


def new_prefix(secret: SecretName, *, given: str | None, profile: str | None) -> str:
    """Return the root `init` records: the flag's, else the profile's and the name, else the secret name."""
    if given is not None:
        return check_prefix(given)
    if profile:
        return check_prefix(profile.replace("{repo}", secret.repo)) + f"{secret.name}/"
    return f"{secret}/"
