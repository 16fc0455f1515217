"""Figures of the whole marketplace: added up anew wherever a vendor's have changed, and proved.

Whoever works out a vendor's figures notes the days (`note`), in the same transaction; `freshen`
works that off, a little later. It holds the lock, takes the notes, and only then reads: figures
that were committed before are seen, those that come after have notes of their own.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import clock
from app.operations.places import Misplaced
from models.figures import SOLD, Figures
from models.market_figures import MarketFigures, MarketItemFigures, MarketStaffFigures

BATCH = 62
"""Days that are worked out in one transaction at most: two months."""

RECENT = 36
"""Days that are held against the vendors' figures every night."""


class Twin(NamedTuple):
    """A table of the marketplace, the vendors' one that it sums up, and which rows of that."""

    market: type[MarketFigures]
    of: type[Figures]
    those: str = "true"

    @property
    def base(self) -> str:
        """How long the time of a row is that is added up of the vendors' rows."""
        return self.market.grains[0]


THOSE: dict[type[MarketFigures], str] = {
    MarketStaffFigures: "f.staff_id <> 0",
    MarketItemFigures: f"f.kind IN {SOLD}",  # every kind there is: an index begins with them
}
TWINS = tuple(
    Twin(market, market.of, THOSE.get(market, "true")) for market in MarketFigures.__subclasses__()
)

_LOCK = 6_061_000_000_001
_TAKE = """
  WITH noted AS MATERIALIZED (
    SELECT day FROM stale_market_days GROUP BY day ORDER BY day DESC LIMIT :most
  ), gone AS (
    DELETE FROM stale_market_days d USING noted n WHERE d.day = n.day
  )
  SELECT day FROM noted
"""
_NOTE_VENDORS = " UNION ".join(
    f"SELECT f.starts_on FROM {twin.of.__tablename__} f"
    " WHERE f.vendor_id = ANY (CAST(:vendors AS bigint[])) AND f.grain = 'day'"
    for twin in TWINS if twin.base == "day"
)  # fmt: skip
"""Of all days that there are: who keeps months has no other ones."""


# --- what has changed ---------------------------------------------------------------------


def note(session: Session, *, days: Sequence[date]) -> None:
    """Let the marketplace's figures of these days be worked out anew, soon."""
    session.execute(
        text("INSERT INTO stale_market_days (day) SELECT DISTINCT unnest(CAST(:days AS date[]))"),
        {"days": list(days)},
    )


def note_all_of(session: Session, *, vendor_ids: Sequence[int]) -> None:
    """The same for every day of which there are figures of these vendors."""
    session.execute(
        text(f"INSERT INTO stale_market_days (day) {_NOTE_VENDORS}"), {"vendors": list(vendor_ids)}
    )


# --- worked out anew ----------------------------------------------------------------------


def freshen(session: Session, *, most: int = BATCH) -> int:
    """Add up `most` noted days of all vendors anew, the latest first; how many there were.

    For the marketplace. While somebody else is at it, it is left to them.
    """
    if not session.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}):
        return 0
    days = list(session.scalars(text(_TAKE), {"most": most}))
    if days:
        known = _known(days)
        for twin in TWINS:
            for statement in (_clear(twin), _put(twin), _sum_up(twin)):
                session.execute(text(statement), known)
    return len(days)


def _known(days: Sequence[date]) -> dict[str, Any]:
    """The days, and the months they lie in."""
    return {"days": list(days), "months": sorted({day.replace(day=1) for day in days})}


def rebuild(session: Session, *, only: Sequence[type[Figures]] | None = None) -> None:
    """Add up all days of all vendors; what was noted is settled.

    For the marketplace. Where `only` some of the vendors' tables are named, the others' sums and
    all notes stay.
    """
    session.flush()  # what is not yet written would not be seen
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    if only is None:
        session.execute(text("DELETE FROM stale_market_days"))
    for twin in TWINS:
        if only is None or twin.of in only:
            session.execute(text(f"DELETE FROM {twin.market.__tablename__}"))
            for statement in (_put_all(twin), _sum_up_all(twin)):
                session.execute(text(statement))


# --- how a table is written ---------------------------------------------------------------

_DAYS = "unnest(CAST(:days AS date[])) AS w (day)"
_LONG = {
    "day": "1 day", "week": "1 week", "month": "1 month", "quarter": "3 months", "year": "1 year",
}  # fmt: skip


def _spans(grains: Sequence[str]) -> str:
    """The weeks, months, quarters or years that days lie in, each with the day after it."""
    start = "date_trunc('{}', CAST(day AS timestamp))"  # a week begins on its Monday
    found = [
        f"SELECT DISTINCT '{grain}' AS grain, CAST({start.format(grain)} AS date) AS starts_on,"
        f" CAST({start.format(grain)} + interval '{_LONG[grain]}' AS date) AS until FROM {_DAYS}"
        for grain in grains
    ]
    return f"({' UNION ALL '.join(found)})"


def _keys(twin: Twin) -> list[str]:
    """What a table sums up by, besides the time."""
    return [column.name for column in twin.market.__table__.primary_key][2:]


def _sums(twin: Twin) -> list[str]:
    return [column.name for column in twin.market.__table__.c if not column.primary_key]


def _summed(twin: Twin) -> str:
    return ", ".join(f"sum(f.{name}) AS {name}" for name in _sums(twin))


def _into(twin: Twin) -> str:
    listed = ", ".join(["grain", "starts_on", *_keys(twin), *_sums(twin)])
    return f"INSERT INTO {twin.market.__tablename__} ({listed})"


