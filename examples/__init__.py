"""Scripts of a platform or a seller, as starting points: `.venv/bin/python -m examples.nightly_import --help`."""
