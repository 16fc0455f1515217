"""Points at the counter and on an order's form: what a customer has, and what it buys."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin_views.loaders import record_id
from admin_views.loyalty import bought
from admin_views.points import held_by, to_go
from admin_views.rendering import number, plural
from app.operations import earning, loyalty, rewards
from models.customers import Customer
from models.loyalty import Reward

MOST = 50


def of_customer(session: Session, named: str) -> dict[str, Any]:
    """What somebody's points come to, and the rewards that they buy or are on the way to."""
    customer_id = record_id(named)
    customer = None if customer_id is None else session.get(Customer, customer_id)
    if customer is None:
        return {"said": "", "results": []}
    known = loyalty.standings(session, customer_id=customer.id)
    said = [_said(one) for one in known if one.program.is_active]
    found = rewards.offers(session, customer_id=customer.id, vendor_id=customer.vendor_id)
    return {"said": " · ".join(said), "results": [_offer(one) for one in found[:MOST]]}


def _said(standing: loyalty.Standing) -> str:
    """250 points, Silver, 40.00 more to Gold."""
    words = [plural(standing.points, "point"), held_by(standing.account)]
    if standing.way.next is not None:
        words.append(to_go(standing))
    return ", ".join(word for word in words if word)


def _offer(offer: rewards.Offer) -> dict[str, Any]:
    reward = offer.reward
    missing = f"{number(offer.missing)} missing" if offer.missing else ""
    return {
        "id": reward.id, "name": reward.name, "gives": bought(reward),
        "points": plural(reward.points, "point"), "cost": reward.points, "missing": missing,
    }  # fmt: skip


def named(session: Session, ids: tuple[int, ...]) -> list[dict[str, Any]]:
    """Rewards of a sale that was put aside, as a till keeps them."""
    found = {one.id: one for one in session.scalars(select(Reward).where(Reward.id.in_(ids)))}
    return [
        {"id": n, "name": found[n].name, "points": plural(found[n].points, "point")}
        for n in ids
        if n in found
    ]


def on_offer(session: Session, vendor_id: int | None) -> list[tuple[str, str]]:
    """The rewards of a vendor's running programmes, as an order's form offers them."""
    if vendor_id is None:
        return []
    programs = [one.id for one in earning.programs(session, vendor_id)]
    query = select(Reward).where(
        Reward.vendor_id == vendor_id, Reward.program_id.in_(programs), Reward.is_active
    )
    return [
        (str(one.id), f"{one.name}, {plural(one.points, 'point')}")
        for one in session.scalars(query.order_by(Reward.points, Reward.id).limit(MOST))
    ]
