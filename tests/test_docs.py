"""What the pages for people name is there: links, commands, settings, metrics, log events, paths."""

import re
import subprocess
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer.main

from gateway.cli import __main__
from gateway.node import exposition
from gateway.setup.metrics import Metrics
from gateway.setup.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    if (ROOT / name).is_file()
)
OPERATING = ROOT / "docs" / "operating.md"
SOURCES = ("auth", "gateway", "presale", "pubsub", "rooms", "store")
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def code_of(page: Path) -> list[str]:
    """Fenced blocks and code spans."""
    text = text_of(page)
    return [*FENCE.findall(text), *re.findall(r"`([^`]+)`", FENCE.sub("", text))]


def anchors_of(page: Path) -> set[str]:
    """The anchors that headings get, as GitHub makes them."""
    headings = re.findall(r"^#{1,6} (.+)$", FENCE.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_there_are_pages_to_look_at() -> None:
    names = {name_of(page) for page in PAGES}
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/operating.md", "docs/adr/README.md"} <= names


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", FENCE.sub("", text_of(page)))
    broken = []
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = unquote(target).partition("#")
        file = (page.parent / place).resolve() if place else page
        if not file.exists() or (anchor and anchor not in anchors_of(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_named_exists(page: Path) -> None:
    code = "\n".join(code_of(page))
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`|\s)make ([a-z]+)", code)) <= targets
    known = typer.main.get_command(__main__.app).commands  # type: ignore[attr-defined]  # a group of commands
    for command, word in re.findall(r"(?:^|[`\s/])liveroom ([a-z]+)(?: ([a-z][a-z-]*))?", code):
        assert command in known, command
        if hasattr(known[command], "commands") and word:
            assert word in known[command].commands, f"{command} {word}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_setting_named_exists(page: Path) -> None:
    settings = {f"LIVEROOM_{name.upper()}" for name in Settings.model_fields}
    # web-demo's development server; the tests' own servers
    pages_own = {"LIVEROOM_URL", "LIVEROOM_TEST_POSTGRES_URL", "LIVEROOM_TEST_REDIS_URL"}
    assert set(re.findall(r"\bLIVEROOM_[A-Z_]+\b", text_of(page))) <= settings | pages_own


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "contract.md"], ids=name_of)
def test_every_source_file_named_exists(page: Path) -> None:
    """Paths from the root, as `gateway/house/house.py`; patterns and placeholders are none."""
    for named in code_of(page):
        if (
            re.fullmatch(rf"(?:{'|'.join(SOURCES)}|tests|scripts|docs|web-demo)/[\w./-]*", named)
            and "NNNN" not in named
        ):
            assert (ROOT / named).exists(), named


def test_operators_read_of_every_metric_and_of_no_other() -> None:
    lines = Metrics().exposition().decode().splitlines()
    exposed = {
        line.split()[2] for line in lines if line.startswith("# HELP") and not line.split()[2].endswith("_created")
    }
    assert set(re.findall(r"`(liveroom_[a-z_]+)", text_of(OPERATING))) == exposed | {exposition.UP}


def test_operators_read_of_log_events_that_the_code_has() -> None:
    table = text_of(OPERATING).split("| event | what happened |")[1].split("\n\n")[0]
    named = re.findall(r"`([a-z_.]+)`", "\n".join(row.split("|")[1] for row in table.splitlines() if row))
    sources = "\n".join(path.read_text("utf-8") for folder in SOURCES for path in (ROOT / folder).rglob("*.py"))
    assert "job.dead" in named
    assert [event for event in named if f'"{event}"' not in sources] == []


def test_operators_read_of_every_check_of_the_audit() -> None:
    checks = set(re.findall(r'Finding\(\s*"([a-z.]+)"', text_of(ROOT / "presale" / "audit" / "audit_sql.py")))
    told = set(re.findall(r"`((?:[a-z]+)\.(?:[a-z]+|\*))`", text_of(OPERATING)))
    assert len(checks) > 10
    assert [check for check in checks if check not in told and f"{check.split('.')[0]}.*" not in told] == []


def test_the_reasons_of_readyz_are_those_that_operators_read_of() -> None:
    told = re.findall(r"`reasons`: (.*?) \|", text_of(OPERATING))[0]
    source = text_of(ROOT / "gateway" / "house" / "app.py")
    given = source.split("async def _not_ready(")[1].split("\n\n\n")[0]
    assert re.findall(r"`([a-z_]+)`", told) == re.findall(r'\["([a-z_]+)"\]', given)


def test_the_journeys_name_files_that_are_there() -> None:
    page = text_of(ROOT / "docs" / "where-to-begin.md")
    named = [path for row in re.findall(r"`([a-z]+/[\w/{},.]+\.py)`", page) for path in _expanded(row)]
    assert len(named) > 40
    assert [path for path in named if not (ROOT / path).is_file()] == []


def _expanded(path: str) -> list[str]:
    """`a/{b,c}.py` as `a/b.py` and `a/c.py`."""
    choices = re.search(r"\{([^}]*)\}", path)
    return [path] if choices is None else [path.replace(choices[0], each) for each in choices[1].split(",")]
