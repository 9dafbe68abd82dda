"""Composed keys: one text from several parts, for postings, accounts, turns and others."""


def composed_key(kind: str, *parts: str) -> str:
    """One text for a kind and its parts. Other parts, or another kind, never make the same text.

    Every key of a kind has the same number of parts. Parts may hold any character (user ids are the platform's, gift
    keys the client's): one that holds the separator, or begins like a length, is written behind its length. The last
    one needs none, for nothing follows it. So a key whose parts are plain reads as before lengths were written, and
    is the same key.
    """
    if ":" in kind or not parts:
        raise ValueError(f"a kind has no colon, and a key has parts: {kind}")
    *inner, last = parts
    return ":".join((kind, *map(_delimited, inner), last))


def _delimited(part: str) -> str:
    return f"~{len(part)}~{part}" if ":" in part or part.startswith("~") else part
