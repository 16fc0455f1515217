"""The models: published figures, closed forms, and customers drawn with parameters we know."""

import csv
import math
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.operations import score_fitting, scores
from app.operations.scores import Purchases, Spending

CDNOW = Path(__file__).parents[2].parent / "shared" / "data" / "retail" / "cdnow"
PUBLISHED = Purchases(r=0.2425982, alpha=4.4136842, a=0.7929899, b=2.4261667)
"""BG/NBD of the CDNOW sample as the walk-through of the R package BTYD prints it."""
PUBLISHED_SPENDING = Spending(p=6.25, q=3.74, v=15.44)
"""Gamma-Gamma of the same: Fader and Hardie, note 025."""


def read_cdnow() -> Iterator[tuple[str, date, float]]:
    """Customer, day and money of each purchase in the sample of 2,357 customers."""
    for line in (CDNOW / "CDNOW_sample.txt").read_text().splitlines():
        _, customer, day, _, money = line.split()
        yield customer, date(int(day[:4]), int(day[4:6]), int(day[6:])), float(money)


@pytest.fixture(scope="module")
def cdnow() -> dict[str, Any]:
    """The calibration weeks, 1 January to 30 September 1997, and who bought how often after."""
    if not CDNOW.exists():
        pytest.skip("The CDNOW sample is not here (its licence is for trying, not for passing on).")
    last = date(1997, 9, 30)
    days: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    after: dict[str, set[date]] = defaultdict(set)
    for customer, day, money in read_cdnow():
        if day <= last:
            days[customer][day] += money
        else:
            after[customer].add(day)
    found: dict[str, list[float]] = defaultdict(list)
    for customer, bought in days.items():
        first, *again = sorted(bought)
        found["x"].append(len(again))
        found["t_x"].append(((again or [first])[-1] - first).days / 7)
        found["age"].append((last - first).days / 7)
        found["mean"].append(sum(bought[day] for day in again) / max(len(again), 1))
        found["after"].append(len(after[customer]))
    return {name: np.array(column) for name, column in found.items()}


def test_cdnow_to_the_printed_digits(cdnow: dict[str, Any]) -> None:
    """Marketing Science 24(2): 0.243, 4.414, 0.793, 2.426, -9582.4; JMR 42: 6.25, 3.74, 15.44."""
    assert (len(cdnow["x"]), int((cdnow["x"] == 0).sum()), int(cdnow["x"].sum())) == (
        2357, 1411, 2457,
    )  # fmt: skip
    model = score_fitting.fit_purchases(score_fitting.tally(cdnow["x"], cdnow["t_x"], cdnow["age"]))
    assert [f"{n:.3f}" for n in (model.r, model.alpha, model.a, model.b)] == [
        "0.243", "4.414", "0.793", "2.426",
    ]  # fmt: skip
    assert f"{model.log_likelihood:.3f}" == "-9582.429"
    spending = score_fitting.fit_spending(cdnow["x"], cdnow["mean"])
    assert [f"{n:.2f}" for n in (spending.p, spending.q, spending.v)] == ["6.25", "3.74", "15.44"]
    assert spending.customers == 946
    of = (cdnow["x"], cdnow["t_x"], cdnow["age"])
    after = scores.expected(model, *of, 39)
    often = np.minimum(cdnow["x"], 7)
    by_often = [
        (int((often == n).sum()), f"{cdnow['after'][often == n].mean():.3f}",
         f"{after[often == n].mean():.3f}")
        for n in range(8)
    ]  # fmt: skip
    assert by_often == [
        (1411, "0.237", "0.225"), (439, "0.697", "0.523"), (214, "1.393", "1.044"),
        (100, "1.560", "1.520"), (62, "2.532", "2.164"), (38, "2.947", "2.654"),
        (29, "3.862", "3.504"), (64, "6.359", "6.157"),
    ]  # fmt: skip


