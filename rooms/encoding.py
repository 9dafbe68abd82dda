"""How what is published travels: as JSON, with the kind of news in `t`."""

import msgspec
from msgspec import Struct

_encoder = msgspec.json.Encoder()


def encode(event: Struct) -> bytes:
    """The body of a publication."""
    return _encoder.encode(event)
