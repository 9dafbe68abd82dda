"""What is generated from the contract says all of it, and is in step with the code."""

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import pytest

from auth.denials import Code
from auth.door import Surface, expelled_by
from auth.situation import Phase
from gateway.contract.rows import FAREWELLS
from gateway.features.registry import CONSOLE_COMMANDS, SERVER_EVENTS, VIEWER_COMMANDS
from gateway.reference import __main__ as generator
from gateway.reference import vocabulary
from gateway.reference.bounds import BOUNDS
from gateway.reference.configuration import configuration
from gateway.reference.facts import Edge
from gateway.reference.pages import reference
from gateway.reference.states import diagram, states
from gateway.reference.typescript import typescript
from gateway.setup.settings import Settings
from presale.orders import orders
from rooms.course import phases
from rooms.stage import stage

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("path", generator.GENERATED, ids=lambda path: path.name)
def test_a_generated_file_is_in_step(path: Path) -> None:
    assert path.read_text("utf-8") == generator.GENERATED[path](), "run `make contract`"


def test_check_names_what_is_out_of_step_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good, stale, missing = (tmp_path / name for name in ("good.md", "stale.md", "docs/missing.md"))
    good.write_text("new")
    stale.write_text("old")
    monkeypatch.setattr(generator, "ROOT", tmp_path)
    monkeypatch.setattr(generator, "GENERATED", dict.fromkeys((good, stale, missing), lambda: "new"))

    assert generator.main(["--check"]) == 1
    told = capsys.readouterr().err
    assert ("good.md" in told, "stale.md" in told, "missing.md" in told) == (False, True, True)
    assert (stale.read_text(), missing.exists()) == ("old", False)

    assert generator.main([]) == 0
    assert (stale.read_text(), missing.read_text()) == ("new", "new")
    assert generator.main(["--check"]) == 0


def test_clients_learn_the_class_of_every_event_and_which_tell_one_of_many_values() -> None:
    module = typescript()
    for event in SERVER_EVENTS:
        assert f'  "{event.name}": "{event.kind}",' in module
    assert 'EVENT_KEYS = {\n  "countdown": "id",\n  "order": "order",\n} as const;' in module


def test_the_reference_names_every_event_with_its_payload_and_every_type_once() -> None:
    page = reference()
    for event in SERVER_EVENTS:
        assert f"| `{event.name}` | [{event.payload.__name__}]" in page
    for command in (*VIEWER_COMMANDS, *CONSOLE_COMMANDS):
        assert f"| `{command.name}` | [{command.payload.__name__}]" in page
    for kind in (*vocabulary.structs(), *vocabulary.enums()):
        assert page.count(f"### {kind.__name__}\n") == 1


def test_every_code_has_a_meaning() -> None:
    assert [code for code in Code if code.name not in vocabulary.part_promises(Code)] == []


def test_the_promises_of_parts_are_the_strings_below_them() -> None:
    promises = vocabulary.part_promises(orders.OrderState)
    assert promises["CLOSED"] == "Seats released unpaid."
    assert "PAID" not in promises


def test_every_end_of_a_socket_in_the_code_is_a_farewell_of_the_contract() -> None:
    said = {
        Code[name]
        for path in (ROOT / "gateway").rglob("*.py")
        for name in re.findall(r"\bbye\(Code\.(\w+)", path.read_text("utf-8"))
    }
    expelled = {code for phase in Phase for surface in Surface if (code := expelled_by(phase, surface)) is not None}
    assert said
    assert said | expelled <= FAREWELLS


@pytest.mark.parametrize("transitions", [orders.TRANSITIONS, stage.TRANSITIONS])
def test_a_diagram_has_every_step_of_its_table(transitions: Mapping[tuple[StrEnum, StrEnum], StrEnum]) -> None:
    page = states()
    for (before, event), after in transitions.items():
        assert f"    {before} --> {after}: {event}\n" in page


def test_the_diagram_of_a_show_has_every_way_between_its_phases_and_no_other() -> None:
    drawn = set(re.findall(r"    (\w+) --> (\w+)\n", states().split("## An order")[0]))
    assert drawn == {(at.value, to.value) for at, targets in phases.TRANSITIONS.items() for to in targets}


def test_a_diagram_ends_where_nothing_leads_on() -> None:
    class Light(StrEnum):
        OFF = "off"
        ON = "on"
        BROKEN = "broken"

    drawn = diagram([Edge("off", "on", "flip"), Edge("on", "broken")], Light).splitlines()
    assert [line.strip() for line in drawn[2:-1]] == [
        "[*] --> off",
        "off --> on: flip",
        "on --> broken",
        "broken --> [*]",
    ]


def test_the_settings_page_does_not_depend_on_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    before = configuration()
    monkeypatch.setenv("LIVEROOM_PORT", "9999")
    monkeypatch.setenv("LIVEROOM_JWT_SECRETS", "a-secret-that-must-never-stand-in-a-page-of-the-docs")
    assert configuration() == before
    assert [name for name in Settings.model_fields if f"`LIVEROOM_{name.upper()}`" not in before] == []


BOUND = re.compile(r"_per_|_burst$|_at_once$|^(in|out)box_|_bytes$|_errors$|_places$|^(header|body|connect)_seconds$")
NOT_OF_CLIENTS = {"history_bytes", "unsent_bytes"}
"""Bounds on what we keep, which no client comes up against."""


def test_every_setting_that_bounds_clients_stands_in_the_table_of_limits() -> None:
    told = {name for bound in BOUNDS for name in bound.settings}
    assert {name for name in Settings.model_fields if BOUND.search(name)} - NOT_OF_CLIENTS - told == set()
    assert told <= set(Settings.model_fields)
    page = configuration()
    for bound in BOUNDS:
        assert f"| {bound.what} | {bound.per} |" in page
