import asyncio

import pytest
from sqlalchemy.exc import IntegrityError

from auth.denials import Code, Denied
from auth.identity import ShowId, UserId
from presale.books import ledger, ledger_sql, wallet_sql
from presale.books.events import WalletChanged
from presale.books.wallet import Wallet
from tests.presale.house import FAN, SHOW, House


async def test_a_wallet_never_used_is_empty(house: House) -> None:
    async with house.db.read() as connection:
        assert await wallet_sql.load(connection, SHOW, FAN) == Wallet(0, 0)


async def test_spending_takes_credits_and_announces_the_wallet(house: House) -> None:
    await house.paid()
    await house.events()
    assert await house.spend(4) == Wallet(6, 2)
    assert await house.events() == [WalletChanged(FAN, SHOW, 6, 2)]
    assert await house.audit() == []


@pytest.mark.parametrize("credits_", [4, 5])
async def test_a_key_that_is_spent_already_is_an_error_and_spends_nothing(house: House, credits_: int) -> None:
    # the caller believed that it was new, and would have given something for it
    await house.paid()
    await house.spend(4)
    with pytest.raises(ledger_sql.BookedError):
        await house.spend(credits_)
    assert await house.credits() == 6


async def test_no_key_of_one_user_is_that_of_another(house: House) -> None:
    # user `a` with one key and user `a:gift:room:x` with another made the same text: the castle cost nothing
    one, other = UserId("a"), UserId("a:gift:room:x")
    await house.paid(one)
    await house.paid(other)
    assert await house.spend(1, key="gift:room:x:gift:room:castle", user=one) == Wallet(9, 2)
    assert await house.spend(9, key="gift:room:castle", user=other) == Wallet(1, 2)
    assert await house.audit() == []


async def test_keys_of_different_users_do_not_meet(house: House) -> None:
    await house.paid()
    other = UserId("other")
    await house.paid(other)
    assert await house.spend(4) == await house.spend(4, user=other)


async def test_nobody_spends_more_than_they_have(house: House) -> None:
    await house.paid()
    assert await house.spend(11) == Denied(Code.INSUFFICIENT_CREDITS, detail={"credits": 10})
    assert await house.credits() == 10


@pytest.mark.parametrize("credits_", [0, -1])
async def test_spending_nothing_or_less_is_refused(house: House, credits_: int) -> None:
    await house.paid()
    refusal = await house.spend(credits_)
    assert isinstance(refusal, Denied)
    assert await house.credits() == 10


async def test_a_show_that_does_not_exist_has_no_wallets(house: House) -> None:
    async with house.db.write() as uow:
        assert await wallet_sql.spend(uow, ShowId("no"), FAN, 1, "key") == Denied(Code.NOT_FOUND)


async def test_a_race_for_the_last_credits_has_as_many_winners_as_credits(house: House) -> None:
    await house.paid()
    answers = await asyncio.gather(*(house.spend(1, key=f"gift-{number:04}") for number in range(25)))
    assert sum(isinstance(answer, Wallet) for answer in answers) == 10
    assert await house.credits() == 0
    assert await house.audit() == []


async def test_a_wallet_cannot_be_booked_below_zero(house: House) -> None:
    async def overdraw() -> None:
        async with house.db.write() as uow:
            await ledger_sql.post(uow, ledger.credits_spent("key", SHOW, FAN, 1))

    with pytest.raises(IntegrityError, match="ck_ledger_balances_wallet"):
        await overdraw()


async def test_a_fact_is_booked_once_and_a_second_time_nothing_is_written(house: House) -> None:
    async def receive(payment: str, *others: str) -> None:
        async with house.db.write() as uow:
            for each in (*others, payment):
                await ledger_sql.post(uow, ledger.money_received(each, SHOW, "fake", "CNY", 100))

    await receive("payment")
    with pytest.raises(ledger_sql.BookedError):
        await receive("payment", "another")
    assert await house.money() == (100, -100, 0)
