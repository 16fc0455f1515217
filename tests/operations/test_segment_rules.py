"""Rules of segments find whom a naive reading of the records finds; others are refused."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.database import begin
from app.operations import segment_sql, segment_words, segments
from app.operations.segment_fields import FIELDS, PARTS
from app.operations.segment_terms import Misread, read
from app.tenancy import acting, admin_actor, vendor_actor
from tests import make
from tests.chance import examples
from tests.operations.segment_world import (
    ACTIVE,
    TAGGED,
    Reading,
    World,
    asks_for,
    of_vendor,
    pools,
    world,
)

__all__ = ["world"]  # fixture


def whens(options: Any) -> st.SearchStrategy[Any]:
    days = st.integers(1, 60)

    def two(drawn: tuple[date, int]) -> dict[str, Any]:
        last = drawn[0] + timedelta(days=drawn[1])
        return {"is": "between", "from": drawn[0].isoformat(), "to": last.isoformat()}

    dated = st.tuples(st.dates(date(2026, 9, 1), date(2026, 11, 25)), st.integers(0, 40)).map(two)
    made = {
        "ever": st.just({"is": "ever"}), "never": st.just({"is": "never"}), "between": dated,
        "month": st.integers(1, 12).map(lambda m: {"is": "month", "month": m}),
    }  # fmt: skip
    with_days = {
        w: st.fixed_dictionaries({"is": st.just(w), "days": days})
        for w in ("last", "not_since", "next")
    }
    return st.one_of(*((made | with_days)[word] for word, _ in options))


def values_of(part: Any, pool: dict[str, list[Any]]) -> st.SearchStrategy[Any]:
    words = [word for word, _ in part.options]
    if part.kind == "choice":
        return st.sampled_from(words)
    if part.kind == "when":
        return whens(part.options)
    if part.kind == "whole" and part.high == 5:
        return st.integers(1, 5)
    if part.kind == "whole":
        return st.integers(0, 5) if part.name == "times" and part.title != "Points" else (
            st.sampled_from((0, 40, 41, 250)))  # fmt: skip
    if part.kind == "amount":
        return st.sampled_from(("0", "15", "20.00" if part.decimals == 2 else "20.0", "33.3", "60"))
    drawn = words or pool[part.lookup]
    some = st.lists(st.sampled_from(drawn), min_size=1, max_size=2)
    return st.none() | some if part.optional else some


def rules(world: World, fields: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    pool = pools(world)

    def one(name: str) -> st.SearchStrategy[dict[str, Any]]:
        parts = {part.name: values_of(part, pool) for part in PARTS[name]}
        return st.fixed_dictionaries({"field": st.just(name), **parts})

    term = st.sampled_from(fields).flatmap(one)
    match = st.sampled_from(("all", "any", "none"))

    def group(inner: Any) -> st.SearchStrategy[dict[str, Any]]:
        of = st.lists(inner, min_size=1, max_size=3)
        return st.fixed_dictionaries({"match": match, "of": of})

    return group(st.recursive(term, group, max_leaves=5))


ALONE = [name for name in FIELDS if name != "segment"]


def found_by(definition: Any, vendor_id: int | None) -> set[int]:
    with begin() as session:
        rule = segments.checked(session, definition, vendor_id=vendor_id)
        scope = segment_sql.scope_of(session, vendor_id, rule)
        return set(session.scalars(segment_sql.customers(rule, scope)))


@pytest.mark.parametrize("who", ["admin", "vendor"])
def test_every_rule_finds_whom_it_means(world: World, who: str) -> None:
    vendor_id = None if who == "admin" else world.vendors[0]
    actor = admin_actor() if who == "admin" else vendor_actor(world.vendors[0])
    mine = world if who == "admin" else of_vendor(world, world.vendors[0])

    @examples(30)
    @given(definition=rules(mine, ALONE))
    def check(definition: dict[str, Any]) -> None:
        rule = read(definition, PARTS)
        meant = Reading(world, vendor_id).finds(rule)
        with acting(actor):
            assert found_by(definition, vendor_id) == meant
            with begin() as session:
                one = next(c for c in mine.customers if not c.archived)
                scope = segment_sql.scope_of(session, vendor_id, rule)
                verdicts = segment_sql.verdicts(session, rule, scope, one.id)
                assert verdicts[""] is (one.id in meant)
                names = segment_words.names_of(session, rule)
                said = segment_words.summary(rule, names)
                assert (said and said[0].isupper()) or not said[0].isalpha()
        assert read(rule.kept(), PARTS) == rule

    check()


@pytest.mark.parametrize("field", ALONE)
def test_each_field_alone_finds_somebody_and_not_everybody(world: World, field: str) -> None:
    """No field whose rule were never or always true could pass the property by chance."""
    seen: set[frozenset[int]] = set()

    @examples(6)
    @given(definition=rules(of_vendor(world, world.vendors[0]), [field]))
    def check(definition: dict[str, Any]) -> None:
        with acting(vendor_actor(world.vendors[0])):
            found = found_by(definition, world.vendors[0])
        assert found == Reading(world, world.vendors[0]).finds(read(definition, PARTS))
        seen.add(frozenset(found))

    check()
    assert len(seen) > 1


def test_segments_that_ask_for_many_others_are_refused_before_they_cost_anything(
    world: World,
) -> None:
    with acting(vendor_actor(world.vendors[0])), begin() as session:
        with pytest.raises(Misread) as refused:
            pile(session, 10, lambda before: {"match": "any", "of": asks_for(before)["of"] * 10})
        assert refused.value.field == "of.2.ids"
        with pytest.raises(Misread) as refused:
            pile(session, 60, sunk)
        assert refused.value.field == "of.0.of.0.of.0.of.0.of.0.ids"


def pile(session: Any, high: int, rule: Any) -> None:
    """Segments that each ask for the one before, and are worked out."""
    last = segments.save(session, name=f"Pile {make.number()}", definition=ACTIVE).id
    for _ in range(high):
        name = f"Pile {make.number()}"
        last = segments.save(session, name=name, definition=rule(last)).id
        segments.build(session, segment_id=last)


def sunk(before: int) -> dict[str, Any]:
    """A rule that asks for a segment as deep inside as a rule can."""
    rule: dict[str, Any] = {"match": "all", "of": [*asks_for(before)["of"], *TAGGED]}
    for _ in range(4):
        rule = {"match": "none", "of": [rule, *TAGGED]}
    return rule


def nest(deep: int) -> dict[str, Any]:
    inner: dict[str, Any] = dict(ACTIVE)
    for _ in range(deep):
        inner = {"match": "all", "of": [inner]}
    return inner


BOUGHT = {"field": "visits", "op": "at_least", "times": 1, "when": {"is": "ever"}}
SPENT = {"field": "spent", "op": "at_least", "amount": "1", "what": "all", "when": {"is": "ever"}}
HOSTILE: list[tuple[Any, str]] = [
    ("", "of"), ("[" * 50_000, "of"), ("{", "of"), ("[]", "of"), ("null", "of"), (None, "of"),
    ({"match": "all", "of": []}, "of"), ({"match": "most", "of": []}, "match"),
    *(({"match": bad, "of": []}, "match") for bad in (["all"], {"all": 1}, None, 7)),
    ({"match": "all", "of": {}}, "of"), ({"match": "all", "of": [7]}, "of.0"),
    ({"match": "all", "of": [ACTIVE["of"][0]] * 41}, "of"), (nest(5), "of.0.of.0.of.0.of.0.of.0"),
    ({"match": "all", "of": [{"match": "any", "of": []}]}, "of.0"),
    ({"match": "all", "of": [{"field": "password"}]}, "of.0.field"),
    ({"match": "all", "of": [{"field": ["visits"]}]}, "of.0.field"),
    ({"match": "all", "of": [BOUGHT | {"sql": "1=1"}]}, "of.0"),
    ({"match": "all", "of": [{"field": "visits"}]}, "of.0.op"),
    *(({"match": "all", "of": [BOUGHT | {"times": bad}]}, "of.0.times")
      for bad in (float("nan"), float("inf"), 10**40, -1, "1.5", "x", True, [1], "1" * 9_000)),
    *(({"match": "all", "of": [SPENT | {"amount": bad}]}, "of.0.amount")
      for bad in ("NaN", "Infinity", "1e400", "-0.01", "0.001", "\0")),
    *(({"match": "all", "of": [BOUGHT | {"when": {"is": "last", "days": bad}}]}, "of.0.when.days")
      for bad in (0, 4_000, None, "x")),
    ({"match": "all", "of": [BOUGHT | {"when": {"is": "between", "from": "2026-05-02",
                                                "to": "2026-05-01"}}]}, "of.0.when.to"),
    ({"match": "all", "of": [BOUGHT | {"when": {"is": "between", "from": "9999-01-01",
                                                "to": "9999-01-02"}}]}, "of.0.when.from"),
    *(({"match": "all", "of": [BOUGHT | {"when": bad}]}, "of.0.when")
      for bad in ("ever", {"is": ["ever"]}, {"is": {}}, {"is": None}, [{"is": "ever"}])),
    ({"match": "all", "of": [{"field": "status", "words": ["gone"]}]}, "of.0.words"),
    *(({"match": "all", "of": [{"field": "tag", "has": "has", "texts": bad}]}, "of.0.texts")
      for bad in ([], ["\0"], ["\ud800"], ["x" * 101], [7], ["a"] * 51)),
    *(({"match": "all", "of": [{"field": "tier", "ids": bad}]}, "of.0.ids")
      for bad in ([2**63], [-1], [True], [1.5], ["x"], [list("1")], [str(10**60)], [999_999],
                  ["0" * 19 + "1" + "9" * 40])),
    ({"match": "all", "of": [{"field": "country", "texts": ["Portugal"]}]}, "of.0.texts"),
    *(({"match": "all", "of": [{"field": "city", "texts": bad}]}, "of.0.texts")
      for bad in ([" "], ["\u202e"])),
    (asks_for(2**62), "of.0.ids"),
]  # fmt: skip


def test_whatever_cannot_be_meant_is_refused_at_its_place(world: World) -> None:
    with acting(vendor_actor(world.vendors[0])), begin() as session:
        for definition, place in HOSTILE:
            with pytest.raises(Misread) as refused:
                segments.save(session, name="X", definition=definition)
            assert refused.value.field == place, definition
            assert str(refused.value).count(". ") == 0


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"field": "visits", "op": "at_least", "times": 0, "when": {"is": "ever"}},
         "Visited at least 0 times"),
        ({"field": "visits", "op": "at_least", "times": 1, "when": {"is": "ever"}}, "Visited"),
        ({"field": "spent", "op": "at_least", "amount": "-0", "what": "all",
          "when": {"is": "ever"}}, "Spent at least 0.00"),
    ],
)  # fmt: skip
def test_what_is_said_of_nothing_is_true(typed: dict[str, Any], said: str) -> None:
    """At least no visit is everybody, not those who visited."""
    rule = read({"match": "all", "of": [typed]}, PARTS)
    assert segment_words.summary(rule, lambda *_: "") == said


def test_while_it_is_written_it_is_counted_and_a_few_are_shown(world: World) -> None:
    meant = Reading(world, world.vendors[0]).finds(read(ACTIVE, PARTS))
    with acting(vendor_actor(world.vendors[0])), begin() as session:
        seen = segments.look(session, rule=read(ACTIVE, PARTS), vendor_id=world.vendors[0])
        assert str(seen.count) == str(len(meant))
        assert [c.id for c in seen.customers] == sorted(meant, reverse=True)[:10]


def test_where_an_exact_number_costs_too_much_it_is_capped_or_left_open(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    real = segments._within

    def slow(session: Any, patience: int, found: Any) -> Any:
        tries.append(patience)
        return real(session, patience, found) if len(tries) == 2 else None

    monkeypatch.setattr(segments, "_within", slow)
    monkeypatch.setattr(segments, "MOST_COUNTED", 3)
    with acting(vendor_actor(world.vendors[0])), begin() as session:
        rule = read(ACTIVE, PARTS)
        seen = segments.look(session, rule=rule, vendor_id=world.vendors[0])
        assert str(seen.count) == "3+"
        assert tries == [segments.QUICK_MS, segments.LONG_MS]
        assert segments.look(session, rule=rule, vendor_id=world.vendors[0]).count is None
