"""Segments and campaigns on screen: written, refused as typed, looked at, sent after a question."""

import html
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import time
from typing import Any
from urllib.parse import urlparse

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.database import begin
from app.errors import DomainError
from app.operations import segments
from app.operations.filters import Filters
from app.settings import settings
from app.tenancy import SYSTEM, acting, vendor_actor
from models.bulk import BulkRow
from models.campaigns import Campaign, CampaignRun
from models.coupons import Coupon
from models.customers import Customer
from models.messages import Message
from models.segments import Segment
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, analyst, manager, staff
from tests.admin_views.reading import text_of

VIP = {"match": "all", "of": [{"field": "tag", "has": "has", "texts": ["vip"]}]}
BROKEN = {"match": "any", "of": [*VIP["of"], {"field": "visits", "op": "at_least", "times": "x",
                                              "when": {"is": "ever"}}]}  # fmt: skip


@contextmanager
def at(vendor: int) -> Iterator[Session]:
    with acting(vendor_actor(vendor)), begin() as session:
        yield session


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[int]:
    """A vendor with Ana, who is tagged and wants offers, and Ben, who does not."""
    monkeypatch.setenv("SMTP_URL", f"file://{tmp_path}")
    monkeypatch.setenv("MAIL_FROM", "no-reply@backroom.example")
    monkeypatch.setenv("SECRET_KEY", "x" * 40)
    monkeypatch.setenv("PUBLIC_URL", "https://backroom.example")
    settings.cache_clear()
    number = make.new_vendor()
    with at(number) as session:
        tag = make.tag(session, name="vip")
        for name, granted in (("Ana Alves", True), ("Ben <b>Bo</b>", False)):
            one = make.customer(session, full_name=name, email=f"{name[:3].lower()}@example.com")
            make.customer_tag(session, customer=one, tag=tag)
            make.consent(session, customer=one, granted=granted)
        make.customer(session, full_name="Cleo")
    yield number
    settings.cache_clear()


def saved(vendor: int, name: str = "Friends") -> int:
    with at(vendor) as session:
        segment = segments.save(session, name=name, definition=VIP)
        segments.build(session, segment_id=segment.id)
        return segment.id


def editor_of(page: Any) -> dict[str, Any]:
    """What the page hands to its script."""
    found = re.search(r'data-segment="([^"]*)"', page.text)
    assert found is not None, page.text[:3000]
    return dict(json.loads(html.unescape(found[1])))


def form(rule: Any = VIP, name: str = "Friends", **more: str) -> dict[str, str]:
    typed = rule if isinstance(rule, str) else json.dumps(rule)
    return {"name": name, "definition": typed, "names": "{}", **more}


def test_a_segment_is_counted_while_it_is_written_then_kept(
    panel: PanelClient, vendor: int
) -> None:
    panel.as_(manager(vendor))
    assert "No segments yet" in text_of(panel.get("/admin/segment/list").text)
    page = panel.get("/admin/segment/create")
    assert set(editor_of(page)["fields"]) >= {"visits", "bought_service", "segment", "group"}
    told = panel.post("/admin/segment/look", data=form()).json()
    assert (told["count"], told["one"]) == ("2", False)
    assert told["said"] == "Is tagged “vip”"
    assert {c["title"] for c in told["customers"]} == {"Ana Alves", "Ben <b>Bo</b>"}
    wrong = panel.post("/admin/segment/look", data=form(BROKEN)).json()
    assert wrong["place"] == "of.1.times"
    done = panel.post("/admin/segment/create", data=form(name=" Friends "), follow_redirects=False)
    where = urlparse(done.headers["location"]).path
    number = int(where.rsplit("/", 1)[1])
    assert "being worked out" in text_of(panel.get(where).text)
    panel.post(f"/admin/segment/do/{number}/build")
    page = panel.get(where)
    assert "Is tagged “vip”" in text_of(page.text)
    assert "Ben <b>Bo</b>" not in page.text
    assert "Friends" in text_of(panel.get("/admin/segment/list").text)
    found = panel.get(f"/admin/customer/list?segment={number}")
    assert "Ana Alves" in found.text
    assert "Cleo" not in found.text


