"""Segments kept and worked out: who came and went, versions, circles, and what is removed."""

import random
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import or_, select, update

from app import clock
from app.database import begin
from app.errors import ChangedMeanwhile, DomainError
from app.operations import forgetting, matching, segment_sql, segment_words, segments
from app.operations.filters import Filters
from app.operations.segment_terms import Misread
from app.tenancy import SYSTEM, acting, vendor_actor
from models.customers import Customer
from models.outbox import OutboxMessage
from models.segments import Segment, SegmentDay, SegmentMembership
from tasks import segments as tasks
from tests import make
from tests.operations.segment_world import (
    ACTIVE,
    NOW,
    World,
    asks_for,
    of_vendor,
    open_in,
    pools,
    world,
)

__all__ = ["world"]  # fixture


def was_in(session: Any, segment_id: int, at: datetime) -> set[int]:
    member = SegmentMembership
    found = select(member.customer_id).where(
        member.segment_id == segment_id, member.entered_at <= at,
        or_(member.exited_at.is_(None), member.exited_at > at),
    )  # fmt: skip
    return set(session.scalars(found))


def test_a_snapshot_is_the_rule_at_its_moment_and_its_history_replays(world: World) -> None:
    mine = [c.id for c in world.customers if c.vendor_id == world.vendors[0] and not c.archived]
    rng, told = random.Random(3), {}
    with acting(vendor_actor(world.vendors[0])):
        with begin() as session:
            number = segments.save(session, name="Active", definition=ACTIVE).id
        for hour in range(6):
            at = NOW + timedelta(hours=hour * 9)
            with clock.stopped_at(at), begin() as session:
                changed = rng.sample(mine, 6)
                status = rng.choice(("active", "inactive"))
                session.execute(update(Customer).where(Customer.id.in_(changed)).values(
                    status=status, archived_at=at if rng.random() < 0.3 else None))  # fmt: skip
                built = segments.build(session, segment_id=number)
                assert built is not None
                assert built.built_at == at
                found, _ = segments.live(session, built)
                told[at] = set(session.scalars(found))
                assert open_in(session, number) == told[at]
                assert built.size == len(told[at])
        with begin() as session:
            for at, were in told.items():
                assert was_in(session, number, at) == were
                between = at + timedelta(minutes=5)
                assert was_in(session, number, between) == were
            days = session.scalars(select(SegmentDay).order_by(SegmentDay.day)).all()
            size = 0
            for day in days:
                size += day.entered - day.exited
                assert day.size == size
            assert len({frozenset(were) for were in told.values()}) > 2
            assert 1 < len(days) < 6