def test_published_figures_of_single_customers() -> None:
    """BTYD: a new customer buys 1.444004 times in 52 weeks; one with 26 purchases 25.7566 times."""
    assert scores.expected(PUBLISHED, 0, 0, 0, 52) == pytest.approx(1.444004, abs=1e-6)
    loyal = (26, 216 / 7, 31)
    assert scores.expected(PUBLISHED, *loyal, 52) == pytest.approx(25.75659, rel=3e-6)
    assert scores.p_alive(PUBLISHED, *loyal) == pytest.approx(0.9688523, abs=2e-7)


def test_spending_of_who_never_came_back_is_what_everybody_spends() -> None:
    """Note 025's spreadsheet: 35.17 with its unrounded parameters, within its own tolerance."""
    assert scores.expected_spend(PUBLISHED_SPENDING, 0, 0) == pytest.approx(35.17, abs=0.1)
    assert scores.expected_spend(PUBLISHED_SPENDING, 2, 22.35) == pytest.approx(24.65, abs=0.1)
    assert scores.expected_spend(PUBLISHED_SPENDING, 10**6, 80.0) == pytest.approx(80, rel=1e-5)


def test_spending_expected_of_the_first_ten_customers(cdnow: dict[str, Any]) -> None:
    """The figures of note 025's spreadsheet as the package lifetimes prints them, within 0.1."""
    spending = score_fitting.fit_spending(cdnow["x"], cdnow["mean"])
    with (CDNOW / "cdnow_customers_summary_with_transactions.csv").open() as file:
        first = [next(rows) for rows in [csv.DictReader(file)] for _ in range(10)]
    x = np.array([float(row["x"]) for row in first])
    mean = np.array([float(row["zbar"]) for row in first])
    assert x.tolist() == cdnow["x"][:10].tolist()
    assert mean == pytest.approx(cdnow["mean"][:10], abs=0.01)
    assert scores.expected_spend(spending, x, mean) == pytest.approx(
        np.array([24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]), abs=0.1
    )


WORLDS = [
    PUBLISHED,
    Purchases(1.0, 10.0, 1.0, 1.0),  # a = 1, where the textbook divides by zero
    Purchases(2.0, 8.0, 0.3, 0.4),  # a + b < 1, where it does so too
    Purchases(0.5, 6.0, 1.3, 3.0),
    Purchases(5.0, 20.0, 0.001, 50.0),
    Purchases(60.0, 300.0, 0.7, 2.0),
]


@pytest.mark.parametrize("model", WORLDS, ids=str)
def test_two_ways_to_work_it_out_agree(model: Purchases) -> None:
    """The series of the paper, transformed, and the mean over the chance of leaving."""
    x = np.array([0, 0, 1, 3, 26, 300, 5000.0])
    age, weeks = np.array([0, 10, 3, 30, 31, 104, 520.0]), np.array([52.0])
    series = scores._expected_alive(model, x, age, weeks)
    assert np.isfinite(series).all()
    assert series == pytest.approx(scores._by_quadrature(model, x, age, weeks), rel=1e-9)


@pytest.mark.parametrize("model", WORLDS, ids=str)
def test_more_time_is_more_purchases_and_none_is_none(model: Purchases) -> None:
    weeks = np.linspace(0, 520, 40)
    for x, age in ((0, 0), (0, 40), (5, 60), (400, 100)):
        found = scores.expected_alive(model, x, age, weeks)
        assert found[0] == pytest.approx(0, abs=1e-12)
        assert (np.diff(found) > 0).all()


def test_parameters_as_large_as_they_get_break_nothing() -> None:
    """Chances of leaving that are all but the same: 0.2; the rate is 0.2/0.51 a week."""
    model = Purchases(0.2, 0.01, 50_000, 200_000)
    found = scores.expected(model, 0, 0, 0.5, 520)
    assert found == pytest.approx(5 * (1 - (1 + 0.2 * 520 / 0.51) ** -0.2), rel=1e-3)


ALIKE = {
    "all came yesterday and today": (1, 1 / 7, 1 / 7),
    "all come each week": (52, 52, 365 / 7),
    "all come each day for years": (3650, 521, 3650 / 7),
}


