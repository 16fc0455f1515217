"""What is to be expected of a customer and what to offer them, as the page says it."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from admin_views import customer_next
from app import clock
from models.words import InterestKind
from reports.customer_figures import Figures, Outlook, Revenue
from reports.suggestions import Again, Beside, Suggestion
from tests import make
from tests.admin_views.customer_house import at
from tests.furnished import db, house
from tests.webclient import Browser, House, application, settled

__all__ = ["db", "house"]  # fixtures

TODAY = make.NOON.date()
PAGE = "/admin/customer/details"
NOTHING = Decimal(0)


@pytest.fixture(scope="module", autouse=True)
def outside_the_demo() -> Iterator[None]:
    with settled():
        yield


@pytest.fixture
def browser(house: House) -> Browser:
    return Browser(application())


def figures(outlook: Outlook, **known: Any) -> Figures:
    revenue = Revenue(NOTHING, NOTHING, NOTHING, NOTHING, None, NOTHING)
    empty: dict[str, Any] = dict.fromkeys(Figures.__slots__)
    return Figures(**empty | {"revenue": revenue, "outlook": outlook} | known)


def outlook(**known: Any) -> Outlook:
    return Outlook(**dict.fromkeys(Outlook.__slots__) | known)


KNOWN = {
    "next_on": date(2026, 12, 3), "every_days": 30, "segment": "loyal", "chance": Decimal("0.72"),
    "purchases": Decimal("4.6"), "value": Decimal("310.00"), "worth": Decimal("61.5"),
    "as_of": TODAY,
}  # fmt: skip


def test_the_outlook_is_said_in_words() -> None:
    with clock.stopped_at(make.NOON):
        said = customer_next.card(figures(outlook(**KNOWN), last_visit_at=make.NOON))
        assert said is not None
        assert said["rows"] == [
            ("Group", "Loyal: buys often"), ("Return", "likely, 72 %"),
            ("Next visit", "about 3 Dec"), ("Worth", "about 61.50 each time"),
            ("In a year", "about 5 purchases, 310.00"),
        ]  # fmt: skip
        assert said["hint"].endswith("; as of 20 Nov.")
        came = figures(outlook(**KNOWN), last_visit_at=make.NOON + timedelta(days=1))
        assert customer_next.card(came)["hint"].endswith("and what came after it tonight.")  # type: ignore[index]
        late = figures(outlook(next_on=date(2026, 11, 10), every_days=1))
        assert customer_next.card(late)["rows"] == [("Next visit", "was due 10 Nov, 10 days ago")]  # type: ignore[index]
        assert customer_next.card(figures(outlook())) is None


def test_the_next_visit_is_expected_where_none_is_booked() -> None:
    with clock.stopped_at(make.NOON):
        free = figures(outlook(**KNOWN))
        assert customer_next.expected(free) == ("about 3 Dec", "not booked · every 30 days")
        late = figures(outlook(**KNOWN | {"next_on": date(2026, 11, 19), "every_days": 1}))
        assert customer_next.expected(late) == ("none", "was due 19 Nov · every day")
        booked = figures(outlook(**KNOWN), next_visit_at=make.NOON)
        assert customer_next.expected(booked) is None
        assert customer_next.expected(figures(outlook())) is None


@pytest.mark.parametrize(
    ("share", "said"),
    [("0", "very unlikely, 0 %"), ("0.004", "very unlikely, under 1 %"), ("0.1", "unlikely, 10 %"),
     ("0.35", "uncertain, 35 %"), ("0.65", "likely, 65 %"), ("0.9", "very likely, 90 %"),
     ("0.999", "very likely, over 99 %"), ("1", "very likely, 100 %")],
)  # fmt: skip
def test_a_chance_has_a_word_and_a_number(share: str, said: str) -> None:
    assert customer_next.likely(Decimal(share)) == said


def test_each_reason_is_one_sentence() -> None:
    whys = {
        Again(date(2026, 10, 12), 30, date(2026, 11, 11), lasts=False):
            "Every 30 days, last on 12 Oct: was due on 11 Nov.",
        Again(date(2026, 10, 24), 30, date(2026, 11, 23), lasts=False):
            "Every 30 days, last on 24 Oct: due on 23 Nov.",
        Again(date(2026, 10, 12), 30, date(2026, 11, 11), lasts=True):
            "What they bought on 12 Oct lasts 30 days: used up since 11 Nov.",
        Beside("Full groom", Decimal("0.384"), Decimal("0.12")):
            "38 % of customers with Full groom have it too, of all customers 12 %.",
    }  # fmt: skip
    with clock.stopped_at(make.NOON):
        for why, said in whys.items():
            one = Suggestion(InterestKind.PRODUCT, 1, "Balm", why)
            assert customer_next.reason(one) == said


def test_the_page_offers_what_is_due_and_what_fits(browser: Browser, house: House) -> None:
    today = clock.now().date()
    with at(house) as session:
        noor = make.customer(session, full_name="Noor")
        groom = make.service(session, name="Groom <b>")
        made = make.product(session, name="Balm")
        make.usage(session, customer=noor, kind="appointment", item_id=groom.id, next_on=today)
        make.interest(session, customer=noor, item_id=groom.id)
        make.item_pair(session, item_id=groom.id, next_id=made.id)
        make.score(session, customer=noor, segment="cant_lose", p_alive=Decimal("0.2"))
        number, service, variant = noor.id, groom.id, made.variants[0].id
    browser.as_("staff@alpha.example")
    page = browser.get(f"{PAGE}/{number}").text
    assert "Groom &lt;b&gt;: due again" in page
    assert f'href="/admin/booking/create?customer={number}&amp;service={service}"' in page
    assert "40 % of customers with Groom &lt;b&gt; have it too, of all customers 10 %." in page
    assert "Not to be lost: was one of the best, and stays away" in page
    assert "unlikely, 20 %" in page
    url = f"/admin/order/create?customer={number}&item=product:{variant}"
    assert f'href="{url.replace("&", "&amp;")}" aria-label="Add to order: Balm"' in page
    form = browser.get(url).text
    assert f'value="product:{variant}"' in form
    assert 'value="10.00"' in form
    form = browser.get(f"/admin/booking/create?customer={number}&service={service}").text
    assert f'value="{service}"' in form
    for hostile in ("product:", "product:0", "nothing:1", "fee:", "product:9" * 9, "::"):
        assert (
            browser.get(f"/admin/order/create?customer={number}&item={hostile}").status_code == 200
        )
    with at(house) as session:
        session.get(type(noor), number).archived_at = clock.now()
    gone = browser.get(f"{PAGE}/{number}").text
    assert "due again" not in gone
    assert "Likely next" not in gone