@pytest.mark.parametrize("of", ["vendor", "everybody"])
def test_whoever_was_in_a_segment_that_is_removed_goes_behind(
    world: World, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    actor = vendor_actor(world.vendors[0]) if of == "vendor" else SYSTEM
    monkeypatch.setattr(segments, "BATCH", 4)
    with acting(actor), begin() as session:
        gone, kept = (segments.save(session, name=n, definition=ACTIVE).id for n in ("A", "B"))
        for number in (gone, kept):
            segments.build(session, segment_id=number)
        size = len(open_in(session, kept))
        assert tasks.clear.run(segment_id=kept) == 0, "it is here"
        segments.remove(session, segment_id=gone)
    with acting(actor), begin() as session:
        assert session.get(Segment, gone) is None
        assert len(open_in(session, gone)) == size, "nobody waits for them"
        assert session.scalars(matching.matching(Filters(segments=(gone,)))).all() == []
        promised = select(OutboxMessage.payload).where(OutboxMessage.task == segments.CLEAR)
        assert [one["segment_id"] for one in session.scalars(promised)] == [gone]
        assert segments.build(session, segment_id=gone) is None
        segments.save(session, name="A", definition=ACTIVE)
    with acting(actor):
        assert (tasks.clear.run(segment_id=gone), tasks.clear.run(segment_id=gone)) == (size, 0)
        assert size > segments.BATCH
        with begin() as session:
            assert (open_in(session, gone), len(open_in(session, kept))) == (set(), size)
            days = select(SegmentDay.id).where(SegmentDay.segment_id == gone)
            assert session.scalars(days).all() == []


def test_a_change_makes_a_version_and_an_old_page_cannot_undo_it(world: World) -> None:
    with acting(vendor_actor(world.vendors[0])), begin() as session:
        one = segments.save(session, name=" Active\x00 ones ", definition=ACTIVE)
        assert (one.name, one.version) == ("Active ones", 1)
        segments.save(session, segment_id=one.id, name="Same", definition=ACTIVE, seen=1)
        assert one.version == 1
        other = {"match": "none", "of": ACTIVE["of"]}
        segments.save(session, segment_id=one.id, name="Same", definition=other, seen=1)
        assert one.version == 2
        with pytest.raises(ChangedMeanwhile):
            segments.save(session, segment_id=one.id, name="Same", definition=ACTIVE, seen=1)
        names = segment_words.names_of(session, segments.rule_of(one))
        assert segment_words.summary(segments.rule_of(one), names) == "Not (is active)"


def test_segments_in_segments_are_worked_out_and_never_in_a_circle(world: World) -> None:
    with acting(vendor_actor(world.vendors[0])), begin() as session:
        a = segments.save(session, name="A", definition=ACTIVE)
        b = segments.save(session, name="B", definition=asks_for(a.id, how="not_in"))
        c = segments.save(session, name="C", definition=asks_for(a.id, b.id))
        found = {
            one.name: set(session.scalars(segments.live(session, one)[0])) for one in (a, b, c)
        }
        assert not found["A"] & found["B"]
        assert found["A"] | found["B"] == found["C"]
        with pytest.raises(segment_sql.Circle) as refused:
            segments.save(session, segment_id=a.id, name="A", definition=asks_for(c.id))
        assert refused.value.field == "of.0.ids"
        with pytest.raises(segment_sql.Circle):
            segments.save(session, segment_id=a.id, name="A", definition=asks_for(a.id))
        with pytest.raises(segments.SegmentAskedFor):
            segments.remove(session, segment_id=a.id)
        segments.remove(session, segment_id=c.id)
        one = next(iter(found["A"]))
        assert segments.holds(session, segment_id=a.id, customer_id=one)
        assert not segments.holds(session, segment_id=b.id, customer_id=one)


def test_another_vendors_things_and_segments_are_not_here(world: World) -> None:
    theirs = of_vendor(world, world.vendors[1])
    with acting(vendor_actor(world.vendors[1])), begin() as session:
        foreign = segments.save(session, name="Theirs", definition=ACTIVE).id
        segments.build(session, segment_id=foreign)
    with acting(SYSTEM), begin() as session:
        market = segments.save(session, name="Everybody active", definition=ACTIVE)
        segments.build(session, segment_id=market.id)
        assert {m.vendor_id for m in session.scalars(select(SegmentMembership))} == {*world.vendors}
        with pytest.raises(Misread):
            segments.save(session, name="X", definition=asks_for(foreign))
        market_id = market.id
    pool = pools(theirs)
    asked = [{"field": "bought_service", "op": "at_least", "times": 1, "when": {"is": "ever"},
              "ids": pool["service"][:1]},
             {"field": "tier", "ids": pool["tier"]},
             {"field": "membership", "held": "holds", "ids": pool["plan"]}]  # fmt: skip
    with acting(vendor_actor(world.vendors[0])), begin() as session:
        for term in asked:
            with pytest.raises(Misread) as refused:
                segments.save(session, name="X", definition={"match": "all", "of": [term]})
            assert refused.value.field == "of.0.ids"
        for number in (foreign, market_id):
            assert session.get(Segment, number) is None
            with pytest.raises(Misread):
                segments.save(session, name="X", definition=asks_for(number))
            with pytest.raises(DomainError):
                segments.remove(session, segment_id=number)


def test_forgetting_somebody_leaves_no_trace_in_segments(world: World) -> None:
    with acting(vendor_actor(world.vendors[0])), begin() as session:
        one = segments.save(session, name="Active", definition=ACTIVE)
        segments.build(session, segment_id=one.id)
        who = next(iter(open_in(session, one.id)))
        forgetting.forget(session, customer_id=who)
        left = select(SegmentMembership.id).where(SegmentMembership.customer_id == who)
        assert session.scalars(left).first() is None
        segments.build(session, segment_id=one.id)
        assert who not in open_in(session, one.id)


def asking(*numbers: int) -> dict[str, Any]:
    """The rule of those who are in one of these segments."""
    return {"match": "all", "of": [{"field": "segment", "in": "in", "ids": [*numbers]}]}


@pytest.mark.parametrize("second", ["asks back", "is removed"])
def test_two_at_once_make_no_circle_and_remove_nothing_that_is_asked_for(
    fresh_database: str, second: str
) -> None:
    vendor = vendor_actor(make.new_vendor())
    with acting(vendor), begin() as session:
        one, other = (
            segments.save(session, name=name, definition=ACTIVE).id for name in ("One", "Other")
        )
    found: list[str] = []

    def meanwhile() -> None:
        try:
            with acting(vendor), begin() as session:
                if second == "is removed":
                    segments.remove(session, segment_id=other)
                else:
                    segments.save(session, name="Other", definition=asking(one), segment_id=other)
        except DomainError as refusal:
            found.append(type(refusal).__name__)

    thread = threading.Thread(target=meanwhile)
    with acting(vendor), begin() as session:
        segments.save(session, name="One", definition=asking(other), segment_id=one)
        thread.start()
        thread.join(0.5)  # it waits, or is done before anybody could know
    thread.join()
    assert found == ["SegmentAskedFor" if second == "is removed" else "Circle"]
