"""Orders a second of clients who want the same few goods.

`python -m bench.orders [--quick]`. Eight clients send off carts of two goods out of six: each
client is a process with a connection of its own, each order `orders.save_draft` and
`orders.place` in one transaction, as the vendor. There are fewer goods than are asked for, so the
last orders are refused. Beside it the same writes: the statements of one such order that write,
lock or say who acts, as they were sent, by psycopg in one transaction; what the operations read
and think is left out.

The two take turns, and the median of the rounds counts. Afterwards nothing may be promised that
is not there, and stock and money have to equal their ledgers.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any
from uuid import UUID, uuid4

import psycopg

from app import schema
from app.embedded import Postgres
from app.tenancy import SYSTEM_USER_ID
from bench import fill, harness, racing
from bench.racing import Ask, Sent

CLIENTS, ATTEMPTS, ROUNDS, WARM = 8, 960, 5, 16
VENDOR, FIRST_CUSTOMER, CUSTOMERS = 7, 100_001, 1_000
HOT, COLD, GOODS = 70_001, 80_001, 6
ON_HAND = 290
"""Pieces of each hot good: of 960 carts of two, some ninety find nothing left."""
PRICE = "18.90"
TEMPLATE = "backroom"
TWIN = f"TEMPLATE {TEMPLATE} STRATEGY FILE_COPY OWNER {schema.OWNER}"


@dataclass(frozen=True)
class Cart:
    """What a client asks for: one piece of each of two goods."""

    customer: int
    goods: tuple[int, int]


def carts(number: int, client: int) -> tuple[list[Cart], list[Cart]]:
    """What a client asks for; what comes first is other goods."""
    random = Random(client)  # the same carts at every run

    def some(first: int, number: int) -> list[Cart]:
        shelves = range(first, first + GOODS)
        return [
            Cart(FIRST_CUSTOMER + random.randrange(CUSTOMERS), tuple(random.sample(shelves, 2)))  # type: ignore[arg-type]  # two of them
            for _ in range(number)
        ]

    return some(COLD, WARM), some(HOT, number)


def furnish(postgres: Postgres) -> None:
    """A vendor with goods, taxes and customers; no id of an order is like another number."""
    harness.migrated(postgres)
    with psycopg.connect(fill.dsn(postgres.url(TEMPLATE, "postgres"))) as connection:
        own = "OVERRIDING SYSTEM VALUE"
        goods = (
            f"generate_series(0, {GOODS - 1}) AS n,"
            f" (VALUES ({HOT}, {ON_HAND}), ({COLD}, 9999)) AS shelf (first, left_)"
        )
        for statement in (
            f"INSERT INTO vendors (id, slug, name, kind, country, time_zone) {own}"
            f" VALUES ({VENDOR}, 'busy', 'Busy', 'store', 'PT', 'UTC')",
            f"INSERT INTO tax_classes (id, vendor_id, name, is_default) {own}"
            f" VALUES (3, {VENDOR}, 'Standard', true)",
            "INSERT INTO tax_rates (vendor_id, tax_class_id, country, name, percent, starts_on)"
            f" VALUES ({VENDOR}, 3, 'PT', 'IVA 23 %', 23, '2020-01-01')",
            f"INSERT INTO products (id, vendor_id, name, status) {own}"
            f" SELECT first + n, {VENDOR}, 'Good ' || first + n, 'active' FROM {goods}",
            f"INSERT INTO variants (id, vendor_id, product_id, sku, price, tracks_stock) {own}"
            f" SELECT first + n, {VENDOR}, first + n, 'G' || first + n, {PRICE}, true FROM {goods}",
            "INSERT INTO stock_moves (vendor_id, variant_id, kind, on_hand, reserved, user_id)"
            f" SELECT {VENDOR}, first + n, 'receipt', left_, 0, {SYSTEM_USER_ID} FROM {goods}",
            f"INSERT INTO customers (id, vendor_id, full_name) {own}"
            f" SELECT {FIRST_CUSTOMER} + n, {VENDOR}, 'Customer ' || n"
            f" FROM generate_series(0, {CUSTOMERS - 1}) AS n",
            f"INSERT INTO counters (vendor_id, series, value) VALUES ({VENDOR}, 'orders', 8000000)",
            "ALTER TABLE orders ALTER id RESTART WITH 5000001",
            "ALTER TABLE order_lines ALTER id RESTART WITH 6000001",
        ):
            connection.execute(statement.encode())
    harness.execute(postgres, "VACUUM (ANALYZE)")


# --- clients ------------------------------------------------------------------------------


def by_operation(url: str) -> Ask:
    """Our way: a draft, placed, in a transaction of its own."""
    from app.database import begin_planned, connect
    from app.operations import orders
    from app.operations.stock import OutOfStock
    from app.tenancy import acting, vendor_actor
    from models.orders import Handing, LineKind
    from models.words import Channel

    connect(url, pool_size=1)

    def send_off(cart: Cart) -> bool:
        lines = [orders.DraftLine(LineKind.PRODUCT, item_id=good) for good in cart.goods]
        try:
            with acting(vendor_actor(VENDOR)), begin_planned() as session:
                draft = orders.save_draft(
                    session, lines=lines, customer_id=cart.customer, channel=Channel.ONLINE,
                    handing=Handing.PICKUP, request_key=uuid4(),
                )  # fmt: skip
                orders.place(session, order_id=draft.id)
        except OutOfStock:
            return False
        return True

    return send_off


MODEL = Cart(FIRST_CUSTOMER, (COLD, COLD + 1))
ORDER, NUMBER, LINES = UUID(int=1), UUID(int=2), (UUID(int=3), UUID(int=4))
"""Stand in the recorded statements for what the database gives each order."""
KEYS = frozenset({"public_ref", "request_key"})


def recorded(url: str) -> list[Sent]:
    """What one order by our operations sends that writes, locks or says who acts, in order."""
    from app.database import CARRY

    send_off = by_operation(url)
    send_off(MODEL)
    with racing.recorded() as sent:
        if not send_off(MODEL):
            raise RuntimeError("the model order was refused")
    with psycopg.connect(fill.dsn(url), autocommit=True) as connection:
        connection.execute("SET ROLE app_admin")
        [(order, number)] = connection.execute(
            "SELECT id, number FROM orders ORDER BY id DESC LIMIT 1"
        ).fetchall()
        lines = connection.execute(
            "SELECT id FROM order_lines WHERE order_id = %s ORDER BY position", (order,)
        ).fetchall()
    stand_in = {order: ORDER, number: NUMBER, lines[0][0]: LINES[0], lines[1][0]: LINES[1]}
    carried = CARRY.format(role="app_vendor", vendor=VENDOR, user=SYSTEM_USER_ID, plans="auto")
    return [(carried, {})] + [
        (statement, racing.instead(parameters, stand_in))
        for statement, parameters in sent
        if racing.WRITES.search(statement)
    ]


def by_psycopg(url: str, sent: list[Sent]) -> Ask:
    """The recorded statements, sent as they are for another cart."""
    from app.database import TUNED

    options = " ".join(f"-c {name}={value}" for name, value in TUNED)
    connection = psycopg.connect(fill.dsn(url), options=options, prepare_threshold=1)
    keys = {
        value for _, parameters in sent if isinstance(parameters, dict)
        for name, value in parameters.items() if name in KEYS
    }  # fmt: skip

    def send_off(cart: Cart) -> bool:
        known: dict[Any, Any] = dict(zip(MODEL.goods, cart.goods, strict=True))
        known |= {key: uuid4() for key in keys} | {MODEL.customer: cart.customer}
        for statement, parameters in sent:
            now = racing.instead(parameters, known)
            if isinstance(now, list) and now:
                connection.cursor().executemany(statement.encode(), now)
                continue
            found = connection.execute(statement.encode(), now or None)
            if statement.startswith("INSERT INTO orders"):
                known[ORDER] = found.fetchall()[0][0]
            elif statement.startswith("INSERT INTO order_lines"):
                known |= zip(LINES, sorted(row[0] for row in found.fetchall()), strict=True)
            elif statement.startswith("INSERT INTO counters"):
                known[NUMBER] = found.fetchall()[0][0]
            elif "stock_moves" in statement and _lacks(found):
                connection.pgconn.exec_(b"ROLLBACK")  # its own would forget what is prepared
                return False
        connection.commit()
        return True

    return send_off


def _lacks(found: psycopg.Cursor[Any]) -> bool:
    """Whether the shelves said that there is too little."""
    names = [column.name for column in found.description or ()]
    return any(row[names.index("lacks")] for row in found.fetchall())


# --- both ---------------------------------------------------------------------------------

UNSAID = """
SELECT count(*) FROM orders o WHERE status = 'placed' AND (total, tax) <> (
  SELECT sum(l.total), sum(l.tax) FROM order_lines l WHERE l.order_id = o.id)
