"""Nobody in a room is shown under a blocked name, and no viewer under one that belongs to the show."""

import pytest

from auth.denials import Code, Denied
from auth.identity import UserId
from rooms.chat.blocked_words import NO_WORDS, BlockedWords
from rooms.names.names import MAX_OFFICIAL, Names, NamesRecord, alias, official

FAN, HANA = UserId("fan"), UserId("u-17")
RECORD = NamesRecord(("Aurora", "极光官方", "🌟"), {HANA: "Hana Sato"}, 3)
NO_NAMES = NamesRecord()
NAMES = Names(lambda: RECORD, NO_WORDS)


@pytest.mark.parametrize(
    "name",
    [
        "Aurora",
        "AURORA",
        "★ Aurora ✓",
        "Aurоra",  # o is Cyrillic
        "А𝓾𝓻𝓸𝓻𝓪",
        "🅰🆄🆁🅾🆁🅰",
        "Äurórà",
        "A.u.r.o.r.a",
        "極光官方",
        "🌟",
        "hana sato",
        "HanaSato",
        "Нana Sato",  # H is Cyrillic
    ],
)
def test_a_viewer_is_not_shown_under_a_name_of_the_show(name: str) -> None:
    assert NAMES.shown(FAN, name, is_staff=False) == alias(FAN)
    assert NAMES.shown(FAN, name, is_staff=True) == name


@pytest.mark.parametrize("name", ["Aurora Fan", "Hana", "Sato", "极光", "🌟🌟", "Borealis", "Ω"])
def test_other_names_are_everybodys(name: str) -> None:
    assert NAMES.shown(FAN, name, is_staff=False) == name


@pytest.mark.parametrize(
    ("kept", "taken", "free"),
    [
        ("LI", ["LI", "li", "L.I", "ＬＩ"], ["11", "1I", "II", "Il", "L1", "ll"]),
        ("LOL", ["lol", "L0L"], ["101", "1O1", "ioi"]),
        ("Alice", ["AIice", "A1ice", "ALICE", "Аlice"], ["Aiice", "Alicia"]),
        ("Aurora", ["Aur0ra", "AUR0RA"], ["Aurara"]),
        ("U2", ["u2"], ["U 21"]),
        ("Hilly", ["HiIIy", "Hi11y"], ["Hlily", "Hilli"]),
        ("100", ["１００"], ["1oo", "loo", "IOO"]),
    ],
)
def test_a_digit_is_a_letter_among_letters_only(kept: str, taken: list[str], free: list[str]) -> None:
    for record in (NamesRecord((kept,)), NamesRecord(hosts={HANA: kept})):
        names = Names(lambda record=record: record, NO_WORDS)  # type: ignore[misc]
        assert [name for name in taken if names.shown(FAN, name, is_staff=False) == name] == []
        assert [name for name in free if names.shown(FAN, name, is_staff=False) != name] == []


def test_names_that_read_alike_are_kept_beside_each_other() -> None:
    assert official(["LI", "11", "li"]) == ("li", "11")


def test_a_host_keeps_the_own_name_without_the_role_too() -> None:
    assert NAMES.shown(HANA, "Hana Sato", is_staff=False) == "Hana Sato"


def test_a_blocked_name_is_nobodys() -> None:
    names = Names(lambda: NO_NAMES, BlockedWords(["badword"]))
    for name in ("badword", "Mr. B\u0430dword", "🅱🅰🅳🆆🅾🆁🅳"):
        assert names.shown(FAN, name, is_staff=True) == alias(FAN)
    assert names.shown(FAN, "goodword", is_staff=False) == "goodword"


def test_an_alias_says_nothing_and_stays() -> None:
    assert alias(FAN) == alias(UserId("fan"))
    assert alias(FAN) != alias(HANA)
    assert alias(FAN)[0] == "#"
    assert len(alias(FAN)) == 9
    assert alias(FAN)[1:].isdigit()


def test_a_list_is_cleaned_and_holds_each_name_once() -> None:
    assert official([" Aurora\u200b ", "AURORA", "极光"]) == ("AURORA", "极光")
    for names in ([""], ["\u202e"], ["x" * 41], [str(number) for number in range(MAX_OFFICIAL + 1)]):
        denied = official(names)
        assert isinstance(denied, Denied)
        assert (denied.code, denied.detail["field"]) == (Code.BAD_REQUEST, "names")
