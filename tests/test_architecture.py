"""The rules of the house that hang on file names, and so are beyond import-linter.

noun.py            a decision, a value, a table or a port: no I/O, no clock, no chance
noun_<tech>.py     an adapter: that technology only
use_cases/*.py     transactions and calls to ports: awaits what it is handed, and imports no technology
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INNER = ("auth", "rooms", "presale", "pubsub", "store")
SANDBOX = ROOT / "presale" / "sandbox"  # a provider's own application, not part of the box office
USE_CASES = ROOT / "presale" / "use_cases"  # they await a database and providers that are handed to them
GROUND_FLOOR = ROOT / "store"  # the unit of work itself; SQL is its subject

# Whoever imports one of these does I/O, tells the time or throws dice.
IMPURE = {
    "asyncio", "concurrent", "http", "httpx2", "os", "random", "secrets", "selectors", "signal",
    "socket", "ssl", "subprocess", "tempfile", "threading", "time", "ulid", "urllib.request", "uuid",
    "sqlalchemy", "aiosqlite", "sqlite3", "asyncpg", "alembic", "redis",
}  # fmt: skip

# technology -> the ending of the only modules that import it
TECHNOLOGIES = {"sqlalchemy": "_sql", "alembic": "_sql", "redis": "_redis"}

# The shell hands a read connection from store to the adapters; it may name its type and nothing more of SQL.
HANDLES = {"sqlalchemy.ext.asyncio", "sqlalchemy.ext.asyncio.AsyncConnection"}

# A clock is a call, not an import.
CLOCKS = {"now", "utcnow", "today"}


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_of(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def is_named(tree: ast.AST, name: str) -> bool:
    """Whether a name stands in a source, however it was imported."""
    return any(
        (isinstance(node, ast.Name) and node.id == name)
        or (isinstance(node, ast.Attribute) and node.attr == name)
        or (isinstance(node, ast.alias) and node.name == name)
        for node in ast.walk(tree)
    )


def is_pure_by_name(path: Path) -> bool:
    return "_" not in path.stem.strip("_") or path.stem in MULTI_WORD_NOUNS


# Pure modules whose subject takes two words; the last one is no technology.
MULTI_WORD_NOUNS = {"blocked_words", "waiting_room", "webhook_signature"}

KNOWN_SUFFIXES = ("_sql", "_redis", "_memory", "_http", "_hls", "_sandbox")


def pure_modules() -> list[Path]:
    return [
        path
        for path in sources(*INNER)
        if is_pure_by_name(path) and not {SANDBOX, GROUND_FLOOR, USE_CASES} & set(path.parents)
    ]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", pure_modules(), ids=name_of)
def test_a_module_named_for_a_noun_does_no_io(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert [name for name in imports(tree) if is_of(name, IMPURE)] == []
    clocks = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in CLOCKS]
    assert [ast.unparse(node) for node in clocks] == []


def test_every_adapter_says_its_technology() -> None:
    outside = (SANDBOX, GROUND_FLOOR, USE_CASES)
    adapters = [
        path
        for path in sources(*INNER)
        if not is_pure_by_name(path) and not any(folder in path.parents for folder in outside)
    ]
    assert [name_of(path) for path in adapters if not path.stem.endswith(KNOWN_SUFFIXES)] == []


@pytest.mark.parametrize(("technology", "suffix"), TECHNOLOGIES.items())
def test_a_technology_has_one_kind_of_importer(technology: str, suffix: str) -> None:
    strangers = [
        name_of(path)
        for path in sources(*INNER, "gateway")
        if not path.stem.endswith(suffix)
        and not (suffix == "_sql" and GROUND_FLOOR in path.parents)
        and [
            name
            for name in imports(ast.parse(path.read_text("utf-8")))
            if is_of(name, {technology}) and name not in HANDLES
        ]
    ]
    assert strangers == []


@pytest.mark.parametrize("path", sources(*INNER, "gateway", "benchmarks", "scripts"), ids=name_of)
def test_a_module_fits_into_a_head(path: Path) -> None:
    text = path.read_text("utf-8")
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [f.name for f in functions if f.end_lineno is not None and f.end_lineno - f.lineno > 70] == []
    # the payloads of the contract are one list of values, longer than a module of decisions may be
    assert len(text.splitlines()) <= 400


# An import for a type is an import: a circle that only types form is a circle.
def test_no_source_imports_for_types_alone() -> None:
    found = {
        name_of(path)
        for path in sources(*INNER, "gateway")
        if is_named(ast.parse(path.read_text("utf-8")), "TYPE_CHECKING")
    }
    assert found == set()


@pytest.mark.parametrize("path", sources(*INNER, "gateway"), ids=name_of)
def test_names_are_the_fields_own_words(path: Path) -> None:
    vague = {"utils", "helpers", "manager", "service", "base"}
    words = {word for part in path.relative_to(ROOT).with_suffix("").parts for word in part.split("_")}
    assert not words & vague


def test_the_box_office_knows_the_sandbox_provider_over_http_only() -> None:
    office = [path for path in sources("presale") if SANDBOX not in path.parents]
    insiders = [
        name_of(path)
        for path in office
        if any(is_of(name, {"presale.sandbox"}) for name in imports(ast.parse(path.read_text("utf-8"))))
    ]
    assert insiders == []
