"""The output of the command line: one console, one kind of table."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

out = Console(highlight=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Prints rows of plain text; nothing in them is interpreted as markup."""
    made = Table(*columns)
    for row in rows:
        made.add_row(*map(escape, row))
    return made
