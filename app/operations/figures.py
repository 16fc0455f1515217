"""Figures by day, week and month: worked out anew wherever something has changed, and proved.

What each number means, `app.operations.figure_sources` says; this module writes them, with
`app.operations.staff_hours`. The database notes every day of a vendor on which something changed
that counts, in `stale_days`; `freshen` works that off. Weeks and months are sums of their days.

Whoever works out the figures of a vendor holds the vendor's lock, takes its notes, and only then
reads: what was committed before is seen, what comes after has a note of its own. So two at once
lose no change, and nobody who books or sells waits for them.

Who began before a vendor's clock was changed notes days by the old one, also later: all days are
worked out at once, and once more when the last of them is done. What else knows a vendor's days
follows by then too, or in the night after: tests/operations/test_moved_clocks.py has all of it.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import clock
from app.operations import (
    demand,
    figure_sources,
    ledger_days,
    market_figures,
    staff_hours,
    usages,
)
from app.operations.figure_sources import Scope
from app.operations.hours import DAY, wall_of
from app.operations.outbox import enqueue
from app.operations.places import Misplaced
from models.figures import (
    BookingFigures,
    Figures,
    HourFigures,
    ItemFigures,
    OrderFigures,
    SaleFigures,
    StaffFigures,
    StaleDay,
    VendorFigures,
)
from models.marketing_figures import (
    AttachFigures,
    CouponFigures,
    MembershipFigures,
    MessageFigures,
    PackageFigures,
    PointFigures,
)
from models.vendors import Vendor

Day = tuple[int, date]
"""A vendor, and a day of its calendar."""

BATCH = 500
"""Days that are worked out in one transaction at most."""

RECENT = 35
"""Days that are held against the ledgers every night."""

TABLES: tuple[type[Figures], ...] = (
    ItemFigures, SaleFigures, OrderFigures, BookingFigures, StaffFigures, HourFigures,
    CouponFigures, PointFigures, MembershipFigures, PackageFigures, MessageFigures, AttachFigures,
    VendorFigures,
)  # fmt: skip
"""In the order in which they are worked out: sales are summed up from items, vendors from all."""
PROVED = tuple(model for model in TABLES if model is not MessageFigures)
"""All but what is known later: who comes after a message, `settle` works out every night."""

# --- as things happen ---------------------------------------------------------------------


def freshen(session: Session, *, most: int = BATCH, vendor_id: int | None = None) -> int:
    """Work out `most` noted days anew, the latest first, or all of one vendor; how many there were.

    For the marketplace; or of the vendor that is named alone. A vendor somebody else is busy with
    is left to the next time, and so is everybody while all figures are rebuilt.
    """
    session.flush()  # what is not yet written would not be seen
    if not session.scalar(text("SELECT pg_try_advisory_xact_lock_shared(:all)"), {"all": _ALL}):
        return 0
    whose = {"vendor": vendor_id}
    whole = session.scalars(text(_HOLD_ONE), whose).first()
    if whole is not None:
        rebuild(session, vendor_ids=[whole])
        return 1
    held = list(session.scalars(text(_HOLD_SOME), whose))
    taken = session.execute(text(_TAKE), {"held": held, "most": most}).all()
    recompute(session, days=[(row.vendor_id, row.day) for row in taken])
    return len(taken)


def waiting(session: Session) -> Sequence[int]:
    """The vendors of whom days are noted."""
    return session.scalars(select(StaleDay.vendor_id).distinct().order_by(StaleDay.vendor_id)).all()


_ALL = 6_041_000_000_001
"""The lock of all figures: shared by those who work on some vendors."""
_LOCK = "hashtextextended('figures:' || vendor_id, 0)"
_WHOSE = "= coalesce(CAST(:vendor AS bigint), {0})"
_DONE = """NOT EXISTS (
      SELECT FROM pg_snapshot_xip(pg_current_snapshot()) AS running
      WHERE CAST(CAST(running AS text) AS bigint) < waits_for)"""
"""Whether all others have ended who could have noted days by a vendor's old clock."""
_HOLD_ONE = f"""
  SELECT vendor_id FROM (
    SELECT DISTINCT vendor_id FROM stale_days WHERE day IS NULL AND {_DONE}
      AND vendor_id {_WHOSE.format("vendor_id")} ORDER BY vendor_id OFFSET 0
  ) AS noted WHERE pg_try_advisory_xact_lock({_LOCK}) LIMIT 1
"""
"""A vendor all of whose days are noted, whom nobody else is busy with until this one is done."""
_HOLD_SOME = f"""
  SELECT vendor_id FROM (
    SELECT id AS vendor_id FROM vendors v
    WHERE id {_WHOSE.format("id")}
      AND EXISTS (SELECT FROM stale_days d WHERE d.vendor_id = v.id) ORDER BY id OFFSET 0
  ) AS noted WHERE pg_try_advisory_xact_lock({_LOCK})
"""
_HOLD_THESE = f"""
  SELECT pg_advisory_xact_lock({_LOCK})
  FROM (SELECT unnest(CAST(:vendors AS bigint[])) AS vendor_id ORDER BY 1) AS w
"""
_TAKE = """
  WITH noted AS MATERIALIZED (
    SELECT vendor_id, day FROM stale_days WHERE vendor_id = ANY (CAST(:held AS bigint[]))
      AND day IS NOT NULL
    GROUP BY vendor_id, day ORDER BY day DESC, vendor_id LIMIT :most
  ), gone AS (
    DELETE FROM stale_days d USING noted n WHERE d.vendor_id = n.vendor_id AND d.day = n.day
  )
  SELECT vendor_id, day FROM noted
"""
_WAIT = """
  UPDATE stale_days
  SET waits_for = CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)
  WHERE vendor_id = ANY (CAST(:vendors AS bigint[])) AND waits_for = 0
  RETURNING vendor_id
"""
_SETTLE = f"""
  DELETE FROM stale_days WHERE vendor_id = ANY (CAST(:vendors AS bigint[]))
    AND (waits_for IS NULL OR waits_for > 0 AND {_DONE})
"""


