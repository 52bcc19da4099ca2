"""The vault folder on this disk: read without following a link, replaced as a whole."""
