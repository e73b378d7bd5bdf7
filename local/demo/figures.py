"""What the terminal shows of the demo: bars that move, and the figures of the first plan as a table."""

from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from models.delivery import DeliveryCount, DeliveryState
from models.progress import Progress

CHAT, EMAIL, WAITING, HELD_BACK, FAILED = COLUMNS = ("chat", "e-mail", "waiting", "held back", "failed")

WAITING_STATES = frozenset({DeliveryState.PENDING, DeliveryState.COMMITTING})
FAILED_STATES = frozenset({DeliveryState.FAILED, DeliveryState.UNKNOWN})


def bar(console: Console, unit: str) -> Bar:
    """Progress bars that count in `unit`."""
    return Bar(
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        console=console,
    )


def column_of(count: DeliveryCount) -> str:
    """In which column of the table these recipients stand: one of the five above."""
    if count.state is DeliveryState.SENT:
        return EMAIL if count.channel == "EMAIL" else CHAT
    if count.state in WAITING_STATES:
        return WAITING
    return FAILED if count.state in FAILED_STATES else HELD_BACK


def sums_of(counts: Iterable[DeliveryCount]) -> dict[str, Counter[str]]:
    """Recipients per language and column, the language with most of them first."""
    sums: dict[str, Counter[str]] = {}
    for count in counts:
        sums.setdefault(count.language or "none", Counter())[column_of(count)] += count.count
    return dict(sorted(sums.items(), key=lambda item: -item[1].total()))


def line_of(name: str, progress: Progress) -> str:
    """What became of a plan, in one line."""
    total = sum(sums_of(progress.counts).values(), Counter())
    parts = [f"{total[column]:,} {column}" for column in COLUMNS if total[column]]
    return f"“{name}” is {progress.status}: {progress.recipients:,} recipients, {', '.join(parts)}"


def table_of(name: str, progress: Progress) -> Table:
    """What became of a plan's recipients, by language, with the reasons why some got nothing."""
    sums = sums_of(progress.counts)
    total = sum(sums.values(), Counter())
    columns = [column for column in COLUMNS if total[column]]
    table = Table(
        title=f"“{name}” is {progress.status}", caption=_reasons(progress), title_justify="left", caption_justify="left"
    )
    table.add_column("language", footer="all")
    for column in columns:
        table.add_column(column, justify="right", footer=f"{total[column]:,}")
    table.add_column("recipients", justify="right", footer=f"{progress.recipients:,}")
    table.show_footer = True
    for language, row in sums.items():
        table.add_row(language, *(f"{row[column]:,}" for column in columns), f"{row.total():,}")
    return table


def _reasons(progress: Progress) -> str | None:
    """Each reason with its number, the most frequent first."""
    reasons = sorted(progress.by_reason().items(), key=lambda item: -item[1])
    return "\n".join(f"{state.lower()}, {reason}: {count:,}" for (state, reason), count in reasons) or None
