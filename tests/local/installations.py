"""Installations of a test's own: all that one keeps is in one folder."""

from pathlib import Path

from settings import Settings


def settings_in(folder: Path, **values: object) -> Settings:
    """The settings of an installation that keeps its files in `folder`."""
    return Settings.model_validate({"data_directory": folder, **values})
