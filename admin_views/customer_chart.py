"""What a customer brought month by month, as the shapes of a small chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor, log10
from typing import Any

from babel.dates import format_date

from admin_views.rendering import money, number
from app.settings import settings
from reports.customer_months import Month

LEFT, STEP, BAR, WIDTH = 30.0, 21.6, 13, 288
TOP, GROUND, HEIGHT = 12, 80, 96
GAP = 1


@dataclass(frozen=True, slots=True)
class Bar:
    """One colour of a month's column: its class, and where it stands."""

    look: str
    y: float
    height: float


def spend(months: Sequence[Month]) -> dict[str, Any] | None:
    """The chart of the last months, the present one pale; None when nothing was bought."""
    top = max((m.services + m.products for m in months), default=Decimal(0))
    if top <= 0:
        return None
    services, products = (sum(column) for column in zip(*_pairs(months), strict=True))
    step = _step(float(top) / 2)
    rows = ceil(float(top) / step)
    sums = f"services {money(services)}, products {money(products)} {settings().currency}"
    return {
        "label": f"Revenue a month, {_month(months[0])} to {_month(months[-1])}: {sums}",
        "sums": (("k1", f"Services {money(services)}"), ("k2", f"Products {money(products)}")),
        "width": WIDTH, "height": HEIGHT, "left": LEFT - 6, "ground": GROUND, "bar": BAR,
        "grid": [(_y(n * step, rows * step), number(round(n * step, 2))) for n in range(rows + 1)],
        "months": [
            {
                "x": round(LEFT + STEP * n, 1), "middle": round(LEFT + STEP * n + BAR / 2, 1),
                "letter": format_date(m.first, "MMMMM", locale=settings().locale),
                "title": f"{_month(m)}: services {money(m.services)},"
                f" products {money(m.products)}",
                "partial": n == len(months) - 1,
                "bars": _bars(m, rows * step),
            }
            for n, m in enumerate(months)
        ],
    }  # fmt: skip


def _pairs(months: Sequence[Month]) -> list[tuple[Decimal, Decimal]]:
    return [(m.services, m.products) for m in months]


def _month(month: Month) -> str:
    return format_date(month.first, "LLLL y", locale=settings().locale)


def _step(least: float) -> float:
    """The next of 1, 2, 2.5 and 5 with as many zeros as it needs."""
    unit = 10.0 ** floor(log10(least))
    return next(unit * n for n in (1, 2, 2.5, 5, 10) if unit * n >= least - 1e-9)


def _y(value: float, top: float) -> float:
    return round(GROUND - value / top * (GROUND - TOP), 1)


def _bars(month: Month, top: float) -> list[Bar]:
    """Services on the ground, products above them."""
    bars, floor_at = [], float(GROUND)
    for look, value in (("c1", month.services), ("c2", month.products)):
        if value <= 0:
            continue
        height = max(1.0, round(float(value) / top * (GROUND - TOP), 1))
        bars.append(Bar(look, round(floor_at - height, 1), height))
        floor_at -= height + GAP
    return bars
