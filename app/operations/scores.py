"""What customers will buy: the BG/NBD model of purchases and the Gamma-Gamma model of spending.

[BG]   Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way: An Alternative to the
       Pareto/NBD Model, Marketing Science 24(2), 275-284.
[HAZ]  Fader, Hardie and Lee (2008), Computing P(alive) Using the BG/NBD Model.
[GG]   Fader and Hardie (2013), The Gamma-Gamma Model of Monetary Value (note 025); first in Fader,
       Hardie and Lee (2005), RFM and CLV, Journal of Marketing Research 42, 415-430.
[AS]   Abramowitz and Stegun (1964), Handbook of Mathematical Functions.

A customer is known by `x` repeat purchases (days with a purchase, less the first), `t_x`, how long
after the first the last one was, and `age`, how long ago the first one was; the unit is the week.
`app.operations.score_fitting` finds the parameters. Numbers here are numpy's; nothing asks the
database.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]

WEEK_DAYS = 7
YEAR_WEEKS = 365 / WEEK_DAYS
ANNUAL_DISCOUNT = 0.10
"""What is bought in a year is worth that much less today."""
MONTHS = 12

FEWEST, FEWEST_REPEATERS = 200, 50
"""A vendor with fewer customers, or fewer who came back, borrows the marketplace's models."""


