"""What a refused piece of work says is wrong."""

from collections.abc import Awaitable
from typing import Any

import pytest

from models.errors import ErrorCode, Refused


async def refusals(work: Awaitable[Any]) -> list[tuple[str, ErrorCode]]:
    """The field (its path by dots) and code of each problem; fails when the work is done instead."""
    with pytest.raises(Refused) as refused:
        await work
    return [(".".join(problem.field), problem.code) for problem in refused.value.problems]


async def refusal(work: Awaitable[Any]) -> tuple[str, ErrorCode]:
    """The same of work that has a single problem."""
    (only,) = await refusals(work)
    return only
