"""vsync: secrets that follow a git repository, encrypted, in the team's own bucket."""

__version__ = "0.1.0"