def _clear(twin: Twin) -> str:
    return f"""
    DELETE FROM {twin.market.__tablename__} f USING {_spans(twin.market.grains)} AS w
    WHERE f.grain = w.grain AND f.starts_on = w.starts_on"""


def _of_vendors(twin: Twin) -> str:
    """Rows of days, or of their months, added up over all vendors."""
    by = ", ".join(["f.grain", "f.starts_on", *(f"f.{name}" for name in _keys(twin))])
    return (
        f"SELECT {by}, {_summed(twin)} FROM {twin.of.__tablename__} f WHERE f.grain = '{twin.base}'"
        f" AND f.starts_on = ANY (CAST(:{twin.base}s AS date[])) AND {twin.those} GROUP BY {by}"
    )


def _put(twin: Twin) -> str:
    return f"{_into(twin)} {_of_vendors(twin)}"


def _of_spans(twin: Twin) -> str:
    """Rows of the longer times in which days lie, added up from the marketplace's shortest."""
    keys = [f"f.{name}" for name in _keys(twin)]
    by = ", ".join(["w.grain", "w.starts_on", *keys])
    return (
        f"SELECT {by}, {_summed(twin)} FROM {_spans(twin.market.grains[1:])} AS w"
        f" JOIN {twin.market.__tablename__} f ON f.grain = '{twin.base}'"
        " AND f.starts_on >= w.starts_on AND f.starts_on < w.until"
        f" GROUP BY {by}"
    )


def _sum_up(twin: Twin) -> str:
    return f"{_into(twin)} {_of_spans(twin)}"


def _put_all(twin: Twin) -> str:
    by = ", ".join(["f.grain", "f.starts_on", *(f"f.{name}" for name in _keys(twin))])
    return (
        f"{_into(twin)} SELECT {by}, {_summed(twin)} FROM {twin.of.__tablename__} f"
        f" WHERE f.grain = '{twin.base}' AND {twin.those} GROUP BY {by} ORDER BY {by}"
    )


def _sum_up_all(twin: Twin) -> str:
    keys = [f"f.{name}" for name in _keys(twin)]
    by = ", ".join(["1", "2", *keys])
    longer = ", ".join(f"('{grain}')" for grain in twin.market.grains[1:])
    return (
        f"{_into(twin)} SELECT w.grain,"
        " CAST(date_trunc(w.grain, CAST(f.starts_on AS timestamp)) AS date),"
        f" {', '.join([*keys, _summed(twin)])} FROM {twin.market.__tablename__} f"
        f" CROSS JOIN (VALUES {longer}) AS w (grain) WHERE f.grain = '{twin.base}'"
        f" GROUP BY {by} ORDER BY {by}"
    )


# --- the proof ----------------------------------------------------------------------------


def recent() -> list[date]:
    """The last days of the marketplace, and tomorrow, which it is somewhere already."""
    tomorrow = clock.now().date() + timedelta(days=1)
    return [tomorrow - timedelta(days=n) for n in range(RECENT)]


def drift(session: Session, *, days: Sequence[date], limit: int = 1000) -> list[Misplaced]:
    """Every sum of these days, their weeks and months that is not that of all vendors' figures.

    Days that are noted are still to be worked out, and so are no drift. At most `limit` rows of
    each table.
    """
    session.flush()  # what is not yet written would look like drift
    known = _known(sorted(set(days))) | {"limit": limit}
    return [one for twin in TWINS for one in _astray(session, twin, known)] if days else []


def _astray(session: Session, twin: Twin, known: dict[str, Any]) -> list[Misplaced]:
    return [
        Misplaced(
            twin.market.__tablename__.replace("_", " "), int(f"{row['starts_on']:%Y%m%d}"),
            " ".join(str(row[word]) for word in ("grain", *_keys(twin))) + f" {name}",
            row[f"kept_{name}"], row[f"true_{name}"],
        )
        for statement in (_base_astray(twin), _spans_astray(twin))
        for row in session.execute(text(statement), known).mappings()
        for name in _sums(twin) if row[f"kept_{name}"] != row[f"true_{name}"]
    ]  # fmt: skip


def _beside(twin: Twin, true: str, kept: str, more: str = "") -> str:
    """The rows of which the sums differ, or that are on one side only."""
    key = ", ".join(["grain", "starts_on", *_keys(twin)])
    both = ", ".join(f"k.{name} AS kept_{name}, t.{name} AS true_{name}" for name in _sums(twin))
    differ = " OR ".join(f"k.{name} IS DISTINCT FROM t.{name}" for name in _sums(twin))
    return f"""
    SELECT {key}, {both} FROM ({true}) AS t FULL JOIN ({kept}) AS k USING ({key})
    WHERE ({differ}){more} ORDER BY {key} LIMIT :limit"""


def _base_astray(twin: Twin) -> str:
    lies_in = f"CAST(date_trunc('{twin.base}', CAST(d.day AS timestamp)) AS date)"
    return _beside(
        twin, _of_vendors(twin),
        f"SELECT f.* FROM {twin.market.__tablename__} f WHERE f.grain = '{twin.base}'"
        f" AND f.starts_on = ANY (CAST(:{twin.base}s AS date[]))",
        " AND NOT EXISTS (SELECT FROM stale_market_days d"
        f" WHERE {lies_in} = coalesce(t.starts_on, k.starts_on))",
    )  # fmt: skip


def _spans_astray(twin: Twin) -> str:
    return _beside(
        twin, _of_spans(twin),
        f"SELECT f.* FROM {_spans(twin.market.grains[1:])} AS w"
        f" JOIN {twin.market.__tablename__} f"
        " ON f.grain = w.grain AND f.starts_on = w.starts_on",
    )  # fmt: skip
