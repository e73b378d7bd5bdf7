"""Scripts of a platform or a seller, as starting points: `python -m examples.nightly_import --help`."""
