"""Minor units of the world's currencies, and how amounts are read."""

import re
from importlib.resources import files

import pytest

from presale.catalogue.currencies import DIGITS, FUNDS, digits_of, figure, is_currency, spoken
from presale.sandbox.cashier_page import format_amount


@pytest.mark.parametrize(
    ("code", "digits"),
    [
        *((code, 0) for code in ("JPY", "KRW", "VND", "CLP", "XAF", "XOF", "XPF", "UGX", "ISK")),
        *((code, 2) for code in ("CNY", "USD", "EUR", "HUF", "IDR", "TWD", "XCD", "XCG", "MGA", "MRU")),
        *((code, 3) for code in ("KWD", "BHD", "IQD", "JOD", "LYD", "OMR", "TND")),
    ],
)
def test_a_currency_has_the_places_of_the_standard(code: str, digits: int) -> None:
    assert is_currency(code)
    assert digits_of(code) == digits


@pytest.mark.parametrize("code", ["CLF", "UYW"])
def test_an_amount_in_a_unit_of_account_is_still_read_with_its_places(code: str) -> None:
    assert digits_of(code) == 4


def test_nobody_pays_in_a_unit_of_account() -> None:
    table = (files("iso4217") / "table.xml").read_text("utf-8")
    funds = set(re.findall(r'IsFund="true">[^<]*</CcyNm>\s*<Ccy>([A-Z]{3})<', table))
    assert funds | {"UYW"} == FUNDS
    assert not any(is_currency(code) for code in FUNDS)


@pytest.mark.parametrize(
    "code", ["RMB", "ABC", "XXX", "XTS", "XAU", "XAG", "XDR", "XUA", "HRK", "cny", "CNY ", "", "CN"]
)
def test_what_nobody_pays_with_is_no_currency(code: str) -> None:
    assert not is_currency(code)


def test_the_table_is_whole() -> None:
    assert len(DIGITS) > 150
    assert set(DIGITS.values()) == {0, 2, 3, 4}


@pytest.mark.parametrize(
    ("amount_minor", "code", "read"),
    [
        (12_500, "KWD", "12.500"),
        (250_000, "VND", "250,000"),
        (12_800, "CNY", "128.00"),
        (5, "CNY", "0.05"),
        (-12_345, "BHD", "-12.345"),
        (-5, "CNY", "-0.05"),
        (12_345, "CLF", "1.2345"),
        (1_234_567_890, "USD", "12,345,678.90"),
        (150, "RMB", "1.50"),
    ],
)
def test_an_amount_reads_as_people_write_it(amount_minor: int, code: str, read: str) -> None:
    assert figure(amount_minor, code) == read
    assert spoken(amount_minor, code) == f"{read} {code}"


def test_the_cashier_shows_the_same_figure_with_its_sign() -> None:
    assert format_amount(12_500, "KWD") == "12.500"
    assert format_amount(12_800, "CNY") == "¥128.00"
    assert format_amount(500, "JPY") == "¥500"
