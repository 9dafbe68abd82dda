"""No key is made of two different sets of parts; and every kind of key in the house has one number of parts."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.composed import composed_key

ROOT = Path(__file__).parents[2]
FLOORS = ("auth", "rooms", "presale", "pubsub", "store", "gateway")
PARTS = st.text(st.sampled_from(":~0123ab"), max_size=8) | st.text(max_size=8)


@given(st.integers(1, 4).flatmap(lambda count: st.tuples(*[st.lists(PARTS, min_size=count, max_size=count)] * 2)))
def test_other_parts_make_another_key(pair: tuple[list[str], list[str]]) -> None:
    one, other = pair
    assert (composed_key("kind", *one) == composed_key("kind", *other)) is (one == other)


@given(one=st.lists(PARTS, min_size=1, max_size=3), other=st.lists(PARTS, min_size=1, max_size=3))
def test_another_kind_makes_another_key(one: list[str], other: list[str]) -> None:
    assert composed_key("kind", *one) != composed_key("other", *other)


def test_plain_parts_read_as_they_are_and_others_are_told_by_their_length() -> None:
    assert composed_key("gift", "room", "a:key") == "gift:room:a:key"
    assert composed_key("spend", "show", "tenant:42", "key") == "spend:show:~9~tenant:42:key"
    assert composed_key("spend", "show", "~2", "key") == "spend:show:~2~~2:key"


@pytest.mark.parametrize(("kind", "parts"), [("a:b", ("c",)), ("a", ())])
def test_what_could_be_read_in_two_ways_is_no_key(kind: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="a kind has no colon, and a key has parts"):
        composed_key(kind, *parts)


def test_every_kind_is_written_out_and_has_one_number_of_parts() -> None:
    # the last part stands as it is: with another number of parts a key could be read in two ways. Turns, accounts and
    # jobs are names of different things, each written in its own module.
    counts: dict[tuple[str, str], set[int]] = defaultdict(set)
    for floor in FLOORS:
        for path in (ROOT / floor).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "composed_key":
                    kind, *parts = node.args
                    assert isinstance(kind, ast.Constant), path
                    assert not any(isinstance(part, ast.Starred) for part in parts), path
                    counts[path.name, str(kind.value)].add(len(parts))
    assert len(counts) >= 12
    assert {kind: found for kind, found in counts.items() if len(found) != 1} == {}