def test_a_rule_too_long_to_be_kept_stays_as_it_was_typed(panel: PanelClient, vendor: int) -> None:
    """Fifty cities in each of some conditions are more than is kept; nobody types them twice."""
    panel.as_(manager(vendor))
    cities = [f"{'Llanfairpwllgwyngyll' * 4} {n}" for n in range(50)]
    rule = {"match": "any", "of": [{"field": "city", "texts": cities}] * 8}
    called = {"service": {str(n): f"Cut {n} {'x' * 150}" for n in range(400)}}
    page = panel.post("/admin/segment/create", data=form(rule, names=json.dumps(called)))
    assert page.status_code == 400
    editor = editor_of(page)
    assert "too long" in editor["sentence"]
    assert (editor["rule"], editor["names"]) == (rule, called)


@pytest.mark.parametrize("levels", [60, 900, 950, 960, 970, 980, 990, 2000])
def test_a_rule_that_nests_beyond_measure_begins_anew(
    panel: PanelClient, vendor: int, levels: int
) -> None:
    panel.as_(manager(vendor))
    deep = '{"match": "all", "of": ' + "[" * levels + "]" * levels + "}"
    page = panel.post("/admin/segment/create", data=form(deep))
    assert page.status_code == 400
    assert editor_of(page)["rule"] == editor_of(panel.get("/admin/segment/create"))["rule"]


