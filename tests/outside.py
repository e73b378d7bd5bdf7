"""What somebody else does while a test's own transaction is open: a task that is made in it would join it."""

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Outside:
    """The outside of every transaction that a test opens after it has made this."""

    def __init__(self) -> None:
        self._context = contextvars.copy_context()

    def begin(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Begin the work there, over a connection of its own."""
        return asyncio.get_running_loop().create_task(work, context=self._context.copy())
