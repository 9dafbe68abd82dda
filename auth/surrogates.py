r"""Half a character in JSON: an escape such as `\ud83d` that has lost its other half. Pure.

JavaScript cuts strings between the two, and writes the half as it is; no string that Unicode can encode holds it.
"""

import re
from typing import Final

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
LONE: Final = 6
"""Characters of an escape that stands alone; two that belong together have twice as many, any other escape two."""

_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)",
    re.DOTALL,
)


def repaired(text: str) -> str:
    """The same JSON with U+FFFD for each half character; the very same object where there is none.

    NUL is a character: texts lose it as every control character, and what names somebody is refused for it.
    """
    if "\\ud" not in text and "\\uD" not in text:
        return text
    changed, count = _ESCAPE.subn(_whole, text)
    return changed if count and changed != text else text


def repaired_bytes(body: bytes) -> bytes:
    """The same for what was not decoded yet; bytes that are no UTF-8 become U+FFFD too."""
    if b"\\u" not in body and body.isascii():
        return body
    text = body.decode("utf-8", "replace")
    return repaired(text).encode()


def _whole(escape: re.Match[str]) -> str:
    found = escape.group()
    return "\\ufffd" if len(found) == LONE else found
