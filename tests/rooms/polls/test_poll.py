"""What may be asked, and what a vote changes."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.denials import Code, Denied
from auth.identity import UserId
from rooms.chat.blocked_words import NO_WORDS, BlockedWords
from rooms.polls.poll import Asked, Poll, PollOption, Vote, ask, judge, moved

ANN, BEN = UserId("ann"), UserId("ben")
OPEN = Poll("p", "Encore?", (PollOption("yes", 0), PollOption("no", 0)), 1)


def test_texts_are_cleaned() -> None:
    assert ask("  Encore? ", ["yes", " no\u200b "], NO_WORDS) == Asked("Encore?", ("yes", "no"))


@pytest.mark.parametrize(
    ("question", "options", "code", "field"),
    [
        (" ", ["yes", "no"], Code.TEXT_EMPTY, "question"),
        ("x" * 121, ["yes", "no"], Code.TEXT_TOO_LONG, "question"),
        ("Encore?", ["yes", " "], Code.TEXT_EMPTY, "options"),
        ("Encore?", ["yes", "n" * 41], Code.TEXT_TOO_LONG, "options"),
        ("Encore?", ["yes", "YES"], Code.BAD_REQUEST, "options"),
        ("Encore?", ["yes"], Code.BAD_REQUEST, "options"),
        ("Encore?", list("abcdefg"), Code.BAD_REQUEST, "options"),
    ],
)
def test_what_cannot_be_asked_says_where(question: str, options: list[str], code: Code, field: str) -> None:
    denied = ask(question, options, NO_WORDS)
    assert isinstance(denied, Denied)
    assert (denied.code, denied.detail["field"]) == (code, field)


def test_a_blocked_word_is_asked_neither_as_a_question_nor_as_an_option() -> None:
    blocked = BlockedWords(["scalper"])
    for question, options in (("A scalper?", ["yes", "no"]), ("Who?", ["a scalper", "nobody"])):
        assert ask(question, options, blocked) == Denied(Code.TEXT_BLOCKED)


def test_a_vote_counts_on_an_open_poll_for_an_option_that_it_has() -> None:
    assert judge(OPEN, 1) is None
    assert judge(None, 0) == Denied(Code.NOT_FOUND)
    assert judge(OPEN, 2) == Denied(Code.BAD_REQUEST, detail={"field": "option"})
    assert judge(Poll("p", "Encore?", OPEN.options, 1, 2), 0) == Denied(Code.POLL_ENDED)


def test_who_votes_otherwise_takes_the_vote_along() -> None:
    assert moved([Vote(ANN, "p", 1)], {ANN: 0, BEN: 0}) == Counter({1: 1, 0: -1})
    assert moved([Vote(ANN, "p", 0), Vote(ANN, "p", 1)], {}) == Counter({0: 0, 1: 1})


people = st.sampled_from([UserId(name) for name in "abcde"])


@given(st.lists(st.lists(st.tuples(people, st.integers(0, 3)), max_size=8), max_size=8))
def test_counts_are_of_people_however_often_they_vote(batches: list[list[tuple[UserId, int]]]) -> None:
    counts: Counter[int] = Counter()
    standing: dict[UserId, int] = {}
    for batch in batches:
        counts.update(moved([Vote(user, "p", option) for user, option in batch], standing))
        standing |= dict(batch)
    assert +counts == Counter(standing.values())