@dataclass(frozen=True, slots=True)
class Purchases:
    """BG/NBD as fitted: while alive a customer buys at a rate that is Gamma(r, alpha) distributed,
    and leaves after a purchase with a chance that is Beta(a, b) distributed."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float = math.nan
    customers: int = 0


@dataclass(frozen=True, slots=True)
class Spending:
    """Gamma-Gamma as fitted: what a purchase brings is Gamma(p, nu) around each customer's mean,
    and nu is Gamma(q, v) over the customers."""

    p: float
    q: float
    v: float
    log_likelihood: float = math.nan
    customers: int = 0


# --- what follows from the parameters ------------------------------------------------------------


def p_alive(model: Purchases, x: ArrayLike, t_x: ArrayLike, age: ArrayLike) -> Numbers:
    """The chance that a customer has not left for good ([HAZ], equation 7): 1 before a second
    purchase, since in this model nobody leaves but after one."""
    x, t_x, age = (np.asarray(one, dtype=float) for one in (x, t_x, age))
    odds = _log_odds(model, x, t_x, age)
    found: Numbers = np.where(x > 0, logistic(-odds), 1.0)
    return found


def logistic(u: Numbers) -> Numbers:
    """1 / (1 + e^-u), whatever u is."""
    with np.errstate(over="ignore"):
        found: Numbers = 1 / (1 + np.exp(-u))
    return found


def _log_odds(model: Purchases, x: Numbers, t_x: Numbers, age: Numbers) -> Numbers:
    """How much likelier it is that somebody with a repeat purchase has left, as a logarithm."""
    found: Numbers = np.log(model.a / np.maximum(model.b + x - 1, 1e-300)) + (model.r + x) * np.log(
        (model.alpha + age) / (model.alpha + t_x)
    )
    return found


def expected(
    model: Purchases, x: ArrayLike, t_x: ArrayLike, age: ArrayLike, weeks: ArrayLike
) -> Numbers:
    """How many purchases a customer makes in the next `weeks` ([BG], equation 10)."""
    x, t_x, age, weeks = np.broadcast_arrays(
        *(np.asarray(one, dtype=float) for one in (x, t_x, age, weeks))
    )
    found: Numbers = p_alive(model, x, t_x, age) * expected_alive(model, x, age, weeks)
    return found


def expected_alive(model: Purchases, x: ArrayLike, age: ArrayLike, weeks: ArrayLike) -> Numbers:
    """The same of a customer who has not left: the numerator of [BG], equation 10.

    With z = t/(alpha+T+t) it is C/(a-1) [1 - (1-z)^(r+x) F(r+x, b+x; C; z)], C = a+b+x-1. Euler's
    transformation ([AS] 15.3.3) makes (1-z)^(r+x) F(r+x, b+x; C; z) into
    (1-z)^(a-1) F(a-1, a+b-1-r; C; z), whose terms do not grow with the purchases; and with a-1
    taken out of all but its first term nothing is divided by zero where a = 1 or C = 0:

        -C expm1((a-1) ln(1-z))/(a-1)
            - (1-z)^(a-1) sum_k (a)_(k-1) (a+b-1-r)_k z^k / ((C+1)_(k-1) k!)
    """
    x, age, at = np.broadcast_arrays(*(np.asarray(one, dtype=float) for one in (x, age, weeks)))
    few, back, shape = _distinct(x, age)
    if at.size and (at == at.flat[0]).all():
        found = _expected_alive(model, few.real, few.imag, at.flat[:1])[back]
    else:
        found = _expected_alive(model, few.real[back], few.imag[back], at.ravel())
    shaped: Numbers = found.reshape(shape)
    return shaped


def _distinct(x: ArrayLike, age: ArrayLike) -> tuple[Any, NDArray[np.intp], tuple[int, ...]]:
    """The pairs that occur, as x + i age, which of them each customer is, and the shape of all."""
    pairs = np.asarray(x, dtype=float) + 1j * np.asarray(age, dtype=float)
    few, back = np.unique(pairs.ravel(), return_inverse=True)
    return few, back, pairs.shape


def _expected_alive(model: Purchases, x: Numbers, age: Numbers, weeks: Numbers) -> Numbers:
    c = model.a + model.b + x - 1
    rest = model.alpha + age
    z, log_left = weeks / (rest + weeks), np.log(rest / (rest + weeks))
    less = model.a - 1
    first = -log_left if abs(less) < 1e-12 else -np.expm1(less * log_left) / less
    d = model.a + model.b - 1 - model.r
    longest = -log_left.min(initial=0)
    lost = -d * z.max(initial=0)
    if lost > CANCELS or max(longest * max(abs(less), d) / OVERFLOWS, longest / SLOW) > 1:
        return _by_quadrature(model, x, age, weeks)
    return np.maximum(c * first - _series(model.a, d, c, z, less * log_left), 0)


OVERFLOWS = 300
"""Terms may grow up to e to the power of this."""
CANCELS = 10
"""Where d is below nothing terms have both signs, and grow up to e to the power of -d z: so much of
them is lost in the sum. With customers all alike r, and so -d, has no end."""
SLOW = math.log(1000)
"""Of z = 1 - 1/1000 some ten thousand terms are needed."""
MOST_TERMS = 200_000


def _series(a: float, d: float, c: Numbers, z: Numbers, log_scale: Numbers) -> Numbers:
    """The sum above, each term by the one before it; from the term -d z on they shrink."""
    term = d * z * np.exp(log_scale)
    total, shrinking = term.copy(), -d * z.max(initial=0)
    for k in range(1, MOST_TERMS):
        term *= z * ((d + k) * (a + k - 1) / (k + 1)) / (c + k)
        total += term
        if k % 8 == 0 and k > shrinking and (np.abs(term) <= 1e-15 * np.abs(total)).all():
            break
    return total


def _by_quadrature(model: Purchases, x: Numbers, age: Numbers, weeks: Numbers) -> Numbers:
    """The same as a mean over the chance of leaving, where the series is lost, or slow.

    Of somebody who leaves with the chance p it is (1 - (rest/(rest + p t))^(r+x))/p; that is taken
    at the nodes of Gauss and Jacobi for the density Beta(a, b+x), which are eigenvalues (Golub and
    Welsch 1969).
    """
    found = np.empty(np.broadcast_shapes(x.shape, weeks.shape))
    weeks = np.broadcast_to(weeks, found.shape)
    for kind in np.unique(x):
        nodes, weights = _nodes(model.a, model.b + float(kind))
        of_kind = x == kind
        rest, t = model.alpha + age[of_kind], weeks[of_kind]
        log_left = -np.log1p(np.outer(t / rest, nodes))
        found[of_kind] = -np.expm1((model.r + kind) * log_left) @ (weights / nodes)
    return found


@lru_cache(maxsize=1024)
def _nodes(a: float, b: float, count: int = 128) -> tuple[Numbers, Numbers]:
    """Where to take a function, and with which weights, for its mean under Beta(a, b)."""
    n = np.arange(count, dtype=float)
    s = 2 * n + a + b - 2
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = (a - b) * (a + b - 2) / (s * (s + 2))
        square = 4 * n * (n + b - 1) * (n + a - 1) * (n + a + b - 2) / (s * s * (s + 1) * (s - 1))
    middle[0] = (a - b) / (a + b)
    square[1] = 4 * a * b / ((a + b) ** 2 * (a + b + 1))
    side = np.sqrt(square[1:])
    values, vectors = np.linalg.eigh(np.diag(middle) + np.diag(side, 1) + np.diag(side, -1))
    return np.clip((1 + values) / 2, 1e-300, 1), vectors[0] ** 2


def expected_spend(model: Spending, x: ArrayLike, mean: ArrayLike) -> Numbers:
    """What a purchase of a customer brings ([GG], equation 5): the mean of all customers, and of
    their own `x` repeat purchases the more the more there are."""
    x = np.asarray(x, dtype=float)
    mean = np.where(x > 0, np.nan_to_num(np.asarray(mean, dtype=float)), 0.0)
    found: Numbers = model.p * (model.v + x * mean) / (model.p * x + model.q - 1)
    return found


def value(
    purchases: Purchases,
    spending: Spending,
    x: ArrayLike,
    t_x: ArrayLike,
    age: ArrayLike,
    mean: ArrayLike,
    *,
    discount: float = ANNUAL_DISCOUNT,
) -> Numbers:
    """What a customer brings within the next twelve months, worth today.

    Purchases expected in each twelfth of a year, at what one brings, discounted from the middle of
    that twelfth at `discount` a year ([GG] and [BG] multiplied: spending does not depend on how
    often somebody buys).
    """
    few, back, shape = _distinct(x, age)
    worth, before = np.zeros(len(few)), np.zeros(len(few))
    for number, edge in enumerate(np.linspace(0, YEAR_WEEKS, MONTHS + 1)[1:]):
        so_far = _expected_alive(purchases, few.real, few.imag, np.array([edge]))
        worth += (so_far - before) * (1 + discount) ** (-(number + 0.5) / MONTHS)
        before = so_far
    alive = p_alive(purchases, x, t_x, age)
    found: Numbers = worth[back].reshape(shape) * alive * expected_spend(spending, x, mean)
    return found


def spread(
    purchases: Purchases,
    spending: Spending,
    x: ArrayLike,
    t_x: ArrayLike,
    age: ArrayLike,
    mean: ArrayLike,
    *,
    draws: int = 64,
    seed: int = 1,
) -> Numbers:
    """How much what a customer brings within a year varies (its variance), as the models have it.

    Drawn `draws` times a customer: whether still there, the rate and the chance of leaving that
    fit the history, purchases until leaving, and what they bring. The parameters are taken as
    known.
    """
    luck = np.random.default_rng(seed)
    x, t_x, age, mean = (np.asarray(one, dtype=float) for one in (x, t_x, age, mean))
    alive = p_alive(purchases, x, t_x, age)
    spent = np.where(x > 0, np.nan_to_num(mean), 0.0) * x
    first, second = np.zeros(x.shape), np.zeros(x.shape)
    for _ in range(draws):
        total = _drawn(luck, purchases, spending, x, age, spent, alive)
        first += total
        second += total * total
    middle = first / draws
    found: Numbers = np.maximum(second / draws - middle * middle, 0) * draws / max(draws - 1, 1)
    return found


def _drawn(
    luck: np.random.Generator,
    purchases: Purchases,
    spending: Spending,
    x: Numbers,
    age: Numbers,
    spent: Numbers,
    alive: Numbers,
) -> Numbers:
    """What each customer brings within a year, drawn once."""
    here = luck.random(x.shape) < alive
    rate = luck.gamma(purchases.r + x) / (purchases.alpha + age)
    leaves = np.clip(luck.beta(purchases.a, purchases.b + x), 1e-12, 1)
    times = np.minimum(luck.poisson(rate * YEAR_WEEKS), luck.geometric(leaves))
    nu = luck.gamma(spending.q + spending.p * x) / (spending.v + spent)
    brought = luck.gamma(spending.p * np.maximum(times, 1e-9)) / np.maximum(nu, 1e-300)
    return np.where(here & (times > 0), brought, 0.0)


def borrowed(customers: int, repeaters: int) -> bool:
    """Whether these are too few to fit models of their own."""
    return customers < FEWEST or repeaters < FEWEST_REPEATERS


def as_parameter(number: Any) -> str | None:
    """A parameter as the database keeps it."""
    return None if number is None or not math.isfinite(number) else f"{number:.10f}"
