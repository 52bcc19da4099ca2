"""`python -m vsync`: the same as `git vsync`."""

from vsync.cli.main import main

main()
