"""The list of customers by segment, group and first purchase, as reports and segments ask it."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import delete

from app.database import begin
from app.operations import matching, segments
from app.operations.filters import Filters
from app.tenancy import SYSTEM, acting, admin_actor, vendor_actor
from models.scores import CustomerScore
from models.vendors import Vendor
from tests import make
from tests.operations.segment_world import (
    ACTIVE,
    World,
    open_in,
    world,
)

__all__ = ["world"]  # fixture


def listed(**asked: Any) -> set[int]:
    """Whom the list shows, its pages and counts agreeing."""
    filters = Filters.from_query([(k, v) for k, several in asked.items() for v in several])
    with begin() as session:
        found = set(session.scalars(matching.matching(filters)))
        page = matching.page(session, filters, size=100)
        assert {row.id for row in page.rows} == found
        assert matching.count(session, filters, 1_000).number == len(found)
        for name in asked:
            matching.choices(session, filters, name)
    return found


def test_the_list_is_filtered_by_segment_group_and_first_purchase(world: World) -> None:
    home = world.vendors[0]
    alive = [c.id for c in world.customers if c.vendor_id == home and not c.archived]
    firsts = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 8), date(2026, 3, 9)]
    later = date(2026, 5, 4)
    with acting(admin_actor()), begin() as session:
        hair, food = make.category(session).id, make.category(session, kind="product").id
        cuts = make.category(session, parent_id=hair).id
    with acting(vendor_actor(home)):
        with begin() as session:
            session.execute(delete(CustomerScore))
            channels = ("online", "walk_in", "online", "phone")
            categories = (cuts, hair, food, 0)
            for number, first, channel, category in zip(
                alive, firsts, channels, categories, strict=False
            ):
                session.add(CustomerScore(
                    customer_id=number, vendor_id=home, first_on=first, last_on=later, days=2,
                    visits=2, orders=0, revenue=Decimal(10), first_channel=channel,
                    first_category_id=category, bought_on=[first, later],
                    bought_for=[Decimal(5)] * 2,
                    segment="at_risk" if number == alive[0] else "new",
                ))  # fmt: skip
            one = segments.save(session, name="Active", definition=ACTIVE)
            segments.build(session, segment_id=one.id)
            members, number = open_in(session, one.id), str(one.id)
            above, below, things = str(hair), str(cuts), str(food)
        assert listed(segment=[number]) == members
        assert listed(segment=[number], status=["inactive"]) == set()
        assert listed(group=["at_risk"]) == {alive[0]}
        assert listed(group=["at_risk", "new"]) == set(alive[:4])
        assert listed(cohort=["2026-03"]) == set(alive[1:4])
        assert listed(cohort=["2026-W10"]) == {alive[2]}  # 2 to 8 March
        assert listed(cohort=["2026-02", "2026-W11"]) == {alive[0], alive[3]}
        assert listed(first_channel=["online"]) == {alive[0], alive[2]}
        assert listed(first_channel=["phone", "online"], cohort=["2026-03"]) == set(alive[2:4])
        assert listed(first_category=[above]) == set(alive[:2])
        assert listed(first_category=[below, things]) == {alive[0], alive[2]}
        assert listed(first_category=[above], first_channel=["phone"]) == set()
        assert listed(first_category=["987654321"]) == set()
        assert listed(bought_from=["2026-03-02"], bought_to=["2026-03-09"]) == set(alive[2:4])
        assert listed(bought_from=["2026-03-10"], bought_to=["2026-05-03"]) == set()
        assert listed(bought_from=["2026-05-04"], cohort=["2026-03"]) == set(alive[1:4])
        assert listed(bought_to=["2026-02-28"]) == {alive[0]}
        assert listed(first_to=["2026-02-28"], bought_from=["2026-03-01"]) == {alive[0]}
        assert listed(first_from=["2026-03-01"], bought_from=["2026-03-01"]) == set(alive[1:4])
    with acting(vendor_actor(world.vendors[1])):
        assert listed(segment=[number]) == set()
    with acting(SYSTEM):
        assert listed(segment=[number]) == members
        assert listed(segment=[number], vendor=[str(world.vendors[1])]) == set()


def test_whoever_is_in_a_segment_of_the_marketplace_is_not_found_out_by_a_vendor(
    world: World,
) -> None:
    with acting(SYSTEM), begin() as session:
        market = segments.save(session, name="Everybody active", definition=ACTIVE)
        segments.build(session, segment_id=market.id)
        assert market.size
        number = str(market.id)
    with acting(vendor_actor(world.vendors[0])):
        assert listed(segment=[number]) == set()


def test_a_segment_of_the_marketplace_is_offered_by_its_name_alone(world: World) -> None:
    for actor in (vendor_actor(world.vendors[0]), SYSTEM):
        with acting(actor), begin() as session:
            number = segments.save(session, name="A", definition=ACTIVE).id
            segments.build(session, segment_id=number)
    with acting(SYSTEM), begin() as session:
        vendor = session.get_one(Vendor, world.vendors[0]).name
        offered = matching.choices(session, Filters(), "segment")
    assert {one.label for one in offered} == {"A", f"A · {vendor}"}
