"""Every setting of the gateway: name with unit, type, safe default or none, meaning.

They are read from the environment with the prefix `LIVEROOM_`; lists are JSON or comma separated.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gateway.setup import weak_settings
from gateway.setup.origins import ANY, Origins, canonical, listening_host
from rooms.stage.stage import Terms

SANDBOX_PORT = 8001

# refused outside demo and test mode
DEMO_JWT_SECRET = "demo-only-jwt-secret-never-use-it-outside-the-demo"
DEMO_GRANT_SECRET = "demo-only-grant-secret-never-use-it-outside-demo"
DEMO_SANDBOX_SECRET = "demo-only-sandbox-secret-never-use-outside-demo"
DEMO_WIRE_SECRET = "demo-only-wire-secret-never-use-it-outside-the-demo"
DEMO_SECRETS = (DEMO_JWT_SECRET, DEMO_GRANT_SECRET, DEMO_SANDBOX_SECRET, DEMO_WIRE_SECRET)
SECRETS = ("jwt_secrets", "grant_secrets", "sandbox_secrets", "wire_secrets")


class Mode(StrEnum):
    """The environment that the process may assume."""

    PRODUCTION = "production"
    DEMO = "demo"
    TEST = "test"


class Duty(StrEnum):
    """What a process does: `liveroom serve --role`."""

    GATEWAY = "gateway"
    """Holds sockets; any number of them."""
    PRESALE = "presale"
    """Answers the HTTP API and the callbacks of payment providers; any number of them."""
    WORKER = "worker"
    """Relays what was left in the outbox and runs jobs; any number of them."""
    ALL = "all"


class Settings(BaseSettings):
    """The settings; see each field's description."""

    model_config = SettingsConfigDict(
        env_prefix="LIVEROOM_", extra="ignore", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )

    mode: Mode = Field(Mode.PRODUCTION, description="production, or demo/test: play money, demo login, demo secrets")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on")
    public_url: str = Field("", description="how browsers reach this server, without a path; default http://host:port")
    data_dir: Path = Field(Path("var"), description="folder of the embedded database and of the demo's state")
    database_url: str = Field("", description="SQLAlchemy URL; default is SQLite in data_dir")
    redis_url: str = Field(
        "",
        description="the wire between processes: redis://, rediss://, unix://, redis+sentinel://host:port/master or "
        "redis+cluster://host:port,host:port, Redis 7.0 or newer; empty: one process alone",
    )
    wire_secrets: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        repr=False,
        description="one or two active secrets that sign what goes over Redis, 32 bytes or more",
    )
    role: Duty = Field(Duty.ALL, description="what this process does: gateway, presale, worker or all")
    node: str = Field(
        "",
        pattern="^[a-z0-9]{0,16}$",
        description="name of this gateway in session ids, by which a balancer finds it; default made up at the start",
    )
    workers: int = Field(1, ge=1, le=64, description="processes that share the port; more than one need Redis")
    web_dir: Path = Field(Path(__file__).parents[2] / "web-demo" / "dist", description="built web demo to serve")

    jwt_secrets: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        repr=False,
        description="one or two active HS256 secrets, 32 bytes or more; the first one mints",
    )
    jwt_jwks_url: str = Field("", description="where the platform publishes its RS256, ES256 or EdDSA keys")
    jwt_jwks_file: Path | None = Field(None, description="the same as a file")
    jwt_issuer: str = Field("liveroom-platform", description="required `iss`")
    jwt_audience: str = Field("liveroom", description="required `aud`")
    grant_secrets: Annotated[list[str], NoDecode] = Field(
        default_factory=list, repr=False, description="one or two active secrets of stream grants, 32 bytes or more"
    )
    grant_seconds: int = Field(120, ge=10, le=3600, description="life of a stream grant")
    media_url: str = Field("", description="base URL of the media server behind stream grants; default this server")

    allowed_origins: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="sites whose pages may open sockets and call the API, beside those of this server and of "
        "LIVEROOM_PUBLIC_URL; `*` in demo mode only",
    )
    trusted_proxies: Annotated[list[str], NoDecode] = Field(
        default_factory=list, description="addresses or networks whose X-Forwarded-For is trusted"
    )
    packet_bytes: int = Field(65536, ge=1024, description="largest packet and HTTP body of a client")
    packets_per_second: float = Field(20, gt=0, description="any events per socket")
    packets_burst: int = Field(40, ge=1, description="burst of any events per socket")
    transport_packets_per_second: float = Field(
        100,
        gt=0,
        description="packets of any kind on one transport, wanted or not; beyond it PROTOCOL. Until somebody is in: "
        "LIVEROOM_PACKETS_PER_SECOND; afterwards never less than five times that",
    )
    transport_packets_burst: int = Field(
        1500,
        ge=1,
        description="burst of them; never less than ten times LIVEROOM_PACKETS_BURST once somebody is let in",
    )
    transport_bytes_per_second: float = Field(
        65536, gt=0, description="the same in bytes; never less than 1 KiB for each of LIVEROOM_PACKETS_PER_SECOND"
    )
    transport_bytes_burst: int = Field(1048576, ge=1024, description="burst of them; four packets until somebody is in")
    transport_requests_per_second: float = Field(
        80, gt=0, description="HTTP requests of one polling session, and of one connection to a path of sockets"
    )
    transport_requests_burst: int = Field(200, ge=1, description="burst of them")
    inbox_events: int = Field(32, ge=1, description="events of one socket that may wait to be handled")
    outbox_packets: int = Field(2048, ge=16, description="packets that may wait for one socket; beyond it: SLOW")
    outbox_bytes: int = Field(262144, ge=4096, description="the same in bytes")
    outbox_seconds: float = Field(5, gt=0, description="a socket that reads nothing for so long is cut")
    unsent_bytes: int = Field(16384, ge=1024, description="of one socket's packets, held by the kernel beyond that")
    upgrade_seconds: float = Field(10, gt=0, description="deadline for a polling client to upgrade")
    farewell_seconds: float = Field(2, gt=0, description="for a disconnected client to fetch its last packets")
    refused_events_per_second: float = Field(
        5, gt=0, description="events answered RATE_LIMITED of one transport; beyond it PROTOCOL"
    )
    refused_events_burst: int = Field(1200, ge=1, description="burst of them, as from an app that was offline")
    protocol_errors: int = Field(3, ge=1, description="malformed packets after which a socket ends as PROTOCOL")
    protocol_error_seconds: float = Field(60, gt=0, description="how long they and final refusals count")
    header_seconds: float = Field(10, gt=0, description="deadline for the head of an HTTP request")
    header_bytes: int = Field(16384, ge=1024, description="largest head of an HTTP request")
    body_seconds: float = Field(15, gt=0, description="deadline for the body of an HTTP request")
    keepalive_seconds: int = Field(
        75,
        ge=1,
        le=3600,
        description="how long an HTTP connection stays open for the next request; longer than your balancer keeps it",
    )
    idle_connections: int = Field(
        2048,
        ge=1,
        description="connections of one process without a request, those of trusted proxies apart; at most a quarter "
        "of its file descriptors; beyond it the one idle longest is closed",
    )
    idle_connections_per_address: int = Field(
        256, ge=1, description="the same of one address (of IPv6 the /64); lifted in demo mode"
    )
    unaccepted_sockets_per_address: int = Field(
        256,
        ge=1,
        description="sockets of one address (of IPv6 the /64) whose token was not seen yet; beyond it the one silent "
        "longest gives way; lifted in demo mode",
    )
    connect_seconds: float = Field(
        5, gt=0, description="for somebody to be let in on a transport, whatever is refused meanwhile"
    )
    ping_interval_seconds: float = Field(25, gt=0, description="Engine.IO heartbeat")
    ping_timeout_seconds: float = Field(20, gt=0, description="Engine.IO heartbeat answer")
    failed_handshakes_per_minute: int = Field(
        30,
        ge=1,
        description="tokens that no key has signed, per address (of IPv6 the /64); beyond it tokens from there are "
        "looked at more slowly, and good ones are still let in; lifted in demo mode",
    )
    refusals_per_transport: int = Field(3, ge=1, description="final refusals of CONNECT that end a transport")
    handshakes_per_minute: int = Field(10, ge=1, description="accepted tokens per user; one for both namespaces")
    admissions_per_second: float = Field(
        500, gt=0, description="viewers that each process lets in; fewer while it is late, the others wait"
    )
    admissions_burst: int = Field(2000, ge=1, description="viewers that each process lets in at once after a rest")
    waiting_places: int = Field(20_000, ge=0, description="viewers that wait at each process; beyond it BUSY")
    waiting_grace_seconds: float = Field(
        60, ge=0, description="how long a place in the queue, or having been inside, outlives a lost connection"
    )
    danmaku_per_second: float = Field(1, gt=0, description="danmaku per user and room, over all sockets")
    danmaku_burst: int = Field(3, ge=1, description="burst of danmaku per user and room")
    danmaku_per_room_per_second: float = Field(
        1000,
        gt=0,
        description="danmaku told in one room, of 400 bytes each; of more, those without a ticket are left out first",
    )
    gifts_per_second: float = Field(5, gt=0, description="gifts per user and room, over all sockets")
    likes_per_second: float = Field(10, gt=0, description="`like` events per user and room, at each gateway")
    likes_burst: int = Field(20, ge=1, description="burst of `like` events per user and room")
    cohost_every_seconds: float = Field(10, gt=0, description="least time between two stage requests of a user")
    stage_grace_seconds: float = Field(
        15, ge=1, le=3600, description="how long a place on stage outlives its holder's last socket"
    )
    stage_patience_seconds: float = Field(
        120, ge=1, le=86_400, description="how long a request or an invitation to the stage waits for an answer"
    )
    sockets_per_user: int = Field(
        8,
        ge=1,
        description="sockets of one user in one room over all gateways, a ticket's devices apart; the newest win",
    )
    sockets_per_seat: int = Field(1, ge=1, description="devices that may use one ticket at once; the newest win")
    seat_lease_seconds: int = Field(
        45, ge=3, le=3600, description="how long a seat outlives a gateway that died; more than two renewals"
    )
    seat_renew_seconds: float = Field(15, gt=0, description="how often each gateway renews the seats of its sockets")
    blocked_words_file: Path | None = Field(
        None,
        description="blocked words in UTF-8, each on a line: `word`, `word,weight` or `word|category`; `#` comments",
    )

    history_seconds: int = Field(120, ge=1, description="danmaku kept for recovery")
    history_bytes: int = Field(8 * 2**20, ge=1024, description="danmaku kept for recovery, per room")
    position_seconds: float = Field(10, gt=0, description="how often quiet sockets learn the room's cursor")
    token_warning_seconds: int = Field(60, ge=1, description="how long before its end a token is announced as expiring")
    fanout_ms: int = Field(
        50, ge=1, description="a busy room is written to at most this often, with all that came meanwhile"
    )
    conflate_ms: int = Field(100, ge=0, description="counters are sent at most this often; the latest value wins")
    danmaku_store_ms: int = Field(1000, ge=10, description="danmaku are stored in batches this often")

    order_ttl_seconds: int = Field(900, ge=10, description="how long an unpaid order holds its tickets")
    order_cool_down_seconds: int = Field(
        120, ge=0, le=86_400, description="wait after an unpaid order before its buyer holds the same product again"
    )
    unpaid_seats_per_user: int = Field(
        4, ge=1, le=1000, description="seats that one user may hold unpaid at a time, over all shows"
    )
    order_ask_seconds: float = Field(
        2, gt=0, le=3600, description="a payment provider is asked about one order at most this often"
    )
    order_ask_wait_seconds: float = Field(
        3, gt=0, le=10, description="how long a request or a connect waits for that answer; it is asked on beside"
    )
    order_asks_at_once: int = Field(
        32, ge=1, le=1000, description="orders that one process asks payment providers about at a time"
    )
    catalogue_at_once: int = Field(
        64, ge=1, description="requests of the API that look at shows, served by one process at a time; more are BUSY"
    )
    buying_at_once: int = Field(128, ge=1, description="the same for orders, refunds and tickets of fans")
    callbacks_at_once: int = Field(64, ge=1, description="the same for callbacks of payment providers")
    staff_at_once: int = Field(16, ge=1, description="the same for hosts and operators")
    provider_seconds: float = Field(5, gt=0, le=30, description="timeout of a call to a payment provider")
    provider_calls_at_once: int = Field(
        32, ge=1, description="calls to one payment provider under way at a time; more are PROVIDER_UNAVAILABLE"
    )
    sandbox_port: int = Field(SANDBOX_PORT, ge=1, le=65535, description="port of the sandbox payment provider")
    sandbox_url: str = Field("", description="base URL of the sandbox provider; empty outside demo: no sandbox")
    sandbox_secrets: Annotated[list[str], NoDecode] = Field(
        default_factory=list, repr=False, description="shared secrets with the sandbox provider"
    )
    drain_seconds: float = Field(20, ge=0, description="over how long a shutdown spreads its clients' reconnects")
    log_format: str = Field("json", pattern="^(json|console)$", description="json, or console for people")

    @field_validator(*SECRETS, "allowed_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split_list(cls, value: object) -> object:
        if isinstance(value, str):
            value = value.strip().strip("[]").replace('"', "").split(",")
        if isinstance(value, list | tuple):
            stripped = (part.strip() if isinstance(part, str) else part for part in value)
            return [part for part in stripped if part]
        return value

    @model_validator(mode="before")
    @classmethod
    def _furnish_playground(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Demo and test need no set-up: they get defaults for what production must configure."""
        if values.get("mode", Mode.PRODUCTION) == Mode.PRODUCTION:
            return values
        playground: dict[str, Any] = {
            "jwt_secrets": [DEMO_JWT_SECRET],
            "grant_secrets": [DEMO_GRANT_SECRET],
            "sandbox_secrets": [DEMO_SANDBOX_SECRET],
            "wire_secrets": [DEMO_WIRE_SECRET],
            "allowed_origins": ["*"],
            "sandbox_url": f"http://127.0.0.1:{values.get('sandbox_port', SANDBOX_PORT)}",
            "drain_seconds": 1.0,
            "log_format": "console",
        }
        return {**playground, **values}

    @field_validator("host")
    @classmethod
    def _without_brackets(cls, host: str) -> str:
        return listening_host(host)

    @field_validator("allowed_origins")
    @classmethod
    def _as_browsers_send_them(cls, origins: list[str]) -> list[str]:
        _refuse(flaw for origin in origins if origin != ANY and (flaw := weak_settings.origin_flaw(origin)))
        return [origin if origin == ANY else canonical(origin) for origin in origins]

    @field_validator("public_url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        if not url:
            return url
        _refuse(flaw for flaw in [weak_settings.public_url_flaw(url)] if flaw)
        return canonical(url)

    @model_validator(mode="after")
    def _safe(self) -> Self:
        _refuse(self._flaws())
        return self

    def _flaws(self) -> Iterator[str]:
        """One sentence for each reason why these settings must not be served."""
        if self.mode is Mode.PRODUCTION:
            yield from self._flaws_in_production()
        for name in SECRETS:
            values = getattr(self, name)
            if any(len(secret.encode()) < weak_settings.LEAST_SECRET_BYTES for secret in values):
                yield f"LIVEROOM_{name.upper()}: every secret needs at least 32 bytes"
            if len(values) > 2:
                yield f"LIVEROOM_{name.upper()}: at most two secrets are active at once"

    def _flaws_in_production(self) -> Iterator[str]:
        secrets = {f"LIVEROOM_{name.upper()}": getattr(self, name) for name in SECRETS}
        yield from weak_settings.secret_flaws(secrets, DEMO_SECRETS)
        yield from weak_settings.proxy_flaws(self.trusted_proxies)
        if ANY in self.allowed_origins:
            yield "LIVEROOM_ALLOWED_ORIGINS=* is for demo mode: name the origins of your pages"
        if not self.jwt_secrets and not self.jwt_jwks_url and not self.jwt_jwks_file:
            yield "set LIVEROOM_JWT_SECRETS, LIVEROOM_JWT_JWKS_URL or LIVEROOM_JWT_JWKS_FILE"
        if self.jwt_jwks_url and (flaw := weak_settings.keys_url_flaw(self.jwt_jwks_url)):
            yield flaw
        if not self.grant_secrets:
            yield "set LIVEROOM_GRANT_SECRETS to at least 32 random bytes"
        if self.redis_url and not self.wire_secrets:
            yield "set LIVEROOM_WIRE_SECRETS to at least 32 random bytes: they sign what goes over Redis"
        if self.sandbox_url:
            yield "LIVEROOM_SANDBOX_URL is for demo and test mode: it sells for play money"

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.role is not Duty.ALL and not self.redis_url:
            raise ValueError(f"a {self.role} alone needs the wire to the others: set LIVEROOM_REDIS_URL")
        if self.workers > 1 and not self.redis_url:
            raise ValueError("several workers need the wire between them: set LIVEROOM_REDIS_URL")
        if self.seat_lease_seconds < 2 * self.seat_renew_seconds:
            raise ValueError("seats would end between two renewals: raise LIVEROOM_SEAT_LEASE_SECONDS")
        return self

    @property
    def stage_terms(self) -> Terms:
        """How long places on stage and requests for them are kept."""
        return Terms(round(self.stage_grace_seconds * 1000), round(self.stage_patience_seconds * 1000))

    @property
    def is_playground(self) -> bool:
        """Demo or test mode: demo login, play money, no limits per address."""
        return self.mode is not Mode.PRODUCTION

    @property
    def duties(self) -> frozenset[Duty]:
        """The duties of this process."""
        return frozenset({Duty.GATEWAY, Duty.PRESALE, Duty.WORKER} if self.role is Duty.ALL else {self.role})

    @property
    def local_host(self) -> str:
        """The address at which a process of this machine reaches this server."""
        return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(self.host, self.host)

    @property
    def local_url(self) -> str:
        """The URL at which a process of this machine reaches this server, without a trailing slash."""
        host = self.local_host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def own_url(self) -> str:
        """The URL at which browsers reach this server, without a trailing slash."""
        return self.public_url or self.local_url

    @property
    def origins(self) -> Origins:
        """The origins whose pages may open sockets and call the API."""
        return Origins.of(self.allowed_origins, *filter(None, [self.public_url]))

    @property
    def effective_database_url(self) -> str:
        """The URL of the database: embedded SQLite unless one is configured."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir.absolute() / 'liveroom.sqlite'}"

    @classmethod
    def load(cls, mode: Mode | None = None, **overrides: object) -> Self:
        """Read the environment; arguments take precedence."""
        return cls.model_validate({**({} if mode is None else {"mode": mode}), **overrides})


def _refuse(flaws: Iterable[str]) -> None:
    told = list(flaws)
    if told:
        raise ValueError("; ".join(told))
