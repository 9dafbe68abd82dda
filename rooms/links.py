"""Links in texts."""

import unicodedata

from auth.patterns import pattern

_DOT = r"(?:[.\u3002]| [.\u3002] | ?[\[(] ?(?:[.\u3002]|dot) ?[\])] ?)"
"""Tight or set apart on purpose; a full stop before the next sentence has a space on one side only."""
_LINK = pattern(
    r"[a-z][a-z0-9+.-]*://"
    r"|\bwww\."
    rf"|[\p{{L}}\p{{N}}-]{_DOT}(?:com|net|org|info|biz|xyz|top|shop|site|online|live|club|link|vip|app|dev|"
    r"io|cn|me|tv|cc|gg|ly|co|to|ru|tk|hk|tw|jp|kr|uk|de|eu|xn--[a-z0-9-]+)(?![\p{L}\p{N}])"
    r"|[\p{L}\p{N}-]\.\p{L}{2,}/"
    r"|(?<!\d)(?:\d{1,3}\.){3}\d{1,3}(?!\d)",
    ignore_case=True,
)


def has_link(cleaned: str) -> bool:
    """Whether a cleaned text holds something that a reader could follow: a URL, a domain name, an address."""
    return _LINK.search(unicodedata.normalize("NFKC", cleaned)) is not None
