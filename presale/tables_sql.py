"""The tables of the box office."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from store.metadata_sql import metadata

# Title, access, doors and start are the room's.
shows = Table(
    "shows",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("room_id", String(64), nullable=False, unique=True),
    Column("currency", String(3), nullable=False),
    Column("refund_until_ms", BigInteger),
    Column("refunds_opened_ms", BigInteger),
    Column("credit_minor", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
)

products = Table(
    "products",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("show_id", String(64), ForeignKey("shows.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("tier", String(16), nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("capacity", BigInteger, nullable=False),
    Column("credits", BigInteger, nullable=False),
    Column("repeatable", Boolean, nullable=False, server_default=false()),
    Column("sold", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    CheckConstraint("price_minor > 0", name="price"),
    CheckConstraint("credits >= 0", name="credits"),
    CheckConstraint("sold >= 0", name="sold"),
    CheckConstraint("held >= 0", name="held"),
    CheckConstraint("sold + held <= capacity", name="capacity"),
)

orders = Table(
    "orders",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("show_id", String(64), ForeignKey("shows.id"), nullable=False),
    Column("user_id", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("key", String(128), nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("provider", String(32), nullable=False),
    Column("payment_id", String(64), nullable=False),
    Column("pay_url", Text),
    Column("version", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("paid_ms", BigInteger),
    Column("closed_ms", BigInteger),
    UniqueConstraint("user_id", "key"),
    Index(None, "show_id", "state"),
    Index(None, "user_id", "show_id"),
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("order_id", String(64), ForeignKey("orders.id"), primary_key=True),
    Column("product_id", String(64), ForeignKey("products.id"), primary_key=True, index=True),
    Column("quantity", Integer, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("tier", String(16), nullable=False),
    Column("credits", BigInteger, nullable=False),
    CheckConstraint("quantity > 0", name="quantity"),
)

payments = Table(
    "payments",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("order_id", String(64), ForeignKey("orders.id"), nullable=False, index=True),
    Column("provider", String(32), nullable=False),
    Column("provider_ref", String(128)),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("progress", String(16), nullable=False),
    Column("transaction_id", String(128)),
    UniqueConstraint("provider", "transaction_id"),
)

refunds = Table(
    "refunds",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("order_id", String(64), ForeignKey("orders.id"), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("withdrawn_credits", BigInteger, nullable=False),
    Column("seated", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by_user", String(64)),
    Column("doubled_payment_id", String(64)),
    Column("created_ms", BigInteger, nullable=False),
    Column("settled_ms", BigInteger),
    CheckConstraint("amount_minor >= 0", name="amount"),
)

entitlements = Table(
    "entitlements",
    metadata,
    Column("show_id", String(64), ForeignKey("shows.id"), primary_key=True),
    Column("user_id", String(64), primary_key=True),
    Column("tier", String(16), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Index(None, "show_id", "changed_ms"),
)

entitlement_changes = Table(
    "entitlement_changes",
    metadata,
    Column("show_id", String(64), ForeignKey("shows.id"), primary_key=True),
    Column("user_id", String(64), primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("tier", String(16), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("reason", String(16), nullable=False),
)

ledger_transactions = Table(
    "ledger_transactions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("key", String(256), nullable=False, unique=True),
    Column("kind", String(32), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("transaction_id", String(64), ForeignKey("ledger_transactions.id"), primary_key=True),
    Column("account", String(200), primary_key=True),
    Column("unit", String(80), primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Index(None, "account", "unit"),
)

ledger_balances = Table(
    "ledger_balances",
    metadata,
    Column("account", String(200), primary_key=True),
    Column("unit", String(80), primary_key=True),
    Column("balance", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    CheckConstraint("balance >= 0 OR account NOT LIKE 'wallet:%'", name="wallet"),
)
