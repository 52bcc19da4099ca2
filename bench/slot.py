"""What `git vsync runtime-token` gives: a slot in the store, a token and its passphrase."""

from bench.data import BUCKET, KEY_ID, SECRET, Bench, Checkout
from bench.floors import PASSWORD, SALT
from vsync.formats.envelope import ITERATIONS
from vsync.formats.token import Slot, Token, slot_to_bytes, token_to_text

PASSPHRASE = "a runtime passphrase of the benchmark"


def environ_of(bench: Bench, checkout: Checkout) -> dict[str, str]:
    """Store the slot of a vault, and return what the application's environment needs."""
    slot = Slot("app", PASSWORD, SALT.decode(), "2026-01-01T00:00:00Z")
    path = bench.root / "slot"
    path.write_bytes(slot_to_bytes(slot, PASSPHRASE))
    bench.store(path, f"{checkout.prefix()}slots/app")
    token = Token(
        endpoint=bench.endpoint,
        region="us-east-1",
        bucket=BUCKET,
        prefix=checkout.prefix(),
        env="v0",
        salt=SALT.decode(),
        iterations=ITERATIONS,
        access_key_id=KEY_ID,
        secret_access_key=SECRET,
        slot="app",
    )
    return {"VSYNC_CONFIG": token_to_text(token), "VSYNC_PASSPHRASE": PASSPHRASE}
