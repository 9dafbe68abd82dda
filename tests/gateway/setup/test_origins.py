"""Whose pages may talk to us, however a setting or a client spells them: tables."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.setup.origins import Origins, canonical

HOST = "live.example"
OWN = f"https://{HOST}"
OTHER = "https://evil.example"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("https://site.example", "https://site.example"),
        ("https://site.example/", "https://site.example"),
        ("https://site.example:443", "https://site.example"),
        ("https://site.example:443/", "https://site.example"),
        ("http://site.example:80", "http://site.example"),
        ("http://site.example:443", "http://site.example:443"),
        ("https://site.example:8443", "https://site.example:8443"),
        ("HTTPS://Site.Example", "https://site.example"),
        ("site.example", "https://site.example"),
        ("site.example:8443", "https://site.example:8443"),
        ("localhost:5173", "http://localhost:5173"),
        ("127.0.0.1:5173", "http://127.0.0.1:5173"),
        ("wss://site.example", "https://site.example"),
        ("ws://site.example:80", "http://site.example"),
        ("https://演唱会.example", "https://xn--6oq41m9rz.example"),
        ("https://[2001:DB8:0:0::1]:443", "https://[2001:db8::1]"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("file://", "file://"),
        ("FILE:///", "file://"),
    ],
)
def test_a_site_is_known_however_it_is_written(written: str, sent: str) -> None:
    assert canonical(written) == sent
    assert canonical(sent) == sent
    assert Origins.of([written]).allow(sent, HOST)
    assert Origins.of([sent]).allow(written.lower() if "://" in written else sent, HOST)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("null", "names none"),
        ("https://*.site.example", "wildcard"),
        ("https://site.example/live", "path"),
        ("https://site.example?x", "path"),
        ("https://me@site.example", "user name"),
        ("https://site.example:99999", "port"),
        ("https://", "no host"),
        ("capacitor://", "no host"),
        ("file:///home", "path"),
        ("https://si te.example", "none"),
        ("https://[::1", "none"),
        ("https://[fe80::zz]", "none"),
        ("", "no host"),
        ("https://" + "a" * 600, "longer"),
    ],
)
def test_what_no_browser_can_send_is_named(written: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        canonical(written)


@pytest.mark.parametrize(
    ("origin", "origins", "allowed"),
    [
        (None, Origins(), True),
        (None, Origins.of([OWN]), True),
        (OWN, Origins(), True),
        (f"http://{HOST}", Origins(), True),
        (f"wss://{HOST}", Origins(), True),
        (f"https://{HOST}:443", Origins(), True),
        (OWN.upper(), Origins(), True),
        (OWN, Origins.of(["https://site.example"]), True),
        ("https://public.example", Origins.of([], "https://public.example/"), True),
        (OTHER, Origins(), False),
        (f"https://{HOST}.evil.example", Origins(), False),
        (f"https://{HOST}:8443", Origins(), False),
        (f"https://{HOST}@evil.example", Origins(), False),
        (f"https://{HOST}/", Origins(), True),
        (f"https://{HOST}/path", Origins(), False),
        ("null", Origins(), False),
        ("file://", Origins(), False),
        ("file://", Origins.of([OWN]), False),
        (OWN, Origins.of(["file://"]), True),
        ("", Origins(), False),
        ("https://[", Origins(), False),
        ("*", Origins.of([OWN]), False),
        (OTHER, Origins.of(["*"]), True),
        ("null", Origins.of(["*"]), True),
        (f"http://{HOST}", Origins.of([OWN]), True),
        ("http://site.example", Origins.of(["https://site.example"]), False),
    ],
)
def test_whose_pages_may_talk_to_us(origin: str | None, origins: Origins, allowed: bool) -> None:
    assert origins.allow(origin, HOST) is allowed


@pytest.mark.parametrize("host", [f"{HOST}:443", HOST.upper(), HOST])
def test_the_host_that_was_asked_is_ours_with_and_without_its_port(host: str) -> None:
    assert Origins().allow(OWN, host)


def test_a_request_without_a_host_has_no_pages_of_its_own() -> None:
    assert not Origins().allow(OWN, None)
    assert not Origins().allow("null", None)
    assert not Origins().allow("null", "null")
    assert not Origins().allow("", "")


def test_credentials_are_for_pages_that_are_named_or_our_own() -> None:
    allowed = (b"access-control-allow-credentials", b"true")
    assert allowed in Origins.of([OTHER]).readable_by(OTHER, HOST)
    assert allowed in Origins().readable_by(OWN, HOST)
    assert allowed not in Origins.of(["*"]).readable_by(OTHER, HOST)
    assert Origins().readable_by(OTHER, HOST) == []


@given(st.text(max_size=30), st.none() | st.text(max_size=30))
def test_no_origin_raises(origin: str, host: str | None) -> None:
    Origins().allow(origin, host)


@given(st.text(max_size=30))
def test_no_spelling_raises_anything_but_a_reason(written: str) -> None:
    with suppress(ValueError):
        assert canonical(canonical(written)) == canonical(written)
