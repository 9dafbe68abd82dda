"""The bounds of what clients send, by the names that payloads give them."""

from typing import Annotated

from msgspec import Meta

VISIBLE = r"^[^\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+(?![\s\S])"
"""No control, direction or zero-width character: none stands in an id that was ever made here."""

Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=VISIBLE)]

JOINED = r"(?<=[\u0600-\u06ff\u0900-\u0dff\u203c-\u2bff\ufe0f" + "\U0001f000-\U0001faff" + r"])[\u200c\u200d]"

VISIBLE_OR_JOINED = VISIBLE.replace("^[", "^(?:[").replace("]+", f"]|{JOINED})+")
"""The same, with joiners within emoji families and in scripts that spell with them."""

User = Annotated[str, Meta(min_length=1, max_length=64, pattern=VISIBLE_OR_JOINED)]

Count = Annotated[int, Meta(ge=0, le=2**53)]

Millis = Annotated[int, Meta(ge=0, le=2**53)]

ClientTime = Annotated[int, Meta(ge=-(2**53), le=2**53)] | Annotated[float, Meta(ge=-(2.0**53), le=2.0**53)]
"""Of a clock that is the client's own; never NaN or infinite."""

FOREVER_MS = 2**53
"""An end that does not come by itself."""

ShortText = Annotated[str, Meta(max_length=2400)]
"""As it is sent; what counts are the graphemes left after cleaning. A grapheme of 48 bytes has 24 code points."""
