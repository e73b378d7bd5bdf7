"""Which tests share what is dear to make, and so run one after the other in one process.

A scheduler of our own for `--dist loadgroup`: xdist's goes by a mark that it writes into the ids of tests, which
pytest 9.2 does not let it do any more (pytest-dev/pytest-xdist#1386).
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

TOGETHER = (
    "tests/deploy/test_set_up.py::",
    "tests/local/demo/test_past_plans.py::",
    "tests/test_run_command.py::",
)
"""How the ids of tests begin that share a machine, a filled database, an installation."""


class TogetherScheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist ships no types
    """Every test goes to whoever is free, but for those that belong together."""

    def _split_scope(self, nodeid: str) -> str:
        return next((beginning for beginning in TOGETHER if nodeid.startswith(beginning)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> TogetherScheduling | None:
    """Xdist asks this, where it is loaded, who hands tests out."""
    return TogetherScheduling(config, log) if config.getoption("dist") == "loadgroup" else None