@pytest.mark.parametrize("history", ALIKE.values(), ids=ALIKE)
def test_people_all_alike_are_worth_what_they_buy_and_soon_told(
    history: tuple[float, float, float],
) -> None:
    """The rate of all is one, so that r and alpha grow together without end."""
    of = [np.full(300, number) for number in history]
    model = score_fitting.fit_purchases(score_fitting.tally(*of))
    money = score_fitting.fit_spending(of[0], np.full(300, 10.0))
    begun = time.process_time()
    value = scores.value(model, money, *of, np.full(300, 10.0), discount=0)
    assert time.process_time() - begun < 5
    rate, nodes = model.r / model.alpha, scores._nodes(model.a, model.b + history[0], 400)
    alive = float(scores.p_alive(model, *history))
    bought = -np.expm1(-rate * scores.YEAR_WEEKS * nodes[0]) @ (nodes[1] / nodes[0])
    assert value == pytest.approx(np.full(300, alive * bought * 10), rel=0.02)


def drawn(model: Purchases, spending: Spending, number: int) -> dict[str, Any]:
    """Customers who live as the models say, seen between half a year and two years."""
    luck = np.random.default_rng(20)
    age = luck.integers(180, 730, number) / 7
    rate = luck.gamma(model.r, 1 / model.alpha, number)
    leaves = luck.beta(model.a, model.b, number)
    x, t_x, at = np.zeros(number), np.zeros(number), np.zeros(number)
    here = np.arange(number)
    while len(here):
        at[here] += luck.exponential(1 / rate[here])
        here = here[at[here] <= age[here]]
        x[here] += 1
        t_x[here] = at[here]
        here = here[luck.random(len(here)) > leaves[here]]
    nu = luck.gamma(spending.q, 1 / spending.v, number)
    mean = luck.gamma(spending.p * np.maximum(x, 1)) / nu / np.maximum(x, 1)
    return {"x": x, "t_x": t_x, "age": age, "mean": mean}


def test_known_parameters_are_found_again() -> None:
    truth, spent = Purchases(0.8, 6.0, 0.9, 3.0), Spending(4.0, 5.0, 60.0)
    people = drawn(truth, spent, 15_000)
    counted = score_fitting.tally(people["x"], people["t_x"], people["age"])
    found = score_fitting.fit_purchases(counted)
    assert found.log_likelihood >= score_fitting.purchases_log_likelihood(truth, counted)
    assert (found.r, found.alpha, found.a, found.b) == pytest.approx((0.8, 6.0, 0.9, 3.0), rel=0.15)
    money = score_fitting.fit_spending(people["x"], people["mean"])
    assert (money.p, money.q, money.v) == pytest.approx((4.0, 5.0, 60.0), rel=0.1)


def test_counting_equal_customers_changes_nothing() -> None:
    people = drawn(PUBLISHED, PUBLISHED_SPENDING, 400)
    weeks = {name: np.round(people[name]) for name in ("x", "t_x", "age")}
    one_by_one = score_fitting.fit_purchases(score_fitting.tally(**weeks))
    counted = score_fitting.tally(**weeks)
    assert len(counted.x) < 400
    again = score_fitting.tally(counted.x, counted.t_x, counted.age, counted.times)
    assert score_fitting.fit_purchases(again) == one_by_one
    scaled = score_fitting.fit_spending(people["x"], people["mean"] * 100)
    plain = score_fitting.fit_spending(people["x"], people["mean"])
    assert (scaled.p, scaled.q, scaled.v) == pytest.approx((plain.p, plain.q, plain.v * 100), 1e-4)