def recompute(session: Session, *, days: Sequence[Day]) -> None:
    """Work out these days of vendors, and the weeks and months they lie in.

    The caller holds the vendors' locks.
    """
    if not days:
        return
    vendors, listed = zip(*sorted(set(days)), strict=True)
    known = _known(session, vendors, listed)
    for model in TABLES:
        _write(session, model, Scope.DAYS, known)
    staff_hours.work_out(session, days=days)
    market_figures.note(session, days=listed)


def _known(session: Session, vendors: Sequence[int], days: Sequence[date]) -> dict[str, Any]:
    """The days, and what may say something about them: bookings first, since orders sell some."""
    known: dict[str, Any] = {"vendors": list(vendors), "days": list(days)}
    for noun, asked in (
        ("booking", figure_sources.BOOKINGS_OF_DAYS), ("order", figure_sources.ORDERS_OF_DAYS),
    ):  # fmt: skip
        found = session.execute(text(asked), known).all()
        known |= {f"{noun}_vendors": [row[0] for row in found], f"{noun}s": [r[1] for r in found]}
    return known


def settle(session: Session, *, vendor_id: int, now: datetime) -> int:
    """Work out who came after the messages of the last days, as far as it is known by now.

    For the marketplace, once the vendor's days of messages may be over; how many days these were.
    """
    known: dict[str, Any] = {
        "vendors": [vendor_id], "since": (now - ledger_days.WINDOW - ledger_days.LATE).date(),
    }  # fmt: skip
    _hold(session, [vendor_id])
    days = session.scalars(text(_TOLD), known).all()
    if days:
        told = {"vendors": [vendor_id] * len(days), "days": list(days)}
        _write(session, MessageFigures, Scope.DAYS, told)
    return len(days)


_TOLD = """
  SELECT DISTINCT starts_on FROM message_figures
  WHERE vendor_id = ANY (CAST(:vendors AS bigint[])) AND grain = 'day' AND starts_on >= :since
"""


def count_hours(session: Session, *, vendor_id: int) -> None:
    """Work out how long each of a vendor's staff could be booked, on every day.

    For the marketplace, every night: hours that are changed are noted nowhere.
    """
    _hold(session, [vendor_id])
    staff_hours.rebuild(session, vendor_id=vendor_id)


