"""The two encodings in which the contract is spoken."""

from enum import StrEnum


class Codec(StrEnum):
    """How a client's path tells packets are encoded."""

    JSON = "json"
    MSGPACK = "msgpack"

    @property
    def is_binary(self) -> bool:
        """Whether packets travel as binary frames."""
        return self is Codec.MSGPACK
