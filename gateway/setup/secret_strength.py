"""Estimates whether a secret can be guessed: how many of its parts do not follow from the parts before. Pure.

The estimate errs in favour of the secret: random ones pass, and so do long phrases without placeholder words.
"""

import unicodedata
from itertools import pairwise
from typing import Final

LEAST_DISTINCT_CHARS: Final = 8
"""The fewest distinct characters of a secret: 32 random hexadecimal digits have 14 on average, and fewer than eight in
four of 100 million.
"""
LEAST_SURPRISES: Final = 18
"""The fewest units of a secret, where a character, run, repetition or placeholder each counts once; 32 random
hexadecimal digits have about 28.
"""
LEAST_REPEATED: Final = 3
LEAST_RUN: Final = 4
LONGEST_STEP: Final = 3
"""The largest step of an arithmetic run: `acegik` has 2."""
ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyzabc",
    "01234567890123",
    "1234567890-=",
    "!@#$%^&*()_+",
    "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "qazwsxedcrfvtgbyhnujmikolp",
    "31415926535897932384626433832795028841971693993751",
    "27182818284590452353602874713526624977572470936999",
)
"""Known sequences: the alphabet, keyboards by row and column, and others; in either direction."""
_WORDS: Final = """
    1234 2024 2025 2026 256 512 access admin algorithm and app application at auth authentication backend base be
    bit bits brown bytes change changed changeit changeme characters client code config credential credentials
    database default demo dev develop developer development do dog dolor dummy encryption enough environment example
    fake foobar for fox gateway generate goes grant hash here hmac hs256 http https in insecure insert ipsum is it
    jumps jwks jwt keep key keys lazy least length live liveroom local localhost long lorem master minimum must my
    mysecret never not of on only openssl or over pass passphrase passwd password phrase placeholder platform please
    private prod production public quick random replace replaceme right room root safe sample secret secretkey
    secrets secure security server session set shared should show shows sign signature signing some staging stream
    string strong super temp temporary test testing that the this to todo token unsafe update use user value very
    webhook whsec wire with xxxx you your yours
    """
WORDS: Final = frozenset(_WORDS.split())
"""Words that appear in placeholders."""
_LONGEST_WORD: Final = max(map(len, WORDS))
_SHORTEST_WORD: Final = min(map(len, WORDS))
_LEET: Final = str.maketrans("013457@$!", "oieastasi")
_RUNS: Final = (*ROWS, *(row[::-1] for row in ROWS))


def plain(secret: str) -> str:
    """A secret without what does not matter to a guesser: case, white space, character width, invisible characters."""
    return "".join(one for one in unicodedata.normalize("NFKC", secret).casefold() if one.isprintable() and one != " ")


def is_guessable(secret: str) -> bool:
    """Whether a guesser who tries common patterns would find it."""
    text = plain(secret)
    if len(set(text)) < LEAST_DISTINCT_CHARS:
        return True
    readings = (_surprises(text), _surprises(text.translate(_LEET)), _surprises(text[::2]) + _surprises(text[1::2]))
    return min(readings) < LEAST_SURPRISES


def _surprises(text: str) -> int:
    at, count, was_told = 0, 0, False
    while at < len(text):
        told = max(_repeated(text, at), _run(text, at), _word(text, at))
        # what stands between words and runs is no surprise
        count += bool(told) or not (was_told and not text[at].isalnum())
        was_told = told > 0 or (was_told and not text[at].isalnum())
        at += told or 1
    return count


def _repeated(text: str, at: int) -> int:
    """The length of the longest prefix that already occurs before."""
    size = LEAST_REPEATED
    while at + size <= len(text) and text[at : at + size] in text[: at + size - 1]:
        size += 1
    return size - 1 if size > LEAST_REPEATED else 0


def _run(text: str, at: int) -> int:
    """The length of the prefix that counts up or down, or follows a known sequence."""
    codes = [ord(one) for one in text[at:]]
    steps = [after - before for before, after in pairwise(codes)]
    size = 1
    if steps and abs(steps[0]) <= LONGEST_STEP:
        size += next((number for number, step in enumerate(steps) if step != steps[0]), len(steps))
    longest = size if size >= LEAST_RUN + (bool(steps) and abs(steps[0]) > 1) else 0
    size = max(longest + 1, LEAST_RUN)
    while at + size <= len(text) and any(text[at : at + size] in row for row in _RUNS):
        longest, size = size, size + 1
    return longest


def _word(text: str, at: int) -> int:
    sizes = range(min(_LONGEST_WORD, len(text) - at), _SHORTEST_WORD - 1, -1)
    return next((size for size in sizes if text[at : at + size] in WORDS), 0)
