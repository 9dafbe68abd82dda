from auth.tokens import mint
from tests.contracts.replica_suite import FAN, HOUR_MS, Evening


async def _renew(now: Evening) -> None:
    settings, clock = now.house.settings, now.house.clock
    token = mint(
        settings.jwt_secrets[0], FAN, None, settings.jwt_issuer, settings.jwt_audience, clock(), HOUR_MS, "another"
    )
    await now.do("token:refresh", {"token": token}, FAN)


EXAMPLES = {
    "clock": lambda now: now.do("clock", {"t0": 1}, FAN),
    "token:refresh": _renew,
    "streams:refresh": lambda now: now.do("streams:refresh", by=FAN),
}
