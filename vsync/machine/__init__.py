"""This machine's own files below the base folder (formats §8): one module a kind."""
