"""What hypothesis draws for the formats: names, trees, keys; and the profile all properties use."""

from hypothesis import settings
from hypothesis import strategies as st

from tests.reference import Files
from vsync.formats.names import collision, writer_problem
from vsync.formats.vaultkey import VaultKey

# No deadline: a slow machine is no defect of a format.
settings.register_profile("vsync", deadline=None, max_examples=60)
settings.load_profile("vsync")

KEY = VaultKey.from_derived(bytes(range(32)))
OTHER_KEY = VaultKey.from_derived(bytes(range(1, 33)))
VERSION = "20260523-114201"

texts = st.text(st.characters(codec="utf-8"), max_size=30)
versions = st.datetimes().map(lambda moment: f"{moment.year:04d}{moment:%m%d-%H%M%S}")
hex64 = st.binary(min_size=32, max_size=32).map(bytes.hex)
hex16 = st.binary(min_size=8, max_size=8).map(bytes.hex)
letters = st.characters(categories=("Lu", "Ll", "Lo", "Mn", "Nd", "So")) | st.sampled_from("-_+. ")
parts = st.text(letters, min_size=1, max_size=8).filter(lambda part: writer_problem(part) is None)
paths = st.lists(parts, min_size=1, max_size=3).map("/".join)
trees: st.SearchStrategy[Files] = st.dictionaries(
    paths, st.tuples(st.binary(max_size=200), st.booleans()), max_size=6
).filter(lambda files: collision(files) is None)