def test_slopes_are_the_likelihoods_own() -> None:
    """The derivatives that are written down, against differences of the likelihood itself."""
    people = drawn(PUBLISHED, PUBLISHED_SPENDING, 300)
    counted = score_fitting.tally(people["x"], people["t_x"], people["age"])
    kinds, of_kind = np.unique(people["x"][people["x"] > 0], return_inverse=True)
    mean = people["mean"][people["x"] > 0]
    slopes = (
        (lambda at: score_fitting._purchases_slope(counted, at), np.log([0.3, 4.0, 0.8, 2.5])),
        (
            score_fitting._spending_slope(kinds, of_kind, mean, np.ones(len(mean))),
            np.log([5.0, 3.0, 9.0]),
        ),
    )
    for slope, at in slopes:
        for place in range(len(at)):
            little = np.zeros(len(at))
            little[place] = 1e-5
            difference = (slope(at + little)[0] - slope(at - little)[0]) / 2e-5
            assert slope(at)[1][place] == pytest.approx(difference, rel=1e-5, abs=1e-4)


def test_what_is_drawn_agrees_with_what_is_worked_out() -> None:
    """A year drawn many times over: its mean is the value undiscounted."""
    of = np.array([0.0, 2.0, 9.0]), np.array([0.0, 30.0, 50.0]), np.array([20.0, 60.0, 52.0])
    mean = np.array([0.0, 30.0, 55.0])
    many = [np.repeat(column, 40_000) for column in of]
    luck = np.random.default_rng(3)
    alive = scores.p_alive(PUBLISHED, *many)
    spent = np.repeat(of[0] * mean, 40_000)
    total = scores._drawn(
        luck, PUBLISHED, PUBLISHED_SPENDING, many[0], many[2], spent, alive
    ).reshape(3, -1)  # fmt: skip
    worth = scores.value(PUBLISHED, PUBLISHED_SPENDING, *of, mean, discount=0)
    assert total.mean(axis=1) == pytest.approx(worth, rel=0.05)
    spread = scores.spread(PUBLISHED, PUBLISHED_SPENDING, *of, mean, draws=2000)
    assert spread == pytest.approx(total.var(axis=1), rel=0.35)  # tails are long


def test_later_money_is_worth_less() -> None:
    of = (3, 20.0, 39.0)
    plain, cheaper = (
        scores.value(PUBLISHED, PUBLISHED_SPENDING, *of, 40.0, discount=rate) for rate in (0, 0.1)
    )
    bought = scores.expected(PUBLISHED, *of, scores.YEAR_WEEKS)
    assert plain == pytest.approx(bought * scores.expected_spend(PUBLISHED_SPENDING, 3, 40.0))
    assert plain / 1.1 < cheaper < plain


def test_nobody_leaves_before_a_second_purchase() -> None:
    assert scores.p_alive(PUBLISHED, [0, 0], [0, 0], [1, 500]).tolist() == [1, 1]
    late = scores.p_alive(PUBLISHED, 12, 5, 300)
    assert late < 1e-6


def test_digamma_is_what_it_says() -> None:
    """psi(1) = -gamma, psi(1/2) = -gamma - 2 ln 2, psi(z + 1) = psi(z) + 1/z."""
    assert score_fitting.digamma(1) == pytest.approx(-np.euler_gamma, abs=1e-12)
    assert score_fitting.digamma(0.5) == pytest.approx(-np.euler_gamma - 2 * math.log(2), abs=1e-12)
    z = np.array([1e-4, 0.3, 2.5, 9.99, 10.0, 1e6])
    assert score_fitting.digamma(z + 1) == pytest.approx(
        score_fitting.digamma(z) + 1 / z, rel=1e-12
    )


def test_nobody_at_all_and_people_all_alike_are_fitted_without_an_error() -> None:
    nobody = score_fitting.tally([], [], [])
    assert nobody.customers == 0
    assert scores.expected(PUBLISHED, [], [], [], 52).tolist() == []
    alike = score_fitting.fit_purchases(
        score_fitting.tally(np.full(300, 4), np.full(300, 30), np.full(300, 40))
    )
    assert all(math.isfinite(n) for n in (alike.r, alike.alpha, alike.a, alike.b))
    assert np.isfinite(scores.expected(alike, 4, 30, 40, 52))
    money = score_fitting.fit_spending(np.full(300, 4), np.full(300, 25.0))
    assert scores.expected_spend(money, 4, 25.0) == pytest.approx(25, rel=0.01)
