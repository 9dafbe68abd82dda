"""Gift credits of a user in a show, kept on the ledger."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.denials import Code, Denied
from auth.identity import ShowId, UserId
from presale.books import ledger, ledger_sql
from presale.books.events import WalletChanged
from presale.books.wallet import Wallet
from presale.catalogue import announcements_sql, shows_sql
from presale.catalogue.shows import Show
from presale.tables_sql import ledger_balances
from store.database_sql import UnitOfWork


async def load(connection: AsyncConnection, show: ShowId, user: UserId) -> Wallet:
    """What the user can spend now."""
    return Wallet(*await ledger_sql.balance(connection, ledger.wallet(show, user), ledger.credit_unit(show)))


def too_few(wallet: Wallet, credits: int) -> Denied | None:  # noqa: A002
    """INSUFFICIENT_CREDITS where a wallet does not hold so many; it tells how many there are."""
    return Denied(Code.INSUFFICIENT_CREDITS, detail={"credits": wallet.credits}) if wallet.credits < credits else None


async def list_all(connection: AsyncConnection, show: ShowId) -> list[tuple[UserId, Wallet]]:
    """The wallets of everybody who ever had credits in a show. A survey."""
    mine = ledger.wallet(show, UserId(""))
    balances = ledger_balances.c
    chosen = select(balances.account, balances.balance, balances.version).where(
        balances.unit == ledger.credit_unit(show)
    )
    rows = await connection.execute(chosen)
    return [
        (UserId(account.removeprefix(mine)), Wallet(balance, version))
        for account, balance, version in rows
        if account.startswith(mine)
    ]


async def load_locked(uow: UnitOfWork, show: ShowId, user: UserId) -> Wallet:
    """As `load`, and nobody else changes it before this transaction ends."""
    await uow.connection.execute(
        select(ledger_balances.c.version)
        .where(ledger_balances.c.account == ledger.wallet(show, user))
        .with_for_update()
    )
    return await load(uow.connection, show, user)


async def spend(uow: UnitOfWork, show: ShowId, user: UserId, credits: int, key: str) -> Wallet | Denied:  # noqa: A002
    """Take credits (above zero) for a gift; answers the wallet afterwards and announces it.

    `key` names what they are spent for, and whether that is new is the caller's to know: where something is paid
    under it already, `ledger_sql.BookedError` rolls everything back. INSUFFICIENT_CREDITS tells how many there are.
    """
    found = await shows_sql.load_show(uow.connection, show)
    if found is None:
        return Denied(Code.NOT_FOUND)
    if credits <= 0:
        return Denied(Code.BAD_REQUEST, detail={"field": "credits"})
    before = await load_locked(uow, show, user)
    if (denied := too_few(before, credits)) is not None:
        return denied
    await ledger_sql.post(uow, ledger.credits_spent(key, show, user, credits))
    await wallet_changed(uow, found, user)
    return await load(uow.connection, show, user)


async def wallet_changed(uow: UnitOfWork, show: Show, user: UserId) -> None:
    """Tell a user their credits."""
    now = await load(uow.connection, show.id, user)
    await announcements_sql.emit(uow, show, WalletChanged(user, show.id, now.credits, now.version))
