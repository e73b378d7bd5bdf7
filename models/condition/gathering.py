"""One pass over a table of single rows that answers every leaf that asks it, per customer.

Each leaf asks for an aggregate over its own rows; all of them come from one grouped subquery, so that a
definition of a hundred leaves does not read a table a hundred times.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Asked:
    """An aggregate over the rows that meet `conditions` and happened after `start`."""

    aggregate: str
    conditions: tuple[str, ...]
    start: str | None


@dataclass(slots=True)
class Gathering:
    """Aggregates over the rows of `table` (known inside as `alias`) that meet `condition`, by customer."""

    table: str
    alias: str
    at: str
    """The column that says when a row happened."""
    condition: str
    asked: dict[Asked, str] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)

    def ask(self, aggregate: str, start: str | None, *conditions: str) -> str:
        """The nullable column that holds the aggregate; NULL for a customer without any row at all."""
        name = self.asked.setdefault(Asked(aggregate, conditions, start), f"a{len(self.asked) + 1}")
        return f"by_{self.alias}.{name}"

    def join(self) -> str:
        """The join that brings the columns to `relationship r`; empty when no leaf asked."""
        if not self.asked:
            return ""
        row = self.alias
        columns = ", ".join(f"{self._filtered(asked)} AS {name}" for asked, name in self.asked.items())
        return (
            f" LEFT JOIN (SELECT {row}.customer_id, {columns} FROM {self.table} {row}"
            f" WHERE {' AND '.join([self.condition, *self._common()])} GROUP BY {row}.customer_id) by_{row}"
            f" ON by_{row}.customer_id = r.customer_id"
        )

    def _common(self) -> list[str]:
        """What holds of every row that any leaf looks at."""
        terms = [f"{self.alias}.kind IN ({', '.join(repr(kind) for kind in sorted(self.kinds))})"] if self.kinds else []
        starts = sorted({asked.start or "" for asked in self.asked})
        if "" not in starts:
            earliest = starts[0] if len(starts) == 1 else f"LEAST({', '.join(starts)})"
            terms.append(f"{self.alias}.{self.at} > {earliest}")
        return terms

    def _filtered(self, asked: Asked) -> str:
        terms = list(asked.conditions)
        if asked.start is not None and len({other.start for other in self.asked}) > 1:
            terms.append(f"{self.alias}.{self.at} > {asked.start}")
        return f"{asked.aggregate} FILTER (WHERE {' AND '.join(terms)})" if terms else asked.aggregate
