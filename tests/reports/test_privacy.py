"""Few customers are not told, nor can they be told by what is missing to the whole."""

import pytest
from sqlalchemy import Connection, Integer, Text, column, values

from app.database import begin
from app.tenancy import Actor, acting, admin_actor, vendor_actor
from reports.privacy import without_few
from tests import make
from tests.reports.asked import ANALYST


def shown(actor: Actor, **groups: int) -> str:
    rows = values(column("name", Text), column("customers", Integer), name="those")
    with acting(actor), begin() as session:
        found = session.execute(without_few(rows.data(list(groups.items()))))
        return "".join(sorted(row.name for row in found))


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        ({"a": 20, "b": 8}, "ab"),
        ({"a": 20, "b": 8, "c": 3}, "a"),  # 31 of all, less 28: the three could be told
        ({"a": 20, "b": 8, "c": 3, "d": 1}, "a"),
        ({"a": 20, "b": 8, "c": 3, "d": 2}, "ab"),  # five together
        ({"a": 5, "b": 4}, ""),
        ({"a": 4}, ""),
        ({"a": 7, "b": 7, "c": 1}, "b"),
        ({"b": 7, "a": 7, "c": 1}, "b"),  # always the same: each by itself would tell the one
    ],
)
def test_few_are_left_out_and_cannot_be_told_by_taking_away(
    db: Connection, groups: dict[str, int], told: str
) -> None:
    for actor in (ANALYST, admin_actor()):
        assert shown(actor, **groups) == told


def test_a_vendor_knows_its_own(db: Connection) -> None:
    assert shown(vendor_actor(make.new_vendor()), a=20, b=8, c=3) == "abc"