def _hold(session: Session, vendor_ids: Sequence[int]) -> None:
    """Wait until nobody else is busy with the figures of these vendors, and let nobody be."""
    session.execute(text("SELECT pg_advisory_xact_lock_shared(:all)"), {"all": _ALL})
    session.execute(text(_HOLD_THESE), {"vendors": list(vendor_ids)})


def rebuild(
    session: Session,
    *,
    vendor_ids: Sequence[int] | None = None,
    only: Sequence[type[Figures]] | None = None,
) -> None:
    """Work out all figures of these vendors from the ledgers, or everybody's; notes are settled.

    For the marketplace, the sums of which follow: everybody's at once, some vendors' a little
    later. Where `only` some tables are named, all else stays: the others, hours of staff, demand of
    the waitlist, notes.
    """
    session.flush()  # what is not yet written would not be seen
    scope = Scope.ALL if vendor_ids is None else Scope.VENDORS
    if vendor_ids is None:
        session.execute(text("SELECT pg_advisory_xact_lock(:all)"), {"all": _ALL})
        vendor_ids = list(session.scalars(text("SELECT id FROM vendors ORDER BY id")))
    else:
        _hold(session, vendor_ids)
    known = {"vendors": list(vendor_ids)}
    if only is None:
        for moved in sorted(set(session.scalars(text(_WAIT), known))):
            enqueue(session, usages.NOTE_ALL, vendor_id=moved)
        session.execute(text(_SETTLE), known)
    if scope is Scope.VENDORS:
        market_figures.note_all_of(session, vendor_ids=vendor_ids)  # days that may be empty soon
    for model in only or TABLES:
        _write(session, model, scope, known)
    for vendor_id in vendor_ids if only is None else ():
        staff_hours.rebuild(session, vendor_id=vendor_id)
        demand.rebuild(session, vendor_id=vendor_id)
    if scope is Scope.VENDORS:
        market_figures.note_all_of(session, vendor_ids=vendor_ids)
    else:
        market_figures.rebuild(session, only=only)


# --- how a table is written ---------------------------------------------------------------


def _keys(model: type[Figures]) -> list[str]:
    """What a table sums up by, besides vendor and time."""
    return [column.name for column in model.__table__.primary_key][3:]


def _sums(model: type[Figures]) -> list[str]:
    return [column.name for column in model.__table__.c if not column.primary_key]


def _write(session: Session, model: type[Figures], scope: Scope, known: dict[str, Any]) -> None:
    statements = [_clear(model, scope), _put_days(model, scope), _sum_up(model, scope)]
    if model.has_quarters:
        statements.append(_sum_quarters(model, scope))
    for statement in statements:
        session.execute(text(statement), known)


_DAYS = "unnest(CAST(:vendors AS bigint[]), CAST(:days AS date[])) AS w (vendor_id, day)"
_LONG = {"month": "1 month", "quarter": "3 months"}


def _spans(*grains: str) -> str:
    """The weeks, months or quarters of days, each with the day after it."""
    week = f"""
  SELECT DISTINCT vendor_id, 'week' AS grain, day - (CAST(extract(isodow FROM day) AS integer) - 1)
    AS starts_on, day - (CAST(extract(isodow FROM day) AS integer) - 8) AS until
  FROM {_DAYS}"""
    longer = [
        f"""
  SELECT DISTINCT vendor_id, '{grain}' AS grain,
    CAST(date_trunc('{grain}', CAST(day AS timestamp)) AS date) AS starts_on,
    CAST(date_trunc('{grain}', CAST(day AS timestamp)) + interval '{_LONG[grain]}' AS date) AS until
  FROM {_DAYS}"""
        for grain in grains if grain != "week"
    ]  # fmt: skip
    return f"({' UNION ALL '.join([week] * ('week' in grains) + longer)}\n)"


def _grains(model: type[Figures]) -> list[str]:
    """What its rows sum up, besides days."""
    return ["week", "month", *(["quarter"] if model.has_quarters else [])]


def _day_rows(model: type[Figures], scope: Scope) -> str:
    """The statement of its rows of days, whichever ledgers they come from."""
    table = model.__tablename__
    ask = ledger_days.rows if table in ledger_days.QUESTIONS else figure_sources.day_rows
    return ask(table, scope)


