"""The sandbox provider's own SQLite file.

Calls block the event loop for the moment a local commit takes: right for a provider that only ever serves tests and
demos, and it makes every public method one transaction.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec.structs import asdict, replace

from presale.sandbox import faults as fault_rules
from presale.sandbox.book import (
    Action,
    OpenPayment,
    OpenRefund,
    Outcome,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    is_same_payment,
    judge_refund,
    press,
)
from presale.sandbox.faults import NO_FAULTS, Faults

NEXT_PAYMENT = "*"
"""Key of the fault script that waits for the next payment opened."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (
  id TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE, "order" TEXT NOT NULL, amount_minor INTEGER NOT NULL,
  currency TEXT NOT NULL, description TEXT NOT NULL, expires_ms INTEGER NOT NULL, return_url TEXT,
  status TEXT NOT NULL, "transaction" TEXT UNIQUE, paid_minor INTEGER NOT NULL, paid_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS refunds (
  id TEXT PRIMARY KEY, payment TEXT NOT NULL, amount_minor INTEGER NOT NULL, currency TEXT NOT NULL,
  status TEXT NOT NULL, reason TEXT NOT NULL, settle_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS refunds_by_payment ON refunds (payment);
CREATE INDEX IF NOT EXISTS refunds_pending ON refunds (settle_ms) WHERE status = 'pending';
CREATE TABLE IF NOT EXISTS callbacks (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL, payment TEXT NOT NULL, body BLOB NOT NULL,
  due_ms INTEGER NOT NULL, attempt INTEGER NOT NULL, state TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS callbacks_waiting ON callbacks (due_ms) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS callbacks_by_payment ON callbacks (payment);
CREATE TABLE IF NOT EXISTS faults (payment TEXT PRIMARY KEY, script BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS create_errors (payment TEXT PRIMARY KEY, count INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Callback:
    """One copy of one callback on its way."""

    seq: int
    id: str
    """Shared by all copies and attempts."""
    payment: str
    body: bytes
    attempt: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """The id is taken by something else."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The payment, and whether its answer shall be an error all the same."""

    payment: Payment
    answer_fails: bool


class Book:
    """Everything the provider remembers."""

    def __init__(self, path: Path, *, clock: Callable[[], int], new_id: Callable[[], str], merchant: str) -> None:
        self._clock = clock
        self._new_id = new_id
        self._merchant = merchant
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        """Leave one clean file behind. Idempotent."""
        self._connection.close()

    # ---- payments

    def open_payment(self, asked: OpenPayment) -> Opened | Conflict:
        """The payment under this id, made now or before."""
        with self._transaction():
            known = self.payment(asked.payment)
            if known is not None:
                if known.amount_minor == 0 or not is_same_payment(known, asked):
                    return Conflict()
            else:
                known = self._insert_payment(
                    Payment(
                        id=asked.payment,
                        token=self._new_id(),
                        order=asked.order,
                        amount_minor=asked.amount_minor,
                        currency=asked.currency,
                        description=asked.description,
                        expires_ms=asked.expires_ms,
                        return_url=asked.return_url,
                        status=PaymentStatus.UNPAID,
                    )
                )
                self._adopt_next_script(asked.payment)
            return Opened(known, self._use_up_create_error(asked.payment))

    def payment(self, payment: str) -> Payment | None:
        """A payment by our merchant's id."""
        return self._one_payment("SELECT * FROM payments WHERE id = ?", payment)

    def payment_of_token(self, token: str) -> Payment | None:
        """A payment by the end of its cashier address."""
        return self._one_payment("SELECT * FROM payments WHERE token = ?", token)

    def press(self, token: str, action: Action) -> tuple[Payment, Outcome] | None:
        """Apply a button of the cashier; None for an address nobody has."""
        with self._transaction():
            payment = self.payment_of_token(token)
            if payment is None:
                return None
            now_ms = self._clock()
            script = self.faults(payment.id)
            taken = press(payment, action, script, now_ms)
            if taken.money:
                payment = replace(
                    payment,
                    status=PaymentStatus.PAID,
                    transaction=f"txn_{self._new_id()}",
                    paid_minor=script.wrong_amount_minor or payment.amount_minor,
                    paid_ms=now_ms,
                )
                self._connection.execute(
                    'UPDATE payments SET status = ?, "transaction" = ?, paid_minor = ?, paid_ms = ? WHERE id = ?',
                    (payment.status, payment.transaction, payment.paid_minor, payment.paid_ms, payment.id),
                )
                self._announce(
                    payment.id,
                    "payment.paid",
                    transaction=payment.transaction,
                    amount_minor=payment.paid_minor,
                    currency=payment.currency,
                    at_ms=now_ms,
                )
            elif taken.outcome is Outcome.DECLINED:
                self._announce(payment.id, "payment.declined", at_ms=now_ms)
            return payment, taken.outcome

    def close_payment(self, payment: str) -> Payment:
        """Close unless paid. An unknown id is closed too, so that a create still under way finds it shut."""
        with self._transaction():
            known = self.payment(payment)
            if known is None:
                return self._insert_payment(
                    Payment(
                        id=payment,
                        token=self._new_id(),
                        order="",
                        amount_minor=0,
                        currency="",
                        description="",
                        expires_ms=0,
                        return_url=None,
                        status=PaymentStatus.CLOSED,
                    )
                )
            if known.status is PaymentStatus.UNPAID:
                known = replace(known, status=PaymentStatus.CLOSED)
                self._connection.execute("UPDATE payments SET status = ? WHERE id = ?", (known.status, payment))
            return known

    # ---- refunds

    def open_refund(self, asked: OpenRefund) -> Refund | Conflict:
        """The refund under this id, made now or before."""
        with self._transaction():
            known = self.refund(asked.refund)
            if known is not None:
                same = (known.payment, known.amount_minor) == (asked.payment, asked.amount_minor)
                return known if same else Conflict()
            payment = self.payment(asked.payment)
            script = self.faults(asked.payment)
            flaw = judge_refund(payment, asked, self._given_back_minor(asked.payment))
            if flaw is None and script.refund_fails and not script.refund_delay_ms:
                flaw = "scripted failure"
            refund = Refund(
                id=asked.refund,
                payment=asked.payment,
                amount_minor=asked.amount_minor,
                currency=asked.currency,
                status=RefundStatus.FAILED if flaw else RefundStatus.PENDING,
                reason=flaw or "",
                settle_ms=self._clock() + script.refund_delay_ms,
            )
            self._connection.execute(
                "INSERT INTO refunds VALUES (:id, :payment, :amount_minor, :currency, :status, :reason, :settle_ms)",
                asdict(refund),
            )
            if flaw:
                self._announce_refund(refund)
            elif not script.refund_delay_ms:
                refund = self._settle(refund)
            return refund

    def refund(self, refund: str) -> Refund | None:
        """A refund by our merchant's id."""
        row = self._connection.execute("SELECT * FROM refunds WHERE id = ?", (refund,)).fetchone()
        return None if row is None else msgspec.convert(dict(row), Refund)

    def settle_due_refunds(self) -> None:
        """Bring every pending refund whose time has come to its end."""
        with self._transaction():
            rows = self._connection.execute(
                "SELECT * FROM refunds WHERE status = 'pending' AND settle_ms <= ? ORDER BY settle_ms", (self._clock(),)
            ).fetchall()
            for row in rows:
                self._settle(msgspec.convert(dict(row), Refund))

    # ---- faults

    def script(self, payment: str | None, faults: Faults) -> None:
        """Set the faults of one payment, or of the next one opened."""
        with self._transaction():
            self._write_script(payment or NEXT_PAYMENT, faults)

    def faults(self, payment: str) -> Faults:
        """The faults of one payment."""
        row = self._connection.execute("SELECT script FROM faults WHERE payment = ?", (payment,)).fetchone()
        return NO_FAULTS if row is None else msgspec.json.decode(row["script"], type=Faults)

    # ---- callbacks

    def due_callbacks(self, limit: int) -> list[Callback]:
        """The first waiting callback of each payment that is due, oldest first."""
        rows = self._connection.execute(
            "SELECT seq, id, payment, body, attempt, MIN(due_ms * 1000000 + seq) AS place FROM callbacks"
            " WHERE state = 'waiting' AND due_ms <= ? GROUP BY payment ORDER BY place LIMIT ?",
            (self._clock(), limit),
        )
        return [Callback(row["seq"], row["id"], row["payment"], row["body"], row["attempt"]) for row in rows]

    def next_due_ms(self) -> int | None:
        """When there is something to deliver or to settle next."""
        row = self._connection.execute(
            "SELECT MIN(at) AS at FROM (SELECT MIN(due_ms) AS at FROM callbacks WHERE state = 'waiting'"
            " UNION ALL SELECT MIN(settle_ms) FROM refunds WHERE status = 'pending')"
        ).fetchone()
        due_ms: int | None = row["at"]
        return due_ms

    def callback_done(self, callback: Callback, *, wait_ms: int | None, delivered: bool) -> None:
        """Record an attempt: delivered, to be tried again after a wait, or given up."""
        state = "delivered" if delivered else "waiting" if wait_ms is not None else "dead"
        with self._transaction():
            self._connection.execute(
                "UPDATE callbacks SET state = ?, due_ms = ?, attempt = attempt + 1 WHERE seq = ?",
                (state, self._clock() + (wait_ms or 0), callback.seq),
            )

    # ---- inside

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _one_payment(self, query: str, key: str) -> Payment | None:
        row = self._connection.execute(query, (key,)).fetchone()
        return None if row is None else msgspec.convert(dict(row), Payment)

    def _insert_payment(self, payment: Payment) -> Payment:
        self._connection.execute(
            "INSERT INTO payments VALUES (:id, :token, :order, :amount_minor, :currency, :description, :expires_ms,"
            " :return_url, :status, :transaction, :paid_minor, :paid_ms)",
            asdict(payment),
        )
        return payment

    def _given_back_minor(self, payment: str) -> int:
        row = self._connection.execute(
            "SELECT COALESCE(SUM(amount_minor), 0) AS total FROM refunds WHERE payment = ? AND status != 'failed'",
            (payment,),
        ).fetchone()
        total: int = row["total"]
        return total

    def _settle(self, refund: Refund) -> Refund:
        fails = self.faults(refund.payment).refund_fails
        refund = replace(
            refund,
            status=RefundStatus.FAILED if fails else RefundStatus.SUCCEEDED,
            reason="scripted failure" if fails else "",
        )
        self._connection.execute(
            "UPDATE refunds SET status = ?, reason = ? WHERE id = ?", (refund.status, refund.reason, refund.id)
        )
        self._announce_refund(refund)
        return refund

    def _announce_refund(self, refund: Refund) -> None:
        self._announce(
            refund.payment,
            f"refund.{refund.status}",
            refund=refund.id,
            amount_minor=refund.amount_minor,
            currency=refund.currency,
            reason=refund.reason,
            at_ms=self._clock(),
        )

    def _announce(self, payment: str, kind: str, **data: object) -> None:
        event = f"evt_{self._new_id()}"
        body = msgspec.json.encode({"type": kind, "merchant": self._merchant, "payment": payment, **data})
        earlier = self._connection.execute("SELECT 1 FROM callbacks WHERE payment = ? LIMIT 1", (payment,)).fetchone()
        script, now_ms = self.faults(payment), self._clock()
        for due_ms in fault_rules.due_times(script, event, now_ms, is_first_event=earlier is None):
            self._connection.execute(
                "INSERT INTO callbacks (id, payment, body, due_ms, attempt, state) VALUES (?, ?, ?, ?, 0, 'waiting')",
                (event, payment, body, due_ms),
            )
        if script.reorder and earlier is not None:  # the held ones follow right behind
            self._connection.execute(
                "UPDATE callbacks SET due_ms = ? WHERE payment = ? AND id != ? AND state = 'waiting' AND due_ms > ?",
                (now_ms + script.delay_ms + script.jitter_ms + 1, payment, event, now_ms),
            )

    def _write_script(self, payment: str, faults: Faults) -> None:
        self._connection.execute(
            "INSERT INTO faults VALUES (?, ?) ON CONFLICT (payment) DO UPDATE SET script = excluded.script",
            (payment, msgspec.json.encode(faults)),
        )
        self._connection.execute(
            "INSERT INTO create_errors VALUES (?, ?) ON CONFLICT (payment) DO UPDATE SET count = excluded.count",
            (payment, faults.create_errors),
        )

    def _adopt_next_script(self, payment: str) -> None:
        row = self._connection.execute("SELECT script FROM faults WHERE payment = ?", (NEXT_PAYMENT,)).fetchone()
        if row is not None:
            self._write_script(payment, msgspec.json.decode(row["script"], type=Faults))
            self._connection.execute("DELETE FROM faults WHERE payment = ?", (NEXT_PAYMENT,))

    def _use_up_create_error(self, payment: str) -> bool:
        used = self._connection.execute(
            "UPDATE create_errors SET count = count - 1 WHERE payment = ? AND count > 0", (payment,)
        )
        return used.rowcount > 0
