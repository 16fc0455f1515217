"""Figures of what `bench.fill` has no ledgers of, so that no report's page is measured empty.

Messages, points, people who sign in, the waitlist, products beside services, and stock: as many
rows as a marketplace of this size would have, made of the sums that are there. What they say means
nothing; how many there are does.
"""

import psycopg

from bench import harness

PEOPLE = 5
"""Who sign in, of each vendor."""

EVERY = "grain IN ('day', 'week', 'month')"

STATEMENTS = (
    # a vendor's messages: by e-mail and text, what five kinds of events told, and by hand
    f"""
    INSERT INTO message_figures (vendor_id, grain, starts_on, way, purpose, event, rule_id, sent,
      delivered, failed, held_back, received, answered, asked, came, came_before)
    SELECT vendor_id, grain, starts_on, way, purpose, event, rule, 4 * n, 3 * n, n, n, 0, 0,
      CASE purpose WHEN 'reminder' THEN 3 * n ELSE 0 END,
      CASE purpose WHEN 'reminder' THEN 2 * n ELSE 0 END,
      CASE purpose WHEN 'reminder' THEN n ELSE 0 END
    FROM vendor_figures CROSS JOIN LATERAL (SELECT 1 + bookings / 10) AS b(n)
    CROSS JOIN (VALUES ('email'), ('sms')) AS w(way)
    CROSS JOIN (VALUES ('transactional', 'booking.confirmed', 1), ('reminder', 'booking.due', 2),
      ('transactional', 'order.placed', 3), ('marketing', 'birthday', 4), ('marketing', '', 0)
    ) AS e(purpose, event, rule) WHERE {EVERY}
    """,
    """
    INSERT INTO loyalty_programs (vendor_id, name) SELECT id, 'Points' FROM vendors
    """,
    f"""
    INSERT INTO point_figures (vendor_id, grain, starts_on, program_id, earned, redeemed, expired,
      taken_back, given, waiting)
    SELECT f.vendor_id, grain, starts_on, p.id, 90 * n, 40 * n, 10 * n, n, n, n
    FROM vendor_figures f JOIN loyalty_programs p ON p.vendor_id = f.vendor_id
    CROSS JOIN LATERAL (SELECT 1 + f.orders) AS o(n) WHERE {EVERY}
    """,
    f"""
    INSERT INTO users (email, name, password_hash)
    SELECT 'u' || v || '.' || n || '@v.example', 'Person ' || n || ' of ' || v, ''
    FROM (SELECT id AS v FROM vendors) AS v CROSS JOIN generate_series(1, {PEOPLE}) AS n
    """,
    f"""
    INSERT INTO user_figures (vendor_id, grain, starts_on, user_id, sign_ins, made, changed,
      removed, answered, answer_minutes)
    SELECT f.vendor_id, grain, starts_on, u.id, 1, n, 2 * n, 1, n, 30 * n
    FROM vendor_figures f CROSS JOIN generate_series(1, {PEOPLE}) AS p
    JOIN users u ON u.email = 'u' || f.vendor_id || '.' || p || '@v.example'
    CROSS JOIN LATERAL (SELECT 1 + bookings / {PEOPLE}) AS b(n) WHERE {EVERY}
    """,
    # whoever could not have one of a vendor's services: every third of them has a line
    f"""
    INSERT INTO wait_figures (vendor_id, grain, starts_on, service_id, category_id, weekday,
      channel, joined, offered, booked, waiting, expired, left_it)
    SELECT vendor_id, grain, starts_on, service_id, category_id, 1 + service_id % 8, channel,
      4 * sum(bookings), 2 * sum(bookings), sum(bookings), 1, sum(bookings), 1
    FROM booking_figures WHERE {EVERY} AND service_id % 3 = 0 GROUP BY 1, 2, 3, 4, 5, 6, 7
    """,
    f"""
    INSERT INTO attach_figures (vendor_id, grain, starts_on, service_id, channel, orders,
      with_product)
    SELECT vendor_id, grain, starts_on, item_id, channel, 2 * sum(lines), sum(lines)
    FROM item_figures WHERE {EVERY} AND kind = 'service' GROUP BY 1, 2, 3, 4, 5
    """,
    """
    INSERT INTO attach_figures (vendor_id, grain, starts_on, service_id, channel, orders,
      with_product)
    SELECT vendor_id, grain, starts_on, 0, channel, sum(orders), sum(with_product)
    FROM attach_figures GROUP BY 1, 2, 3, 5
    """,
    """
    INSERT INTO market_attach_figures (grain, starts_on, vendor_id, service_id, orders,
      with_product)
    SELECT g, CAST(date_trunc(g, CAST(starts_on AS timestamp)) AS date), vendor_id, service_id,
      sum(orders), sum(with_product)
    FROM attach_figures CROSS JOIN (VALUES ('month'), ('quarter'), ('year')) AS g (g)
    WHERE grain = 'month'
    GROUP BY 1, 2, 3, 4
    """,
    """
    UPDATE variants SET tracks_stock = true, on_hand = 5 + id % 40, low_stock = 10,
      cost = price / 2
    """,
)


TABLES = ("message_figures", "point_figures", "user_figures", "wait_figures", "attach_figures",
          "market_attach_figures")  # fmt: skip


def fill(connection: psycopg.Connection) -> None:
    """Write them, if they are not there yet; as the server's superuser, without its triggers."""
    found = connection.execute("SELECT EXISTS (SELECT FROM message_figures)").fetchone()
    if found and found[0]:
        return
    with connection.transaction():  # all or nothing: half of them would be taken for all
        connection.execute("SET LOCAL session_replication_role = replica")
        # what an earlier run has left: a rebuild has emptied some of it
        harness.run(connection, f"TRUNCATE {', '.join(TABLES)}")
        for table, those in (("loyalty_programs", "true"), ("users", "email LIKE 'u%@v.example'")):
            harness.run(connection, f"DELETE FROM {table} WHERE {those}")
        for statement in STATEMENTS:
            harness.run(connection, statement)
    harness.run(
        connection, f"VACUUM ANALYZE {', '.join(TABLES)}, variants, users, loyalty_programs"
    )
