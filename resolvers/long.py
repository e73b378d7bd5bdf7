"""Whole numbers that outgrow GraphQL's Int."""

from typing import NewType

Long = NewType("Long", int)
"""A 64-bit integer; the schema makes it a scalar of its own."""