@pytest.mark.parametrize("days", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_leaves_the_editor_readable(
    panel: PanelClient, vendor: int, days: str
) -> None:
    """What a script reads is JSON, which knows no such number."""
    panel.as_(manager(vendor))
    typed = f'{{"match": "all", "of": [{{"field": "last_visit", "when": {{"days": {days}}}}}]}}'
    page = panel.post("/admin/segment/create", data=form(typed))
    assert page.status_code == 400
    found = re.search(r'data-segment="([^"]*)"', page.text)
    assert found is not None
    assert "Infinity" not in found[1]
    assert "NaN" not in found[1]


def test_of_two_who_rename_a_segment_at_once_the_second_is_told(
    panel: PanelClient, vendor: int
) -> None:
    panel.as_(manager(vendor))
    number = saved(vendor)
    address = f"/admin/segment/edit/{number}"
    hidden = r'name="(seen|was_called)" value="([^"]+)"'
    opened = dict(re.findall(hidden, panel.get(address).text))
    assert opened == {"seen": "1", "was_called": "Friends"}
    first = panel.post(address, data=form(name="Best", **opened), follow_redirects=False)
    assert first.status_code == 303
    second = panel.post(address, data=form(name="Old", **opened))
    assert second.status_code == 400
    assert "Somebody changed this meanwhile" in text_of(second.text)
    assert 'value="Old"' in second.text
    assert dict(re.findall(hidden, second.text)) == opened
    with at(vendor) as session:
        assert session.get_one(Segment, number).name == "Best"


def test_what_is_refused_stays_as_it_was_typed_with_the_sentence_at_its_place(
    panel: PanelClient, vendor: int
) -> None:
    panel.as_(manager(vendor))
    names = json.dumps({"service": {"7": "Cut"}})
    page = panel.post("/admin/segment/create", data=form(BROKEN, name="Mine", names=names))
    assert page.status_code == 400
    editor = editor_of(page)
    assert editor["rule"] == BROKEN
    assert editor["names"] == {"service": {"7": "Cut"}}
    assert (editor["place"], "write a number" in editor["sentence"]) == ("of.1.times", True)
    assert 'value="Mine"' in page.text
    for typed in ("", "{", "[" * 30_000, "null", '{"of": 7}', "\x00"):
        page = panel.post("/admin/segment/create", data=form(typed, names="[1"))
        assert page.status_code == 400, typed[:20]
        assert editor_of(page)["rule"]["of"]
    page = panel.post("/admin/segment/create", data=form(name=" \x00 "))
    assert "This segment has no name yet" in text_of(page.text)
    assert editor_of(page)["rule"] == VIP
    with at(vendor) as session:
        assert session.scalars(select(Segment)).all() == []


def test_an_old_page_changes_nothing(panel: PanelClient, vendor: int) -> None:
    number = saved(vendor)
    panel.as_(manager(vendor))
    none = {"match": "none", "of": VIP["of"]}
    panel.post(f"/admin/segment/edit/{number}", data=form(none, seen="1"))
    page = panel.post(f"/admin/segment/edit/{number}", data=form(seen="1"))
    assert page.status_code == 400
    assert "Somebody changed this meanwhile" in text_of(page.text)
    with at(vendor) as session:
        kept = session.get_one(Segment, number)
        assert (kept.version, kept.definition_json["match"]) == (2, "none")


PETS = {"field": "pets_owned", "times": 3}
UNREAD: dict[str, Any] = {
    "field": {"match": "all", "of": [PETS, *VIP["of"]]},
    "none of it": {"match": "none", "of": [PETS]},
    "match": {"match": "most", "of": VIP["of"]},
    "kinds": {"match": "all", "of": [
        {"field": "tag", "has": {"a": 1}, "texts": 5}, {"field": "group", "words": 7}, 7, None,
        {"field": "visits", "op": [], "times": {}, "when": "ever"}, {"field": "constructor"},
        {"match": ["x"], "of": 3}, {"match": "any", "of": {"a": 1}},
    ]},
    "list": [1, 2], "text": "nothing", "number": 7, "nothing": {}, "null": None,
}  # fmt: skip
"""Rules of a later or an earlier version, and what somebody wrote by hand."""


def put(number: int, rule: Any) -> None:
    with acting(SYSTEM), begin() as session:
        session.execute(
            text("UPDATE segments SET definition_json = CAST(:rule AS jsonb) WHERE id = :id"),
            {"rule": json.dumps(rule), "id": number},
        )


def is_drawn(node: Any, fields: dict[str, Any]) -> bool:
    """Whether the script draws it: groups with lists, conditions with parts of their kinds."""
    if "of" in node:
        whole = isinstance(node["of"], list) and isinstance(node["match"], str)
        return whole and all(is_drawn(one, fields) for one in node["of"])
    kinds = {"ids": list, "texts": list, "words": list, "when": dict}
    known = fields.get(node["field"], {"parts": []})["parts"]
    return (node["field"] == "" or node["field"] in fields) and all(
        isinstance(node[part["name"]], kinds.get(part["kind"], str | int | float))
        for part in known if part["name"] in node
    )  # fmt: skip


@pytest.mark.parametrize("rule", UNREAD.values(), ids=UNREAD)
def test_a_rule_that_cannot_be_read_any_more_is_opened_mended_and_removed(
    panel: PanelClient, vendor: int, rule: Any
) -> None:
    number, other = saved(vendor), saved(vendor, "Others")
    put(number, rule)
    panel.as_(manager(vendor))
    page = panel.get(f"/admin/segment/edit/{number}")
    assert page.status_code == 200
    assert "cannot be read any more" in text_of(page.text)
    editor = editor_of(page)
    assert is_drawn(editor["rule"], editor["fields"]), editor["rule"]
    if rule == UNREAD["field"]:
        assert "“pets_owned” is not known any more" in text_of(page.text)
        assert (editor["place"], editor["rule"]["of"][1:]) == ("of.0.field", VIP["of"])
    kept = panel.post(f"/admin/segment/edit/{number}", data=form(editor["rule"], seen="1"))
    assert kept.status_code == 400, "nothing is mended by itself"
    for path in ("list", f"details/{number}"):
        assert "cannot be read any more" in text_of(panel.get(f"/admin/segment/{path}").text)
    assert panel.get(f"/admin/segment/details/{number}?customer=1").status_code == 200
    assert panel.post(f"/admin/segment/remove/{other}", follow_redirects=False).status_code == 303
    done = panel.post(f"/admin/segment/edit/{number}", data=form(seen="1"), follow_redirects=False)
    assert done.status_code == 303
    put(number, rule)
    panel.post(f"/admin/segment/remove/{number}")
    with at(vendor) as session:
        assert session.scalars(select(Segment)).all() == []


@pytest.mark.parametrize("rule", UNREAD.values(), ids=UNREAD)
def test_nothing_is_done_by_a_rule_that_cannot_be_read(
    panel: PanelClient, vendor: int, rule: Any
) -> None:
    """By its own, nor by one that asks for it."""
    inner = saved(vendor)
    with at(vendor) as session:
        asks = {"match": "none", "of": [{"field": "segment", "in": "in", "ids": [inner]}]}
        outer = segments.save(session, name="Outer", definition=asks).id
        segments.build(session, segment_id=outer)
        template = make.message_template(session, event=None, purpose="marketing")
    put(inner, rule)
    panel.as_(manager(vendor))
    for number in (inner, outer):
        sent = {"all": "1", "fingerprint": Filters(segments=(number,)).fingerprint, "value": "x"}
        panel.post(f"/admin/customer/bulk/add_tag?segment={number}", data=sent)
        said = text_of(panel.get(f"/admin/customer/list?segment={number}").text)
        assert "cannot be read any more" in said
        with at(vendor) as session:
            assert session.scalars(select(BulkRow)).all() == []
            found = make.campaign(session, segment=session.get_one(Segment, number),
                                  template=template).id  # fmt: skip
        panel.post(f"/admin/campaign/do/{found}/look")
        said = text_of(panel.get(f"/admin/campaign/details/{found}").text)
        assert "cannot be read any more" in said
        panel.post(f"/admin/segment/do/{number}/build")
        assert "cannot be read any more" in text_of(
            panel.get(f"/admin/segment/details/{number}").text
        )
        with at(vendor) as session:
            assert session.scalars(select(CampaignRun)).all() == []
            for customer in session.scalars(select(Customer)).all():
                with pytest.raises(DomainError, match="cannot be read any more"):
                    segments.holds(session, segment_id=number, customer_id=customer.id)


def test_why_somebody_is_in_it_or_not(panel: PanelClient, vendor: int) -> None:
    number = saved(vendor)
    with at(vendor) as session:
        ids = {c.full_name: c.id for c in session.scalars(select(Customer))}
    panel.as_(manager(vendor))
    where = f"/admin/segment/details/{number}?customer="
    assert "Ana Alves is in this segment" in text_of(panel.get(f"{where}{ids['Ana Alves']}").text)
    assert "Cleo is not in this segment" in text_of(panel.get(f"{where}{ids['Cleo']}").text)
    for odd in ("x", "0", str(2**63), str(2**62), "1 OR 1"):
        assert "There is no such customer here" in text_of(panel.get(f"{where}{odd}").text)


def test_what_each_role_may(panel: PanelClient, vendor: int) -> None:
    number = saved(vendor)
    foreign = saved_elsewhere()
    panel.as_(staff(vendor))
    assert panel.get(f"/admin/segment/details/{number}").status_code == 200
    assert panel.get("/admin/segment/create").status_code == 403
    assert panel.post("/admin/segment/look", data=form()).status_code == 403
    panel.as_(analyst())
    for path in ("list", f"details/{number}", "create"):
        assert panel.get(f"/admin/segment/{path}").status_code == 403
    assert panel.post("/admin/segment/look", data=form()).status_code == 403
    panel.as_(manager(vendor))
    for path in (f"details/{foreign}", f"edit/{foreign}"):
        assert panel.get(f"/admin/segment/{path}").status_code == 404
    assert panel.post(f"/admin/segment/look?segment={foreign}", data=form()).status_code == 404
    assert panel.post(f"/admin/segment/do/{foreign}/build").status_code == 404
    assert panel.get("/admin/segment/find/passwords?term=a").status_code == 404
    panel.as_(admin())
    listed = text_of(panel.get("/admin/segment/list").text)
    assert "Friends" in listed
    done = panel.post("/admin/segment/create", data=form(name="Of all"), follow_redirects=False)
    assert done.status_code == 303
    with acting(SYSTEM), begin() as session:
        made = session.scalars(select(Segment).where(Segment.name == "Of all")).one()
        assert made.vendor_id is None
        number = made.id
    panel.post(f"/admin/segment/do/{number}/build")
    panel.post(f"/admin/segment/edit/{number}", data=form(name="Of everybody", seen="1"))
    with acting(SYSTEM), begin() as session:
        assert session.get_one(Segment, number).built_at is not None
        assert session.get_one(Segment, number).name == "Of everybody"
    assert "the marketplace" in text_of(panel.get("/admin/segment/list").text)


def saved_elsewhere() -> int:
    with at(make.new_vendor()) as session:
        return segments.save(session, name="Theirs", definition=VIP).id


def test_a_bulk_change_freezes_the_members(panel: PanelClient, vendor: int) -> None:
    number = saved(vendor)
    panel.as_(manager(vendor))
    sent = {"all": "1", "fingerprint": Filters(segments=(number,)).fingerprint, "value": "winter"}
    panel.post(f"/admin/customer/bulk/add_tag?segment={number}", data=sent)
    with at(vendor) as session:
        assert len(session.scalars(select(BulkRow)).all()) == 2


def test_a_campaign_is_looked_at_and_sent_after_a_question(panel: PanelClient, vendor: int) -> None:
    number = saved(vendor)
    with at(vendor) as session:
        template = make.message_template(session, event=None, purpose="marketing").id
        tied = make.message_template(session, event="birthday").id
    panel.as_(manager(vendor))
    sent = {"name": "Winter", "segment": str(number), "template": str(tied), "rhythm": "once"}
    assert panel.post("/admin/campaign/create", data=sent).status_code == 400
    done = panel.post(
        "/admin/campaign/create", data=sent | {"template": str(template)}, follow_redirects=False
    )
    where = urlparse(done.headers["location"]).path
    which = int(where.rsplit("/", 1)[1])
    page = panel.get(where)
    assert "Nothing has been sent" in text_of(page.text)
    assert "do-send" not in page.text
    panel.post(f"/admin/campaign/do/{which}/look")
    page = panel.get(where)
    assert "Send it to 1 customer?" in text_of(page.text)
    assert "The customer does not want messages of this kind" in text_of(page.text)
    with at(vendor) as session:
        run = session.scalars(select(CampaignRun)).one().id
    panel.post(f"/admin/campaign/do/{which}/send", data={"run": "x"})
    with at(vendor) as session:
        assert session.scalars(select(Message)).all() == []
    panel.post(f"/admin/campaign/do/{which}/send", data={"run": str(run)})
    with at(vendor) as session:
        assert [m.status for m in session.scalars(select(Message))] == ["queued"]
        assert session.get_one(Campaign, which).status == "done"
    assert "Sent off" in text_of(panel.get(where).text)
    assert panel.get(f"/admin/campaign/run/{run}").json()["finished"] is True
    assert panel.get(f"/admin/campaign/edit/{which}").status_code == 403
    panel.as_(staff(vendor))
    assert panel.post(f"/admin/campaign/do/{which}/look").status_code == 403
    panel.as_(manager(make.new_vendor()))
    assert panel.get(where).status_code == 404
    assert panel.get(f"/admin/campaign/run/{run}").status_code == 404


def test_a_campaign_that_cannot_go_out_again_says_why(panel: PanelClient, vendor: int) -> None:
    why = "Whom “<b>VIP</b>” means cannot be read any more: open the segment and mend its rule."
    runs = {"rhythm": "weekly", "status": "active", "next_at": make.NOON, "goes_at": time(12)}
    held = {"held_back": why, "told_at": make.NOON}
    with at(vendor) as session:
        found = [make.campaign(session, **runs, **more).id for more in ({}, held)]
    panel.as_(manager(vendor))
    pages = [panel.get(f"/admin/campaign/details/{number}").text for number in found]
    assert ["Did not go out" in text_of(page) for page in pages] == [False, True]
    assert html.escape(why) in pages[1]


def test_a_coupon_is_for_a_segment(panel: PanelClient, vendor: int) -> None:
    number, foreign = saved(vendor), saved_elsewhere()
    panel.as_(manager(vendor))
    sent = {
        "name": "Summer", "needs_code": "y", "code": "summer", "kind": "percent", "value": "10",
        "stacking": "combinable", "windows-count": "1", "cheaper-count": "1", "bought-count": "1",
        "is_active": "y",
    }  # fmt: skip
    page = panel.post("/admin/coupon/create", data=sent | {"segment": str(foreign)})
    assert page.status_code == 400
    done = panel.post(
        "/admin/coupon/create", data=sent | {"segment": str(number)}, follow_redirects=False
    )
    assert done.status_code == 303
    with at(vendor) as session:
        assert session.scalars(select(Coupon)).one().segment_id == number
    assert "Friends" in text_of(panel.get(urlparse(done.headers["location"]).path).text)
    panel.post(f"/admin/segment/remove/{number}")
    with at(vendor) as session:  # a coupon asks for it
        assert session.get(Segment, number) is not None
