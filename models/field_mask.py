"""Field masks: which of a row's optional fields were given, as a number with a bit for each.

A field that is left out keeps what is stored, and null empties it. In the arrays that a statement is given both are
NULL, so the mask of each row travels beside them and tells which it is.
"""

from collections.abc import Container
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldMask:
    """The masks of rows with these optional fields; in SQL `given` has the rows, and their masks as `given.mask`."""

    fields: tuple[str, ...]

    def of(self, given: Container[str]) -> int:
        """The mask of a row of which these fields were given: the n-th bit is the n-th field's."""
        return sum(1 << bit for bit, name in enumerate(self.fields) if name in given)

    def is_given(self, name: str) -> str:
        """SQL of whether a row has a field, null or not."""
        return f"given.mask & {1 << self.fields.index(name)} > 0"

    def kept_or_given(self, table: str) -> str:
        """SQL of what each field is once the row is written: what is given of it, or else what `table` has."""
        return ", ".join(
            f"CASE WHEN {self.is_given(name)} THEN given.{name} ELSE {table}.{name} END AS {name}"
            for name in self.fields
        )
