"""The registry with every table of the product in it, for tests that compare or empty a whole schema."""

from importlib import import_module
from pathlib import Path

from store import migrations
from store.metadata_sql import metadata

__all__ = ["metadata"]

ROOT = Path(migrations.__file__).parents[1]

for path in sorted(path for folder in ("presale", "rooms", "store") for path in (ROOT / folder).rglob("tables_sql.py")):
    import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
