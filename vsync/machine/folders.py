"""Where this machine's own files are (formats §8)."""

import os
from pathlib import Path


def base_folder(environ: dict[str, str]) -> Path:
    """Return the base folder (formats §8); it need not exist."""
    if os.name == "nt":
        return Path(environ.get("APPDATA") or Path.home()) / "vsync"
    configured = environ.get("XDG_CONFIG_HOME", "")
    # The XDG specification: a relative path there is to be ignored.
    root = (
        Path(configured)
        if configured.startswith("/")
        else Path(environ.get("HOME") or "~").expanduser() / ".config"
    )
    return root / "vsync"


def data_folder(environ: dict[str, str]) -> Path:
    """Return the folder of the embedded store's parent, `${XDG_DATA_HOME:-~/.local/share}/vsync`."""
    configured = environ.get("XDG_DATA_HOME", "")
    home = Path(environ.get("HOME") or "~").expanduser()
    return (Path(configured) if configured.startswith("/") else home / ".local" / "share") / "vsync"
