"""Orders from before payments were taken down count as paid: another till took that money.

Until 0019 an order had no payments: whoever fulfilled it had been paid some other way, and nobody
owes for it. Each such order gets one payment of its total, tender `elsewhere`, captured when it was
fulfilled (else completed), in the name of the system.

An order is one of these if it is fulfilled or completed, costs something, has no payment of any
kind, and was fulfilled before the first sign that payments are taken down here: a payment, a
shipment, a move of stock, a return, or an order that counts its pieces. So what is really due
stays due: orders that are only placed, and all that were fulfilled since. Where there is no such
sign, which is every upgrade from 0018 or before, all of them count.

It walks by id, each step a transaction of its own: nobody waits for it, and what broke off goes on
where it stopped, for an order that has its payment is passed over. Going down leaves the payments:
before 0019 there is no table for them.
"""

from alembic import op
from sqlalchemy import text

revision, down_revision = "0023", "0022"

STEP = 2000
DELIVERED = "ix_shipments_vendor_id_delivered_at"

FIRST_SIGN = text(
    """
    SELECT least(
      (SELECT min(created_at) FROM payments WHERE tender <> 'elsewhere'),
      (SELECT min(packed_at) FROM shipments),
      (SELECT min(at) FROM stock_moves),
      (SELECT min(asked_at) FROM product_returns),
      (SELECT min(placed_at) FROM orders WHERE pieces > 0)
    )
    """
)
PAID = text(
    """
    INSERT INTO payments (vendor_id, order_id, tender, status, amount, captured_at, user_id)
    SELECT vendor_id, id, 'elsewhere', 'captured', total, done_at, 1
    FROM (
      SELECT vendor_id, id, total, paid, status,
        coalesce(fulfilled_at, completed_at, placed_at, created_at) AS done_at
      FROM orders WHERE id > :after AND id <= :upto
    ) AS o
    WHERE status IN ('fulfilled', 'completed') AND paid = 0 AND total > 0
      AND done_at < coalesce(CAST(:first_sign AS timestamptz), 'infinity')
      AND NOT EXISTS (
        SELECT FROM payments p WHERE p.vendor_id = o.vendor_id AND p.order_id = o.id
      )
    ORDER BY id
    """
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # what a broken-off run has left of it goes first
        op.drop_index(DELIVERED, "shipments", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            DELIVERED, "shipments", ["vendor_id", "delivered_at"], postgresql_concurrently=True,
            postgresql_where=text("delivered_at IS NOT NULL"),
        )  # fmt: skip
        op.execute("SET ROLE app_admin")  # the owner sees no rows
        op.execute("SELECT set_config('app.user_id', '1', false)")
        try:
            _take_down()
        finally:
            op.execute("RESET ROLE")
            op.execute("RESET app.user_id")


def _take_down() -> None:
    bind = op.get_bind()
    first_sign = bind.scalar(FIRST_SIGN)
    last = bind.scalar(text("SELECT max(id) FROM orders")) or 0
    for after in range(0, last, STEP):
        step = {"after": after, "upto": after + STEP, "first_sign": first_sign}
        bind.execute(PAID, step)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(DELIVERED, "shipments", if_exists=True, postgresql_concurrently=True)
