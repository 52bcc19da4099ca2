"""`python -m vsync.guard`, and what hooks run by its path under `python -I -S`."""

import sys

if __name__ == "__main__":
    if not __package__:
        # Run as a file: nothing of the environment tells where our package is (-I), nor does site (-S).
        sys.path.insert(0, __file__.rsplit("/", 3)[0])
    from vsync.guard.run import main

    main()
