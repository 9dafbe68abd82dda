"""The ledger in SQL: postings are only ever added, balances follow in the same transaction."""

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from presale.books.ledger import WALLET, Entry, Posting
from presale.tables_sql import ledger_balances, ledger_entries, ledger_transactions
from store.database_sql import RacedError, UnitOfWork
from store.dialect_sql import insert_or_ignore


class BookedError(Exception):
    """A fact was to be booked under the key of one that is booked already: whatever it was for must not be either."""


async def post(uow: UnitOfWork, posting: Posting) -> None:
    """Book a balanced posting. Whether its fact is new is the caller's to know, in the turn in which it is decided.

    BookedError, which rolls everything back, where its key is booked already. A wallet that would fall below zero
    violates the table's CHECK: look before you post.
    """
    transaction_id = uow.new_id()
    is_new = await insert_or_ignore(
        uow.connection,
        ledger_transactions,
        ("key",),
        {"id": transaction_id, "key": posting.key, "kind": posting.kind, "at_ms": uow.now_ms},
    )
    if not is_new:
        raise BookedError(posting.kind)
    for entry in sorted(posting.entries, key=_lock_order):
        await uow.connection.execute(
            insert(ledger_entries).values(
                transaction_id=transaction_id, account=entry.account, unit=entry.unit, amount=entry.amount
            )
        )
        await _follow(uow, entry)


async def balance(connection: AsyncConnection, account: str, unit: str) -> tuple[int, int]:
    """Balance and version of an account; (0, 0) for one never used."""
    chosen = select(ledger_balances.c.balance, ledger_balances.c.version).where(
        ledger_balances.c.account == account, ledger_balances.c.unit == unit
    )
    row = (await connection.execute(chosen)).one_or_none()
    return (0, 0) if row is None else (row.balance, row.version)


def _lock_order(entry: Entry) -> tuple[bool, str]:
    # one for all; wallets first, as `wallet_sql.load_locked` has locked its one before
    return not entry.account.startswith(WALLET), entry.account


async def _follow(uow: UnitOfWork, entry: Entry) -> None:
    if await _add(uow, entry):
        return
    first = {"account": entry.account, "unit": entry.unit, "balance": entry.amount, "version": 1}
    if await insert_or_ignore(uow.connection, ledger_balances, ("account", "unit"), first):
        return
    if not await _add(uow, entry):  # somebody else opened the account meanwhile
        raise RacedError(entry.account)


async def _add(uow: UnitOfWork, entry: Entry) -> bool:
    changed = await uow.connection.execute(
        update(ledger_balances)
        .where(ledger_balances.c.account == entry.account, ledger_balances.c.unit == entry.unit)
        .values(balance=ledger_balances.c.balance + entry.amount, version=ledger_balances.c.version + 1)
    )
    return bool(changed.rowcount == 1)
