"""The benchmark behind `make bench`: whole processes of ours in turn with the floors they are held to."""
