"""Every example and command of the pages for people is run by a test, or it says here why not.

The clients that cannot be compiled here are held to the contract: they say only what it knows.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from auth.denials import Code
from auth.door import Surface
from gateway.contract.rows import FAREWELLS, REFUSALS
from gateway.features.registry import CONSOLE_COMMANDS, VIEWER_COMMANDS
from gateway.reference import vocabulary
from gateway.reference.asyncapi import events_of
from tests.snippets import FENCED, INTERPRETERS, NAMED, ROOT, snippets_of

PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "web-demo" / "README.md")
)
EMBEDDING = "docs/embedding.md"
NATIVE = ("LiveRoom.swift", "LiveRoom.kt", "live_room.dart")
BACK_ENDS = ("backend.py", "backend.mjs")

RUN_BY: Mapping[str, str] = {
    "README.md": "tests/test_readme.py",
    "docs/embedding.md": "tests/test_embedding.py",
    "docs/operating.md": "tests/test_operating.py",
}
"""Which test runs the named examples of a page."""

ANSWERED_FOR: Mapping[str, str] = {
    # README.md
    "make demo": "tests/integration/test_demo_command.py starts what the recipe starts after the set-up",
    "make test": "it is what runs this test",
    "npm install socket.io-client": "asks a registry; the desk links the same package as web-demo locks it",
    "LIVEROOM_MODE=demo .venv/bin/liveroom token --user mei": "tests/test_readme.py runs it",
    ".venv/bin/liveroom audit": "tests/test_readme.py runs it",
    ".venv/bin/liveroom rehearse --fans 500": "tests/integration/test_rehearsal.py plays it with fewer fans",
    # docs/operating.md
    ".venv/bin/liveroom rehearse --fans 500 --seconds 60": "tests/integration/test_rehearsal.py plays a smaller one",
    "liveroom serve --workers 4": "tests/integration/test_workers.py serves with three",
    # the rest
    "python scripts/journeys.py --files danmaku": "tests/integration/test_journeys.py runs all four",
    "liveroom --version": "tests/gateway/cli/test_cli.py asks for it",
    "liveroom contract --out DIR": "tests/gateway/cli/test_cli.py writes into a folder",
    "liveroom contract --out release/": "the same",
    "python scripts/pin_images.py": "asks registries; tests/deploy/test_pin_images.py runs it with one that is made up",
    "liveroom serve --workers N": "the same",
    "make setup": "every machine that runs this test has been set up by it",
    "make quick": "a selection of make test",
    "make coverage": "a selection of make test, measured",
    "make check": ".ci/run runs it before the tests",
    "make format": "rewrites the sources; make check runs the same tool and only looks",
    "make contract": "tests/gateway/reference/test_generated.py runs what it runs, and only looks",
    "make night": "hours; tests/night runs it over parts that are made up",
    'make night ARGS="faults abuse"': "the same, some parts of it",
    'ARGS="--hours 2"': "the same, bounded",
    "make oversell": "half an hour; tests/oversell/test_oversell.py runs the same race in small",
    "make faults": "tests/faults plays some of its cells",
    "make outages": "tests/outages plays the short ones",
    'ARGS="--part outages --seconds 3"': "for the same: which of it",
    "make soak": "tests/test_soak.py runs a minute of it",
    "make bench": "minutes; tests/test_benchmarks.py runs its parts under a tiny load",
    "make abuse": "minutes; tests/abuse runs the same attacks in small",
    "make fuzz": "minutes; tests/fuzz feeds fewer samples of the same",
    "ABUSE_TREE=<folder> make abuse": "the same, against another tree",
    "make lock": "moves the locked versions, and asks registries for them",
    "npm ci && npm run build": "a part of the set-up",
    "npm ci": "a part of the set-up",
    "npm run check": "a part of make check",
    "npm test": "a part of make test",
    "npm run dev": "a development server for eyes; tests/browser looks at the built pages",
}
"""Commands that no named example holds: where each is run, or why it is not."""

COMMAND = re.compile(r"(?:\.venv/bin/|make |node |python3? |npm |npx |sh |curl |sqlite3 |liveroom |[A-Z_]+=\S+ \S)")
NAMES_OF_COMMANDS = re.compile(r"(?:\.venv/bin/)?liveroom(?: [a-z][a-z-]*){0,2}")
"""A command spoken of without arguments; tests/test_docs.py sees to it that it exists."""
A_RUN_EXAMPLE = re.compile(r"(?:node|python) ([\w.]+)\b")


def text_of(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def unnamed_blocks(page: str) -> list[tuple[str, str]]:
    """Language and text of the fenced blocks that are no named example."""
    return [(found[1], found[2]) for found in FENCED.finditer(text_of(page)) if not NAMED.fullmatch(found[0])]


def commands_in(page: str) -> set[str]:
    """Command lines in unnamed blocks and in the text."""
    blocks = {
        line.partition("  #")[0].split(";")[0].strip()
        for language, text in unnamed_blocks(page)
        if language in ("sh", "bash", "console")
        for line in text.splitlines()
    }
    spans = {" ".join(span.split()) for span in re.findall(r"`([^`]+)`", FENCED.sub("", text_of(page)))}
    return (blocks - {""}) | {span for span in spans if COMMAND.match(span)}


@pytest.mark.parametrize("page", PAGES)
def test_every_example_that_can_be_run_is_named_and_run(page: str) -> None:
    unrun = [text.splitlines()[0] for language, text in unnamed_blocks(page) if language in ("python", "js", "ts")]
    assert unrun == [], "name a file (```js file=...) and run it in a test"
    for name in snippets_of(page):
        if name in NATIVE:
            continue  # checked against the contract below; the page says so
        assert Path(name).suffix in INTERPRETERS
        test = text_of(RUN_BY[page])
        imported = any(f'"./{name}"' in other for other in snippets_of(page).values())
        assert f'"{name}"' in test or imported, f"{RUN_BY[page]} does not run {name}"


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_run_or_answered_for(page: str) -> None:
    open_questions = {
        command
        for command in commands_in(page)
        if command not in ANSWERED_FOR
        and not NAMES_OF_COMMANDS.fullmatch(command)
        and not ((example := A_RUN_EXAMPLE.match(command)) and example[1] in snippets_of(page))
    }
    assert open_questions == set()


def test_nothing_is_answered_for_that_no_page_says() -> None:
    said = {command for page in PAGES for command in commands_in(page)}
    assert set(ANSWERED_FOR) - said == set()


def test_every_example_is_looked_for_where_it_is() -> None:
    assert {page for page in PAGES if snippets_of(page)} == set(RUN_BY)


# ---- the embedding guide


@pytest.mark.parametrize("name", BACK_ENDS)
def test_a_back_end_is_one_short_file(name: str) -> None:
    assert len(snippets_of(EMBEDDING)[name].splitlines()) < 80


def test_the_guide_says_what_every_refusal_and_farewell_asks_of_an_app() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| ((?:refusal|bye)[^|]*) \|", text_of(EMBEDDING), re.MULTILINE)
    assert {Code(code) for code, when in rows if "refusal" in when} == REFUSALS
    assert {Code(code) for code, when in rows if "bye" in when} == FAREWELLS


def test_the_guide_says_what_every_refused_command_asks_of_an_app() -> None:
    table = text_of(EMBEDDING).split("beside the same codes:")[1].split("###")[0]
    told = {Code(code) for code in re.findall(r"`([A-Z_]+)`", table)}
    met = {code for command in (*VIEWER_COMMANDS, *CONSOLE_COMMANDS) for code in command.errors}
    assert told == met - REFUSALS - FAREWELLS


def test_the_client_in_javascript_knows_every_refusal_and_farewell() -> None:
    cases = set(re.findall(r'case "([A-Z_]+)":', snippets_of(EMBEDDING)["live.mjs"]))
    assert {Code(code) for code in cases} == REFUSALS | FAREWELLS


# ---- the clients that are not compiled here

EVENTS = {event.name for event in events_of(Surface.LIVE)}
COMMANDS = {command.name for command in VIEWER_COMMANDS}
AUTH = {"token", "room", "cursor"}
FIELDS = {field.encode_name for kind in vocabulary.structs() for field in msgspec.structs.fields(kind)}
OF_THE_LIBRARIES = {"error", "connect_error", "websocket", "polling", "data", "dart:async", "dart.library.js_interop"}
"""Words of Socket.IO and its clients."""
LITERAL = re.compile(r"""(["'])((?:\\.|(?!\1).)*)\1""")
COMMENT = re.compile(r"(?<![:\w])//[^\n]*|/\*.*?\*/", re.DOTALL)


def literals_of(name: str) -> set[str]:
    """The strings in the code of an example."""
    found = {text for _, text in LITERAL.findall(COMMENT.sub("", snippets_of(EMBEDDING)[name]))}
    return {text for text in found if "$" not in text and not text.startswith(("/", "package:"))}


@pytest.mark.parametrize("name", NATIVE)
def test_a_native_client_says_nothing_that_the_contract_does_not_know(name: str) -> None:
    said = literals_of(name)
    codes = {text for text in said if text.isupper()}
    assert codes >= {"TOKEN_EXPIRED", "TOKEN_INVALID"}
    assert {Code(code) for code in codes} <= REFUSALS | FAREWELLS | {Code.INTERNAL}
    assert said - codes - EVENTS - COMMANDS - AUTH - FIELDS - OF_THE_LIBRARIES == set()
    assert said >= AUTH | {"bye", "welcome", "token:expiring", "token:refresh", "retryable", "retry_after_ms"}


def test_the_list_of_events_that_kotlin_needs_is_the_contracts() -> None:
    listed = snippets_of(EMBEDDING)["LiveRoom.kt"].split("val EVENTS = listOf(")[1].split(")")[0]
    assert set(re.findall(r'"([^"]+)"', listed)) == EVENTS


@pytest.mark.parametrize("name", NATIVE)
def test_the_brackets_of_a_native_client_close(name: str) -> None:
    pairs = {")": "(", "]": "[", "}": "{"}
    waiting: list[str] = []
    for character in LITERAL.sub("", COMMENT.sub("", snippets_of(EMBEDDING)[name])):
        if character in pairs.values():
            waiting.append(character)
        elif character in pairs:
            assert waiting.pop() == pairs[character]
    assert waiting == []


def test_the_page_says_that_the_native_clients_are_not_compiled() -> None:
    said = " ".join(text_of(EMBEDDING).split("## Native apps")[1].split("###")[0].split())
    assert "checked against the contract" in said
    assert "not compiled or run" in said