def _clear(model: type[Figures], scope: Scope) -> str:
    table = model.__tablename__
    if scope is Scope.ALL:
        return f"DELETE FROM {table}"
    if scope is Scope.VENDORS:
        return f"DELETE FROM {table} WHERE vendor_id = ANY (CAST(:vendors AS bigint[]))"
    return f"""
    DELETE FROM {table} f USING (
      SELECT vendor_id, grain, starts_on FROM {_spans(*_grains(model))} AS s
      UNION ALL
      SELECT vendor_id, 'day', day FROM {_DAYS}
    ) AS w
    WHERE f.vendor_id = w.vendor_id AND f.grain = w.grain AND f.starts_on = w.starts_on"""


def _put_days(model: type[Figures], scope: Scope) -> str:
    keys, sums = _keys(model), _sums(model)
    listed = ", ".join([*keys, *sums])
    rows = _day_rows(model, scope)
    # in the order of the key, which is then written from one end to the other
    ordered = ", ".join(["vendor_id", "day", *keys])
    return f"""
    INSERT INTO {model.__tablename__} (vendor_id, grain, starts_on, {listed})
    SELECT vendor_id, 'day', day, {listed} FROM ({rows}) AS rows ORDER BY {ordered}"""


def _into(model: type[Figures]) -> tuple[str, str, str]:
    """Where sums are put, the keys and sums of rows `f`, and what they are grouped by."""
    keys, sums = _keys(model), _sums(model)
    listed = ", ".join(["vendor_id", "grain", "starts_on", *keys, *sums])
    summed = ", ".join([*(f"f.{name}" for name in keys), *(f"sum(f.{name})" for name in sums)])
    by = ", ".join(["1", "2", "3", *(f"f.{name}" for name in keys)])
    return f"INSERT INTO {model.__tablename__} ({listed})", summed, by


def _sum_up(model: type[Figures], scope: Scope) -> str:
    """Weeks and months, of their days."""
    into, summed, by = _into(model)
    if scope is Scope.DAYS:
        return f"""{into}
        SELECT w.vendor_id, w.grain, w.starts_on, {summed} FROM {_spans("week", "month")} AS w
        JOIN {model.__tablename__} f ON f.vendor_id = w.vendor_id AND f.grain = 'day'
          AND f.starts_on >= w.starts_on AND f.starts_on < w.until
        GROUP BY {by} ORDER BY {by}"""
    month = "CAST(date_trunc('month', CAST(f.starts_on AS timestamp)) AS date)"
    week = "f.starts_on - (CAST(extract(isodow FROM f.starts_on) AS integer) - 1)"
    return f"""{into}
    SELECT f.vendor_id, w.grain, CASE WHEN w.grain = 'week' THEN {week} ELSE {month} END,
      {summed}
    FROM {model.__tablename__} f CROSS JOIN (VALUES ('week'), ('month')) AS w (grain)
    WHERE f.grain = 'day'{_THOSE[scope]}
    GROUP BY {by} ORDER BY {by}"""


def _sum_quarters(model: type[Figures], scope: Scope) -> str:
    """Quarters, of their months."""
    into, summed, by = _into(model)
    if scope is Scope.DAYS:
        return f"""{into}
        SELECT w.vendor_id, w.grain, w.starts_on, {summed} FROM {_spans("quarter")} AS w
        JOIN {model.__tablename__} f ON f.vendor_id = w.vendor_id AND f.grain = 'month'
          AND f.starts_on >= w.starts_on AND f.starts_on < w.until
        GROUP BY {by} ORDER BY {by}"""
    return f"""{into}
    SELECT f.vendor_id, 'quarter',
      CAST(date_trunc('quarter', CAST(f.starts_on AS timestamp)) AS date), {summed}
    FROM {model.__tablename__} f WHERE f.grain = 'month'{_THOSE[scope]}
    GROUP BY {by} ORDER BY {by}"""


_THOSE = {Scope.ALL: "", Scope.VENDORS: " AND f.vendor_id = ANY (CAST(:vendors AS bigint[]))"}


