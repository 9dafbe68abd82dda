"""The HTTP client of the crowd, the host and the operator: demo login, shows, orders, cashier, refunds, audit."""

import asyncio
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2

from gateway.features.audit.bodies import ShowAudit
from gateway.rehearsal.journal import Journal, Place, Refusal
from gateway.setup.preflight import CommandError

AT_ONCE = 12
"""How many requests run at a time: the rest queues here, so that HTTP is not what the rehearsal measures."""
TIMEOUT_SECONDS = 30.0
RETRY_SECONDS = 0.5
TRIES = 4
PROVIDER = "sandbox"


class Desk:
    """One HTTP client for everybody. Refusals go to the journal of whom they concern."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise CommandError(f"--url takes the address of a server, like http://127.0.0.1:8000, not {url!r}.")
        self.url = url.rstrip("/")
        limits = httpx2.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=2)
        self.http = httpx2.AsyncClient(base_url=self.url, timeout=TIMEOUT_SECONDS, trust_env=False, limits=limits)
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()

    async def require_playground(self) -> None:
        """CommandError in one sentence unless a demo or test server answers and is ready."""
        try:
            answer = await self.http.get("/readyz")
            if answer.status_code == httpx2.codes.FORBIDDEN:
                raise CommandError(f"{self.url} keeps /readyz to itself: name a gateway's own address with --url.")
            ready = answer.json()
            reasons = ", ".join(ready["reasons"])
        except httpx2.HTTPError as error:
            raise CommandError(
                f"nothing answers at {self.url} ({type(error).__name__}): start a server with `liveroom demo`, "
                "or name another one with --url."
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise CommandError(f"what answers at {self.url} is no liveroom: its /readyz is not understood.") from error
        if not ready["ok"]:
            raise CommandError(f"the server at {self.url} is not ready: {reasons}.")

    async def login(self, user: str, role: str = "viewer") -> str:
        """A token of the demo; CommandError where there is no demo login."""
        async with self._turns:
            answer = await self.http.post("/demo/login", json={"user": user, "role": role})
        if answer.status_code != httpx2.codes.OK:
            raise CommandError(
                f"the server at {self.url} is no demo or test server: a rehearsal plays with money and takes one."
            )
        token: str = answer.json()["token"]
        return token

    async def ask(
        self, method: str, path: str, token: str, journal: Journal, json: object = None, key: str = ""
    ) -> dict[str, Any] | str:
        """The answer, or the code of a refusal; what a later try may cure is tried again."""
        headers = {"authorization": f"Bearer {token}", **({"idempotency-key": key} if key else {})}
        code, route = "", f"{method} {path.split('/')[1]}"
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(RETRY_SECONDS * attempt)
            try:
                async with self._turns:
                    answer = await self.http.request(method, f"/api/v1{path}", headers=headers, json=json)
            except httpx2.HTTPError as error:
                journal.troubles.append(f"{method} {path}: {type(error).__name__}")
                code = "unanswered"
                continue
            if answer.is_success:
                return dict(answer.json()) if answer.content else {}
            code, retryable = _refusal(answer)
            journal.refusals.append(Refusal(Place.HTTP, route, code))
            if not retryable:
                break
        return code

    async def press(self, pay_url: str, action: str, journal: Journal) -> bool:
        """A button of the cashier's page."""
        try:
            async with self._turns:
                answer = await self.http.post(pay_url, data={"action": action}, headers={"accept": "application/json"})
        except httpx2.HTTPError as error:
            journal.troubles.append(f"cashier: {type(error).__name__}")
            return False
        if answer.status_code != httpx2.codes.OK:
            journal.troubles.append(f"cashier: {action} answered {answer.status_code}")
        return answer.is_success

    async def play(self, url: str) -> int | None:
        """The status a media server gives a grant; None for one that lives elsewhere."""
        if not url.startswith("/"):
            return None
        async with self._turns:
            return (await self.http.get(url)).status_code

    async def audit(self, show: str, token: str) -> ShowAudit:
        """The show counted again in SQL."""
        answer = await self.http.get(f"/api/v1/shows/{show}/audit", headers={"authorization": f"Bearer {token}"})
        if answer.status_code != httpx2.codes.OK:
            raise CommandError(f"the server's audit of the show answered {answer.status_code}.")
        return ShowAudit.model_validate_json(answer.content)


def _refusal(answer: httpx2.Response) -> tuple[str, bool]:
    try:
        error = answer.json()["error"]
        return str(error["code"]), bool(error["retryable"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}", False
