"""A repository for each test of the guard."""

from pathlib import Path

import pytest

from tests.guard.repositories import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return an empty repository."""
    return Repository(tmp_path / "repository")


@pytest.fixture
def mapped(repository: Repository) -> Repository:
    """Return a repository with one commit and one mapped vault."""
    repository.map_vault()
    return repository