def recent(session: Session, *, vendor_id: int, days: int = RECENT) -> list[Day]:
    """The last days of a vendor's calendar, today among them."""
    zone = session.scalars(select(Vendor.time_zone).where(Vendor.id == vendor_id)).one()
    today = wall_of(zone).day(clock.now())
    return [(vendor_id, today - n * DAY) for n in range(days)]


# --- the proof ----------------------------------------------------------------------------


def drift(session: Session, *, days: Sequence[Day], limit: int = 1000) -> list[Misplaced]:
    """Every sum of these days, their weeks and months that differs from the ledgers' own.

    Days that are noted as changed are still to be worked out, and so are no drift; nor are hours
    of staff, which are worked out anew every night. At most `limit` rows of each table.
    """
    session.flush()  # what is not yet written would look like drift
    if not days:
        return []
    vendors, listed = zip(*sorted(set(days)), strict=True)
    known = _known(session, vendors, listed) | {"limit": limit}
    return [one for model in PROVED for one in _astray(session, model, known)]


def _astray(session: Session, model: type[Figures], known: dict[str, Any]) -> list[Misplaced]:
    keys, sums = _keys(model), _sums(model)
    found = []
    for statement in (_days_astray(model), _sums_astray(model)):
        for row in session.execute(text(statement), known).mappings():
            which = " ".join(str(row[name]) for name in ("grain", *keys))
            found += [
                Misplaced(
                    model.__tablename__.replace("_", " "), int(f"{row['starts_on']:%Y%m%d}"),
                    f"{which} {name}", row[f"kept_{name}"], row[f"true_{name}"],
                )
                for name in sums if row[f"kept_{name}"] != row[f"true_{name}"]
            ]  # fmt: skip
    return found


def _beside(model: type[Figures], true: str, kept: str, more: str = "") -> str:
    """The rows of which the sums differ, or that are on one side only."""
    keys = ["vendor_id", "grain", "starts_on", *_keys(model)]
    both = ", ".join(f"k.{name} AS kept_{name}, t.{name} AS true_{name}" for name in _sums(model))
    differ = " OR ".join(f"k.{name} IS DISTINCT FROM t.{name}" for name in _sums(model))
    return f"""
    SELECT {", ".join(keys)}, {both} FROM ({true}) AS t
    FULL JOIN ({kept}) AS k USING ({", ".join(keys)})
    WHERE ({differ}){more} ORDER BY {", ".join(keys)} LIMIT :limit"""


def _days_astray(model: type[Figures]) -> str:
    listed = ", ".join([*_keys(model), *_sums(model)])
    rows = _day_rows(model, Scope.DAYS)
    return _beside(
        model,
        f"SELECT vendor_id, 'day' AS grain, day AS starts_on, {listed} FROM ({rows}) AS rows",
        f"SELECT f.vendor_id, f.grain, f.starts_on, {listed} FROM {model.__tablename__} f"
        f" JOIN {_DAYS} ON w.vendor_id = f.vendor_id AND w.day = f.starts_on"
        " WHERE f.grain = 'day'",
        " AND NOT EXISTS (SELECT FROM stale_days d WHERE d.vendor_id = coalesce(t.vendor_id,"
        " k.vendor_id) AND (d.day IS NULL OR d.day = coalesce(t.starts_on, k.starts_on)))",
    )


def _sums_astray(model: type[Figures]) -> str:
    table, keys = model.__tablename__, _keys(model)
    of_f = [f"f.{name}" for name in keys]
    summed = ", ".join([*of_f, *(f"sum(f.{name}) AS {name}" for name in _sums(model))])
    by = ", ".join(["w.vendor_id", "w.grain", "w.starts_on", *of_f])
    same = "f.vendor_id = w.vendor_id AND f.grain"
    return _beside(
        model,
        f"SELECT w.vendor_id, w.grain, w.starts_on, {summed} FROM {_spans(*_grains(model))} AS w"
        f" JOIN {table} f ON {same} = 'day' AND f.starts_on >= w.starts_on"
        f" AND f.starts_on < w.until GROUP BY {by}",
        f"SELECT f.* FROM {_spans(*_grains(model))} AS w JOIN {table} f ON {same} = w.grain"
        " AND f.starts_on = w.starts_on",
    )
