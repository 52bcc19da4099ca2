"""A vault with both its halves: the binding read and agreed to, the key derived, the store at hand."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

from vsync.errors import KeyUnavailable
from vsync.formats.binding import Binding
from vsync.formats.layout import Root, root_of
from vsync.formats.vaultkey import VaultKey, check_texts
from vsync.model import Mapping, SecretName
from vsync.store.interface import Store
from vsync.world import World


@dataclass(frozen=True)
class OpenVault:
    """One vault, ready to be read and written."""

    world: World
    mapping: Mapping
    binding: Binding
    store: Store

    @property
    def secret(self) -> SecretName:
        """The vault's name."""
        return self.mapping.secret

    @cached_property
    def root(self) -> Root:
        """Where its objects are."""
        return root_of(self.secret, self.binding)

    @cached_property
    def key_text(self) -> str:
        """The half from the key ring; KeyUnavailable when it is missing or too short to be one."""
        text = self.world.keys.get(str(self.secret))
        if text is None:
            raise KeyUnavailable(
                f"no key for {self.secret} in {self.world.keys.source}",
                hint="git vsync import FILE.share brings it; in CI set VSYNC_KEY",
            )
        check_texts(text, self.binding.salt)
        return text

    @property
    def key(self) -> VaultKey:
        """The current key, derived at first use; raises as `key_text` does."""
        return self._derivation.result()

    @cached_property
    def _derivation(self) -> Future[VaultKey]:
        return ThreadPoolExecutor(1).submit(lambda: VaultKey.from_texts(self.key_text, self.binding.salt))

    def derive_early(self) -> None:
        """Begin to derive the key, beside other work; what goes wrong is told where the key is used."""
        _ = self._derivation

    def retired_keys(self) -> Iterator[VaultKey]:
        """Yield the keys that rotation replaced, newest first, as far as this machine has them."""
        for old in reversed(self.binding.retired):
            text = self.world.keys.get(f"{self.secret}#{old.kid}")
            if text is not None:
                yield VaultKey.from_texts(text, old.salt)


def open_vault(world: World, mapping: Mapping) -> OpenVault:
    """Open a vault's store; nothing is read from it yet, and no key is derived.

    Raises KeyUnavailable without a binding.
    """
    binding = world.machine.bindings.get(mapping.secret)
    _notice_other_store(world, mapping.secret, binding)
    return OpenVault(world, mapping, binding, world.open_store(binding.location))


def _notice_other_store(world: World, secret: SecretName, binding: Binding) -> None:
    """Say so when `vsync.toml` names another store than the binding (product contract §4.6, attack 84).

    The binding wins: a committed file never sends a key or a bundle anywhere.
    """
    routing, bound = world.config.s3, binding.location
    pairs = (("endpoint_url", routing.endpoint_url, bound.endpoint), ("bucket", routing.bucket, bound.bucket))
    for key, committed, ours in pairs:
        if committed and ours and committed.rstrip("/") != ours.rstrip("/"):
            world.terminal.notice(
                f"{_file(world)} names {key} {committed!r}; {secret} stays with {ours!r}, as agreed on this "
                "machine. If the team has moved, import its new share"
            )


def _file(world: World) -> str:
    return world.config.path.name if world.config.path else "the configuration"