"""
OVERSOLD = "SELECT count(*) FROM variants WHERE reserved > on_hand"


def round_of(postgres: Postgres, make: Any, *given: Any) -> dict[str, Any]:
    """One way, on a database as it was furnished; what it leaves behind is looked at."""
    name = "round"
    harness.execute(postgres, f"CREATE DATABASE {name} {TWIN}", "postgres")
    harness.execute(postgres, "CHECKPOINT", "postgres")
    try:
        url, wanted = postgres.url(name, "backroom_app"), partial(carts, ATTEMPTS // CLIENTS)
        won = racing.side_by_side(CLIENTS, wanted, make, url, *given)
        return {"won": won, **_left_behind(postgres.url(name, "postgres"), url)}
    finally:
        harness.execute(postgres, f"DROP DATABASE {name} WITH (FORCE)", "postgres")


def _left_behind(superuser: str, url: str) -> dict[str, int]:
    from app.database import begin, connect
    from app.operations import balances, shelf_truth
    from app.tenancy import acting, vendor_actor

    with psycopg.connect(fill.dsn(superuser)) as connection:
        counts = [connection.execute(query.encode()).fetchall()[0][0] for query in (
            f"SELECT count(*) FROM orders WHERE status = 'placed' AND id IN (SELECT order_id"
            f" FROM order_lines WHERE variant_id < {COLD})", OVERSOLD, UNSAID,
        )]  # fmt: skip
    engine = connect(url, pool_size=1)
    with acting(vendor_actor(VENDOR)), begin() as session:
        stock, money = len(shelf_truth.drift(session)), len(balances.drift(session))
    engine.dispose()
    placed, oversold, unsaid = counts
    return {"placed": placed, "stock_drift": stock + oversold, "ledger_drift": money + unsaid}


def compete(*, quick: bool) -> dict[str, Any]:
    """Both ways in turn, on a server of its own."""
    with harness.server() as postgres:
        furnish(postgres)
        harness.execute(postgres, f"CREATE DATABASE model {TWIN}", "postgres")
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            sent = pool.apply(recorded, (postgres.url("model", "backroom_app"),))
        rounds = []
        for _ in range(1 if quick else ROUNDS):
            own = round_of(postgres, by_operation)
            same = round_of(postgres, by_psycopg, sent)
            rounds.append((own, same))
            print(json.dumps((own, same)), file=sys.stderr, flush=True)
    ratios = [own["won"] / same["won"] for own, same in rounds]
    return {
        "clients": CLIENTS,
        "orders_per_second": round(statistics.median(own["won"] for own, _ in rounds), 1),
        "bare_sql_per_second": round(statistics.median(same["won"] for _, same in rounds), 1),
        "ratio_to_bare_sql": round(statistics.median(ratios), 3),
        "ratios_of_rounds": [round(ratio, 3) for ratio in ratios],
        "placed": rounds[0][0]["placed"],
        "refused": ATTEMPTS - rounds[0][0]["placed"],
        "stock_drift": sum(way["stock_drift"] for both in rounds for way in both),
        "ledger_drift": sum(way["ledger_drift"] for both in rounds for way in both),
        "statements": [" ".join(text.split()) for text, _ in sent],
    }


def told(result: dict[str, Any]) -> str:
    """The results as a page for people."""
    return "\n".join(
        [
            f"`python -m bench.orders`; orders placed a second by {CLIENTS} clients who want the"
            f" same {GOODS} goods, two in a cart.",
            "",
            "| ours | same writes, psycopg | ratio | refused | stock drift | ledger drift |",
            "|--:|--:|--:|--:|--:|--:|",
            f"| {result['orders_per_second']} | {result['bare_sql_per_second']} |"
            f" {result['ratio_to_bare_sql']} | {result['refused']} of {ATTEMPTS} |"
            f" {result['stock_drift']} | {result['ledger_drift']} |",
            "",
            f"Ratios of the rounds: {', '.join(map(str, result['ratios_of_rounds']))}."
            f" The same writes are {len(result['statements'])} statements.",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round instead of five")
    given = parser.parse_args()
    result = compete(quick=given.quick)
    if not given.quick:
        harness.write_results("Orders", told(result))
    harness.finish(result)


if __name__ == "__main__":
    main()
