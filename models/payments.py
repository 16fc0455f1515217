"""Money: payments of orders, what was given back, what gateways said, and store credit."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import (
    Base,
    Belonging,
    Money,
    OwnedByVendor,
    Timestamped,
    one_of,
    same_vendor,
)
from models.customers import Customer
from models.orders import Order, OrderLine

ACTING_USER = text("NULLIF(current_setting('app.user_id', true), '')::bigint")


class Tender(StrEnum):
    """What is paid with; `elsewhere` is what another till took before an order was imported."""

    CASH = "cash"
    CARD = "card"
    BANK_TRANSFER = "bank_transfer"
    MOBILE_MONEY = "mobile_money"
    STORE_CREDIT = "store_credit"
    GATEWAY = "gateway"
    ELSEWHERE = "elsewhere"


class PaymentState(StrEnum):
    PENDING = "pending"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    FAILED = "failed"
    CANCELLED = "cancelled"


PAYMENT_TRANSITIONS: dict[PaymentState, frozenset[PaymentState]] = {
    PaymentState.PENDING: frozenset(
        {
            PaymentState.AUTHORISED,
            PaymentState.CAPTURED,
            PaymentState.FAILED,
            PaymentState.CANCELLED,
        }
    ),
    PaymentState.AUTHORISED: frozenset(
        {PaymentState.CAPTURED, PaymentState.FAILED, PaymentState.CANCELLED}
    ),
    PaymentState.FAILED: frozenset(
        {PaymentState.AUTHORISED, PaymentState.CAPTURED, PaymentState.CANCELLED}
    ),
    PaymentState.CANCELLED: frozenset({PaymentState.CAPTURED}),
    PaymentState.CAPTURED: frozenset(),
}
"""Every move a payment can make. Money that arrives after all counts, whatever was said before."""


class RefundState(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class EventKind(StrEnum):
    """What gateways tell, in our words."""

    PAYMENT_PENDING = "payment.pending"
    PAYMENT_AUTHORISED = "payment.authorised"
    PAYMENT_CAPTURED = "payment.captured"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_CANCELLED = "payment.cancelled"
    REFUND_PENDING = "refund.pending"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"


@dataclass(frozen=True, slots=True)
class Told:
    """What a gateway said, as an answer or unasked, whichever gateway it is.

    `about` is our name for the payment or refund (`payment-7`), `gateway_ref` the gateway's own;
    `at`, aware, is when it happened there. The same `event_ref` is the same event. `words` are the
    gateway's, as they came.
    """

    event_ref: str
    kind: EventKind
    about: str
    gateway_ref: str
    amount: Decimal
    currency: str
    at: datetime
    words: str


class Payment(OwnedByVendor, Timestamped, Base):
    """Money taken for an order. `tendered` is what was handed over in cash, its change included.

    What a card terminal, a bank or a mobile network calls it is its `reference`; a gateway's own
    name for it is `gateway_ref`. `refunded` is the sum of its refunds that did not fail: the
    database counts it, and it is never more than was captured.
    """

    __tablename__ = "payments"
    __table_args__ = (
        same_vendor("order_id", "orders"),
        one_of("tender", Tender),
        one_of("status", PaymentState),
        CheckConstraint("amount > 0", name="amount_is_positive"),
        CheckConstraint("tendered >= amount", name="tendered_is_enough"),
        CheckConstraint(
            "refunded = 0 OR refunded BETWEEN 0 AND amount AND status = 'captured'",
            name="refunded_was_captured",
        ),
        CheckConstraint(
            "(status = 'captured') = (captured_at IS NOT NULL)", name="captured_when_captured"
        ),
        CheckConstraint("(tender = 'gateway') = (gateway IS NOT NULL)", name="gateway_is_named"),
        Index(None, "vendor_id", "order_id"),
        Index(None, "vendor_id", "captured_at"),
        Index(None, "captured_at"),
        Index(
            "uq_payments_vendor_id_request_key", "vendor_id", "request_key", unique=True,
            postgresql_where=text("request_key IS NOT NULL"),
        ),
        Index(
            "uq_payments_gateway_ref", "gateway", "gateway_ref", unique=True,
            postgresql_where=text("gateway_ref IS NOT NULL"),
        ),
    )  # fmt: skip

    order_id: Mapped[int] = mapped_column()
    tender: Mapped[str]
    status: Mapped[str] = mapped_column(default=PaymentState.PENDING, server_default="pending")
    amount: Mapped[Money]
    tendered: Mapped[Money | None]
    refunded: Mapped[Money] = mapped_column(default=0, server_default="0")
    reference: Mapped[str | None]
    gateway: Mapped[str | None]
    gateway_ref: Mapped[str | None]
    request_key: Mapped[UUID | None]
    user_id: Mapped[int] = mapped_column(server_default=ACTING_USER)
    captured_at: Mapped[datetime | None]

    order: Mapped[Order] = relationship(foreign_keys=[order_id])

    def __str__(self) -> str:
        return f"{self.tender.replace('_', ' ').capitalize()}, {self.amount}"


class Refund(OwnedByVendor, Timestamped, Base):
    """Money given back of one payment, and why; its lines say for what, as far as it is known."""

    __tablename__ = "refunds"
    __table_args__ = (
        same_vendor("order_id", "orders"),
        same_vendor("payment_id", "payments"),
        same_vendor("return_id", "product_returns"),
        one_of("status", RefundState),
        one_of("tender", Tender),
        CheckConstraint("amount > 0", name="amount_is_positive"),
        Index(None, "vendor_id", "order_id"),
        Index(None, "vendor_id", "payment_id"),
        same_vendor("import_job_id", "import_jobs"),
        Index(None, "vendor_id", "return_id", postgresql_where=text("return_id IS NOT NULL")),
        Index(
            None, "vendor_id", "import_job_id", postgresql_where=text("import_job_id IS NOT NULL")
        ),
        Index(None, "vendor_id", "created_at"),
        Index(None, "created_at"),
        Index(
            "uq_refunds_vendor_id_request_key", "vendor_id", "request_key", unique=True,
            postgresql_where=text("request_key IS NOT NULL"),
        ),
        Index(
            "uq_refunds_gateway_ref", "gateway_ref", unique=True,
            postgresql_where=text("gateway_ref IS NOT NULL"),
        ),
    )  # fmt: skip

    order_id: Mapped[int] = mapped_column()
    payment_id: Mapped[int] = mapped_column()
    return_id: Mapped[int | None] = mapped_column()
    import_job_id: Mapped[int | None] = mapped_column()
    tender: Mapped[str] = mapped_column(comment="what is given back with")
    status: Mapped[str] = mapped_column(default=RefundState.PENDING, server_default="pending")
    amount: Mapped[Money]
    reason: Mapped[str]
    reference: Mapped[str | None]
    gateway_ref: Mapped[str | None]
    request_key: Mapped[UUID | None]
    user_id: Mapped[int] = mapped_column(server_default=ACTING_USER)

    order: Mapped[Order] = relationship(foreign_keys=[order_id])
    payment: Mapped[Payment] = relationship(foreign_keys=[payment_id])
    lines: Mapped[list["RefundLine"]] = relationship(
        back_populates="refund",
        foreign_keys="RefundLine.refund_id",
        order_by="RefundLine.id",
        cascade="all, delete-orphan",
    )

    def __str__(self) -> str:
        return f"Refund of {self.amount}"


class RefundLine(Belonging, Base):
    """How much of a refund is for which line of the order."""

    __tablename__ = "refund_lines"
    __table_args__ = (
        same_vendor("refund_id", "refunds", ondelete="CASCADE"),
        same_vendor("order_line_id", "order_lines"),
        UniqueConstraint("vendor_id", "refund_id", "order_line_id"),
        CheckConstraint("amount > 0", name="amount_is_positive"),
        Index(None, "vendor_id", "order_line_id"),
    )

    refund_id: Mapped[int] = mapped_column()
    order_line_id: Mapped[int] = mapped_column()
    amount: Mapped[Money]

    refund: Mapped[Refund] = relationship(foreign_keys=[refund_id], back_populates="lines")
    order_line: Mapped[OrderLine] = relationship(foreign_keys=[order_line_id])

    def __str__(self) -> str:
        return f"{self.amount} for {self.order_line.name}"


class GatewayEvent(OwnedByVendor, Base):
    """What a gateway told, word for word, as it came; applied once, whenever its turn comes.

    One event of a gateway is one row, however often it is sent.
    """

    __tablename__ = "gateway_events"
    __table_args__ = (
        same_vendor("payment_id", "payments"),
        same_vendor("refund_id", "refunds"),
        UniqueConstraint("vendor_id", "gateway", "event_ref"),
        Index(None, "vendor_id", "payment_id"),
        Index(None, "vendor_id", "refund_id"),
        Index(None, "vendor_id", "received_at"),
        Index(
            "ix_gateway_events_waiting", "received_at", postgresql_where=text("applied_at IS NULL")
        ),
    )  # fmt: skip

    gateway: Mapped[str]
    event_ref: Mapped[str]
    kind: Mapped[str]
    body: Mapped[dict[str, Any]]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    applied_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    payment_id: Mapped[int | None] = mapped_column()
    refund_id: Mapped[int | None] = mapped_column()

    def __str__(self) -> str:
        return f"{self.gateway}: {self.kind}"


class CreditEntry(OwnedByVendor, Base):
    """Store credit given to a customer, or spent; never changed or removed.

    `customers.store_credit` is their sum: the database adds each to it, and it never falls below
    nothing.
    """

    __tablename__ = "credit_entries"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        same_vendor("payment_id", "payments"),
        same_vendor("refund_id", "refunds"),
        CheckConstraint("amount <> 0", name="amount_is_not_nothing"),
        CheckConstraint("num_nonnulls(payment_id, refund_id) <= 1", name="has_one_source"),
        Index(None, "vendor_id", "customer_id", "at"),
        Index(None, "vendor_id", "payment_id", postgresql_where=text("payment_id IS NOT NULL")),
        Index(None, "vendor_id", "refund_id", postgresql_where=text("refund_id IS NOT NULL")),
    )

    customer_id: Mapped[int] = mapped_column()
    amount: Mapped[Money]
    reason: Mapped[str]
    payment_id: Mapped[int | None] = mapped_column()
    refund_id: Mapped[int | None] = mapped_column()
    user_id: Mapped[int] = mapped_column(server_default=ACTING_USER)
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])

    def __str__(self) -> str:
        return f"{self.amount}, {self.reason}"
