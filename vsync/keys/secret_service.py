"""The Secret Service (GNOME Keyring, KWallet 6, KeePassXC) as keyring sees it, and a little more.

1. Items carry keyring's attributes (`service`, `username`, `application`) and `account`, so that
   `secret-tool lookup service tools.vsync account myapp/prod` answers too.
2. Found is what has either name, so that an item written by `secret-tool` or by another
   tool of the same service counts; of several, the one changed last.
3. Writing changes the item in place and removes the others: there is never a second one.
4. Reading never creates a keyring where there is none, which would prompt.
"""

import weakref
from operator import methodcaller

import secretstorage
from jeepney.io.blocking import DBusConnection  # type: ignore[import-untyped]
from keyring.backends.SecretService import Keyring
from keyring.errors import InitError, KeyringLocked


class SecretService(Keyring):
    """keyring's own backend with the attribute that `secret-tool` looks for.

    Keeps one connection; not for use by two threads at once. Raises the errors of keyring,
    secretstorage and jeepney.
    """

    _bus: DBusConnection | None = None
    _open: secretstorage.Collection | None = None

    def get_password(self, service: str, username: str) -> str | None:
        """Return the secret of the item changed last, or None."""
        collection = self._collection(create=False)
        items = self._items(collection, service, username)
        if collection is None or not items:
            return None
        newest = items[0] if len(items) == 1 else max(items, key=methodcaller("get_modified"))
        _unlock(newest)
        secret: bytes = newest.get_secret()
        collection.session = newest.session  # one key agreement for all reads
        return secret.decode("utf-8")

    def set_password(self, service: str, username: str, password: str) -> None:
        """Create the item, or change the one there is and remove its doubles."""
        collection = self._collection(create=True)
        if collection is None:
            raise InitError("the preferred collection does not exist")
        attributes = {**self._query(service, username, application=self.appid), "account": username}
        items = self._items(collection, service, username)
        if not items:
            label = f"vsync key of {username}"
            collection.create_item(label, attributes, password.encode(), replace=False)
            return
        kept, *doubles = items
        _unlock(kept)
        kept.set_secret(password.encode())
        # Another tool's own attributes, its schema for one, stay.
        kept.set_attributes({**kept.get_attributes(), **attributes})
        for item in doubles:
            item.delete()

    def delete_password(self, service: str, username: str) -> None:
        """Remove every item of that name; none is no error."""
        for item in self._items(self._collection(create=False), service, username):
            item.delete()

    def _items(
        self, collection: secretstorage.Collection | None, service: str, username: str
    ) -> list[secretstorage.Item]:
        if collection is None:
            return []
        queries = (self._query(service, username), {"service": service, "account": username})
        found = {item.item_path: item for query in queries for item in collection.search_items(query)}
        return list(found.values())

    def _collection(self, *, create: bool) -> secretstorage.Collection | None:
        self._open = self._open or self._connect(create=create)
        if self._open is not None:
            _unlock(self._open)
        return self._open

    def _connect(self, *, create: bool) -> secretstorage.Collection | None:
        if self._bus is None:
            self._bus = secretstorage.dbus_init()
            weakref.finalize(self, self._bus.close)
        preferred = getattr(self, "preferred_collection", None)  # KEYRING_PROPERTY_PREFERRED_COLLECTION
        try:
            return secretstorage.Collection(self._bus, *([preferred] if preferred else []))
        except secretstorage.ItemNotFoundException:
            if create and not preferred:
                return secretstorage.get_default_collection(self._bus)
            return None


def _unlock(what: secretstorage.Collection | secretstorage.Item) -> None:
    if not what.is_locked():
        return
    what.unlock()
    if what.is_locked():  # nobody there to ask, or the prompt was dismissed
        raise KeyringLocked("the keyring stays locked")
