import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presale.payments.webhook_signature import (
    TOLERANCE_SECONDS,
    Delivery,
    Flaw,
    Secret,
    parse_secret,
    parse_secrets,
    request_content,
    sign,
    verify,
)

NOW_MS = 1_700_000_000_500
NOW_S = NOW_MS // 1000
OLD = Secret(b"o" * 32)
NEW = Secret(b"n" * 32)
STRANGER = Secret(b"s" * 32)


def signed(body: bytes = b"{}", secret: Secret = NEW, **changes: Any) -> dict[str, str]:
    return sign(secret, **{"delivery": "d1", "timestamp_seconds": NOW_S, "body": body, **changes})


def test_the_published_example_of_the_standard_verifies() -> None:
    secret = parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert verify([secret], headers, body, 1_614_265_330_000) == Delivery("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330)


@given(st.binary(max_size=200), st.text("abcdefgh-_0123", min_size=1, max_size=40))
def test_what_was_signed_verifies(body: bytes, delivery: str) -> None:
    assert verify([NEW], signed(body, delivery=delivery), body, NOW_MS) == Delivery(delivery, NOW_S)


def test_header_names_match_in_any_case() -> None:
    headers = {name.title(): value for name, value in signed().items()}
    assert isinstance(verify([NEW], headers, b"{}", NOW_MS), Delivery)


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_either_of_two_active_secrets_verifies(secret: Secret) -> None:
    assert isinstance(verify([NEW, OLD], signed(secret=secret), b"{}", NOW_MS), Delivery)


def test_one_good_signature_among_several_is_enough() -> None:
    headers = signed()
    headers["webhook-signature"] = "v1,AAAA v2,zzzz " + headers["webhook-signature"]
    assert isinstance(verify([NEW], headers, b"{}", NOW_MS), Delivery)


def test_a_good_signature_behind_too_many_others_is_not_sought() -> None:
    headers = signed()
    headers["webhook-signature"] = "v1,AAAA " * 8 + headers["webhook-signature"]
    assert verify([NEW], headers, b"{}", NOW_MS) is Flaw.FORGED


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "d2"},
        {"webhook-timestamp": str(NOW_S + 1)},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": signed()["webhook-signature"].replace("v1,", "v2,")},
    ],
)
def test_any_changed_header_is_a_forgery(change: dict[str, str]) -> None:
    assert verify([NEW], signed() | change, b"{}", NOW_MS) is Flaw.FORGED


def test_a_changed_body_or_a_foreign_secret_is_a_forgery() -> None:
    assert verify([NEW], signed(b"{}"), b"{ }", NOW_MS) is Flaw.FORGED
    assert verify([NEW, OLD], signed(secret=STRANGER), b"{}", NOW_MS) is Flaw.FORGED
    assert verify([], signed(), b"{}", NOW_MS) is Flaw.FORGED


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_told_apart(name: str) -> None:
    headers = signed()
    del headers[name]
    assert verify([NEW], headers, b"{}", NOW_MS) is Flaw.INCOMPLETE


@pytest.mark.parametrize("timestamp", ["", "-1", "1e9", "٣", "1" * 13, " 1"])
def test_a_timestamp_is_a_plain_number(timestamp: str) -> None:
    assert verify([NEW], signed() | {"webhook-timestamp": timestamp}, b"{}", NOW_MS) is Flaw.INCOMPLETE


@pytest.mark.parametrize("sense", [-1, 1])
def test_a_delivery_is_fresh_up_to_the_tolerance_and_stale_beyond_in_both_directions(sense: int) -> None:
    headers = signed()
    edge_ms = NOW_S * 1000 + sense * TOLERANCE_SECONDS * 1000
    assert isinstance(verify([NEW], headers, b"{}", edge_ms), Delivery)
    assert verify([NEW], headers, b"{}", edge_ms + sense) is Flaw.STALE


def test_staleness_is_only_told_of_genuine_deliveries() -> None:
    assert verify([NEW], signed(secret=STRANGER, timestamp_seconds=1), b"{}", NOW_MS) is Flaw.FORGED


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_%%%", "whsec_" + base64.b64encode(b"short").decode(), "x" * 23])
def test_a_weak_or_malformed_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        parse_secret(text)


def test_a_secret_without_the_prefix_is_its_own_bytes() -> None:
    assert parse_secret("n" * 32) == NEW == parse_secret("whsec_" + base64.b64encode(NEW).decode())


def test_one_or_two_secrets_may_be_active() -> None:
    text = "n" * 32
    assert parse_secrets([text]) == (NEW,)
    assert parse_secrets([text, text]) == (NEW, NEW)
    for wrong in ([], [text] * 3):
        with pytest.raises(ValueError, match="active"):
            parse_secrets(wrong)


def test_a_signed_call_is_bound_to_its_method_and_path() -> None:
    contents = {request_content(m, p, b"{}") for m in ("GET", "post") for p in ("/a", "/b?c=1")}
    assert len(contents) == 4
