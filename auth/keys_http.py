"""Public keys from the platform's JWKS address, refreshed in the background over HTTP."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

import httpx2
import msgspec

from auth.keys import KeyRing

log = logging.getLogger(__name__)

REFRESH_SECONDS: Final = 300.0
UNKNOWN_KID_SECONDS: Final = 30.0
TIMEOUT_SECONDS: Final = 5.0
MAX_BODY_BYTES: Final = 65_536


class FetchError(Exception):
    """The key document could not be fetched or used; the message says why in one sentence."""


class JwksSource:
    """The current ring of the secrets and the keys behind `url`; give `ring` and `ask` to a TokenVerifier.

    `refresh` fetches once. `run` refreshes for ever: every `refresh_seconds`, and when `ask` reported an
    unknown kid, for that at most once per `unknown_kid_seconds`. A failed fetch is logged and changes
    nothing: the old ring stays. Until the first success the ring holds the secrets alone.
    """

    def __init__(
        self,
        url: str,
        secrets: Sequence[str] = (),
        *,
        refresh_seconds: float = REFRESH_SECONDS,
        unknown_kid_seconds: float = UNKNOWN_KID_SECONDS,
        timeout_seconds: float = TIMEOUT_SECONDS,
        max_body_bytes: int = MAX_BODY_BYTES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError(f"a JWKS address begins with https:// (or http:// on a trusted network), not {url!r}")
        self._url = url
        self._secrets = tuple(secrets)
        self._refresh_seconds = refresh_seconds
        self._unknown_kid_seconds = unknown_kid_seconds
        self._timeout_seconds = timeout_seconds
        self._max_body_bytes = max_body_bytes
        self._monotonic = monotonic
        self._ring = KeyRing(self._secrets)
        self._asked = asyncio.Event()
        self._asked_refresh_at: float | None = None

    def ring(self) -> KeyRing:
        """The ring from the last successful fetch."""
        return self._ring

    def ask(self) -> None:
        """A token named an unknown kid: fetch the keys soon. Cheap, however often it is called."""
        now = self._monotonic()
        if self._asked_refresh_at is None or now - self._asked_refresh_at >= self._unknown_kid_seconds:
            self._asked_refresh_at = now
            self._asked.set()

    async def refresh(self) -> bool:
        """Fetch once; False when the old ring was kept."""
        try:
            document = await asyncio.wait_for(self._fetch(), self._timeout_seconds)
            self._ring = KeyRing(self._secrets, document)
        except (FetchError, ValueError, TimeoutError, httpx2.HTTPError) as error:
            log.warning("jwks_refresh_failed", extra={"url": self._url, "reason": str(error) or type(error).__name__})
            return False
        return True

    async def run(self) -> None:
        """Refresh until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), self._refresh_seconds)
            self._asked.clear()
            await self.refresh()

    async def _fetch(self) -> dict[str, object]:
        # no redirects: the address is the trust; identity: a compressed body could unpack to anything
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        body = bytearray()
        async with (
            httpx2.AsyncClient(timeout=self._timeout_seconds, follow_redirects=False) as client,
            client.stream("GET", self._url, headers=headers) as response,
        ):
            if response.status_code != httpx2.codes.OK:
                raise FetchError(f"the address answered {response.status_code}")
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > self._max_body_bytes:
                    raise FetchError(f"the document is larger than {self._max_body_bytes} bytes")
        try:
            return msgspec.json.decode(body, type=dict[str, object])
        except (msgspec.MsgspecError, RecursionError) as error:
            raise FetchError("the answer is not a JSON object") from error
