"""What customers will buy: the BG/NBD model of purchases and the Gamma-Gamma model of spending.

[BG]   Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way: An Alternative to the
       Pareto/NBD Model, Marketing Science 24(2), 275-284.
[HAZ]  Fader, Hardie and Lee (2008), Computing P(alive) Using the BG/NBD Model.
[GG]   Fader and Hardie (2013), The Gamma-Gamma Model of Monetary Value (note 025); first in Fader,
       Hardie and Lee (2005), RFM and CLV, Journal of Marketing Research 42, 415-430.
[AS]   Abramowitz and Stegun (1964), Handbook of Mathematical Functions.

A customer is known by `x` repeat purchases (days with a purchase, less the first), `t_x`, how long
after the first the last one was, and `age`, how long ago the first one was; the unit is the week.
Both models are fitted by maximum likelihood. What depends on the number of purchases alone (all
gamma functions) is worked out once a number, not once a customer; equal customers are counted.
Numbers here are numpy's; nothing asks the database.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
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
WARM_UP = 20_000
"""So many customers are enough to find where the likelihood of a million peaks, all but for a few
steps."""


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


# --- special functions: of few numbers, so that none has to come from elsewhere ------------------


def digamma(value: ArrayLike) -> Numbers:
    """The logarithmic derivative of the gamma function, for positive numbers ([AS] 6.3.5, 6.3.18).

    To 13 digits: by recurrence up to ten, and from there by the asymptotic series.
    """
    z = np.array(value, dtype=float)
    down = np.zeros_like(z)
    while (small := z < 10).any():
        down = np.where(small, down + 1 / z, down)
        z = np.where(small, z + 1, z)
    s = 1 / (z * z)
    series = s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132)))))
    found: Numbers = np.log(z) - 0.5 / z - series - down
    return found


log_gamma: Callable[[ArrayLike], Numbers] = np.vectorize(math.lgamma, otypes=[float])


# --- counting customers --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Customers counted: each row is a history that `times` customers have. In weeks.

    `kinds` are the numbers of repeat purchases there are, and `of_kind` which of them a row has.
    """

    x: Numbers
    t_x: Numbers
    age: Numbers
    times: Numbers
    kinds: Numbers
    of_kind: NDArray[np.intp]

    @property
    def customers(self) -> float:
        return float(self.times.sum())

    def some(self, most: int) -> "Tally":
        """Every so many-th history: enough of them to begin with."""
        step = -(-len(self.x) // most)
        if step < 2:
            return self
        part = slice(None, None, step)
        return tally(self.x[part], self.t_x[part], self.age[part], self.times[part])


def tally(x: ArrayLike, t_x: ArrayLike, age: ArrayLike, times: ArrayLike = 1) -> Tally:
    """Count the customers whose `x` repeat purchases, last one and age (in weeks) are the same."""
    rows = [np.asarray(column, dtype=float).ravel() for column in (x, t_x, age)]
    weights = np.broadcast_to(np.asarray(times, dtype=float), rows[0].shape)
    order = np.lexsort(rows)
    rows = [column[order] for column in rows]
    new = np.ones(len(order), dtype=bool)
    if len(order):
        new[1:] = np.logical_or.reduce([np.diff(column) != 0 for column in rows])
    starts = np.flatnonzero(new)
    counted = np.add.reduceat(weights[order], starts) if len(starts) else np.zeros(0)
    bought, last, old = (column[starts] for column in rows)
    kinds, of_kind = np.unique(bought, return_inverse=True)
    return Tally(bought, last, old, counted, kinds, of_kind)


# --- fitting -------------------------------------------------------------------------------------

Slope = Callable[[Numbers], tuple[float, Numbers]]
"""A log-likelihood and its derivatives at the logarithms of the parameters."""

LOWEST, HIGHEST = math.log(1e-5), math.log(1e6)


def climb(slope: Slope, start: ArrayLike, *, steps: int = 200) -> tuple[Numbers, float]:
    """The logarithms of the parameters at which a likelihood peaks, and its logarithm there.

    Newton's method with the Hessian taken from the exact first derivatives, damped (Levenberg and
    Marquardt) until a step goes up; parameters stay between 1e-5 and 1e6. It ends when the
    gradient is nothing beside the number of customers, and so never at the mercy of a start.
    """
    at = np.clip(np.asarray(start, dtype=float), LOWEST, HIGHEST)
    value, gradient = slope(at)
    damping = 1e-3
    for _ in range(steps):
        free = ~(((at <= LOWEST) & (gradient < 0)) | ((at >= HIGHEST) & (gradient > 0)))
        if not free.any() or np.abs(gradient[free]).max() < 1e-9 * max(1.0, abs(value)):
            break
        bend = _bend(slope, at, free)
        moved = False
        while damping < 1e12:
            step = np.zeros_like(at)
            step[free] = _damped(bend, gradient[free], damping)
            there = np.clip(at + np.clip(step, -2, 2), LOWEST, HIGHEST)
            found, new_gradient = slope(there)
            if math.isfinite(found) and found > value:
                moved = found - value > 1e-13 * abs(value)
                at, value, gradient = there, found, new_gradient
                damping = max(damping / 10, 1e-12)
                break
            damping *= 10
        if not moved:
            break
    return at, value


def _bend(slope: Slope, at: Numbers, free: NDArray[np.bool_]) -> Numbers:
    """The second derivatives among the free parameters, by central differences of the first."""
    columns = []
    for place in np.flatnonzero(free):
        little = np.zeros_like(at)
        little[place] = 1e-4
        columns.append((slope(at + little)[1] - slope(at - little)[1])[free] / 2e-4)
    found = np.array(columns)
    half: Numbers = (found + found.T) / 2
    return half


def _damped(bend: Numbers, gradient: Numbers, damping: float) -> Numbers:
    """A step uphill: along the gradient where the likelihood is not yet bent as near a peak."""
    values, vectors = np.linalg.eigh(-bend)
    size = max(float(np.abs(values).max()), 1e-300)
    steep = np.maximum(np.abs(values), 1e-12 * size) + damping * size
    step: Numbers = vectors @ ((vectors.T @ gradient) / steep)
    return step


def fit_purchases(customers: Tally) -> Purchases:
    """The parameters of BG/NBD under which these customers are likeliest ([BG], equation 6)."""
    at: Numbers = np.log([0.5, 5.0, 1.0, 3.0])
    for some in dict.fromkeys([customers.some(WARM_UP), customers]):
        at, value = climb(partial(_purchases_slope, some), at)
    r, alpha, a, b = (float(one) for one in np.exp(at))
    return Purchases(r, alpha, a, b, value, round(customers.customers))


def purchases_log_likelihood(model: Purchases, customers: Tally) -> float:
    """How likely these customers are under a model, as a natural logarithm."""
    return _purchases_slope(customers, np.log([model.r, model.alpha, model.a, model.b]))[0]


def _purchases_slope(of: Tally, point: Numbers) -> tuple[float, Numbers]:
    """[BG] equation 6 and its derivatives.

    Of a customer: ln G(r+x)/G(r) + r ln alpha + ln B(a, b+x)/B(a, b) - (r+x) ln(alpha+T) +
    ln(1 + e^u), u = ln(a/(b+x-1)) + (r+x) ln((alpha+T)/(alpha+t_x)) where x > 0, else -infinity.
    """
    r, alpha, a, b = np.exp(point)
    k = of.kinds
    per_kind = (
        log_gamma(r + k) - math.lgamma(r) + r * math.log(alpha)
        + math.lgamma(a + b) + log_gamma(b + k) - math.lgamma(b) - log_gamma(a + b + k)
    )  # fmt: skip
    by_kind = np.bincount(of.of_kind, of.times, len(k))
    late, last = np.log(alpha + of.age), np.log(alpha + of.t_x)
    bought = r + of.x
    with np.errstate(divide="ignore"):  # nobody leaves before the second purchase
        ratio = np.where(k > 0, math.log(a) - np.log(np.maximum(b + k - 1, 0)), -np.inf)
    u = ratio[of.of_kind] + bought * (late - last)
    value = by_kind @ per_kind + of.times @ (np.logaddexp(0, u) - bought * late)
    gone = of.times * _logistic(u)
    gone_by_kind = np.bincount(of.of_kind, gone, len(k))
    total = of.times.sum()
    sums = digamma(a + b + k)
    left = np.divide(gone_by_kind, b + k - 1, out=np.zeros_like(k), where=k > 0)
    derivatives = np.array([
        by_kind @ (digamma(r + k) - digamma(r)) + total * math.log(alpha)
        - of.times @ late + gone @ (late - last),
        total * r / alpha - of.times @ (bought / (alpha + of.age))
        + gone @ (bought * (1 / (alpha + of.age) - 1 / (alpha + of.t_x))),
        by_kind @ (digamma(a + b) - sums) + gone.sum() / a,
        by_kind @ (digamma(a + b) + digamma(b + k) - digamma(b) - sums) - left.sum(),
    ])  # fmt: skip
    return float(value), derivatives * np.array([r, alpha, a, b])


def _logistic(u: Numbers) -> Numbers:
    with np.errstate(over="ignore"):
        found: Numbers = 1 / (1 + np.exp(-u))
    return found


def fit_spending(x: ArrayLike, mean: ArrayLike, times: ArrayLike = 1) -> Spending:
    """The parameters of Gamma-Gamma under which what customers spend is likeliest ([GG] 1a).

    `mean` is what the `x` repeat purchases of a customer brought on average; those without any, or
    who brought nothing, do not count. With q over 1, so that there is a mean to expect.
    """
    x, mean = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(mean, dtype=float))
    weights = np.broadcast_to(np.asarray(times, dtype=float), x.shape)
    spent = (x > 0) & (mean > 0)
    x, mean, weights = x[spent], mean[spent], weights[spent]
    scale = float(np.average(mean, weights=weights)) if len(mean) else 1.0
    kinds, of_kind = np.unique(x, return_inverse=True)
    at: Numbers = np.log([2.0, 2.0, 1.0])  # q less one; v in units of the mean
    step = -(-len(x) // WARM_UP) or 1
    value = 0.0
    for part in dict.fromkeys([step, 1]):
        each = slice(None, None, part)
        slope = _spending_slope(kinds, of_kind[each], mean[each] / scale, weights[each])
        at, value = climb(slope, at)
    p, q_less_one, v = (float(one) for one in np.exp(at))
    # what is measured in other units is less dense by as much, at each customer's mean
    value -= float(weights.sum()) * math.log(scale)
    return Spending(p, 1 + q_less_one, v * scale, value, round(float(weights.sum())))


def _spending_slope(
    kinds: Numbers, of_kind: NDArray[np.intp], mean: Numbers, times: Numbers
) -> Slope:
    """[GG] equation 1a and its derivatives, at the logarithms of p, q - 1 and v."""
    x, by_kind = kinds[of_kind], np.bincount(of_kind, times, len(kinds))
    total, log_mean = float(times.sum()), np.log(mean)
    of_mean, plain = float((times * x) @ (log_mean + np.log(x))), float(times @ log_mean)

    def slope(point: Numbers) -> tuple[float, Numbers]:
        p, q_less_one, v = np.exp(point)
        q, px = 1 + q_less_one, p * kinds
        behind = v + x * mean
        log_behind, share = times * np.log(behind), times / behind
        value = (
            by_kind @ (log_gamma(px + q) - log_gamma(px))
            + total * (q * math.log(v) - math.lgamma(q))
            + p * of_mean - plain - p * (x @ log_behind) - q * log_behind.sum()
        )  # fmt: skip
        both = digamma(px + q)
        derivatives = np.array([
            (by_kind * kinds) @ (both - digamma(px)) + of_mean - x @ log_behind,
            by_kind @ both + total * (math.log(v) - float(digamma(q))) - log_behind.sum(),
            total * q / v - p * (x @ share) - q * share.sum(),
        ])  # fmt: skip
        return float(value), derivatives * np.array([p, q_less_one, v])

    return slope


# --- what follows from them ----------------------------------------------------------------------


def p_alive(model: Purchases, x: ArrayLike, t_x: ArrayLike, age: ArrayLike) -> Numbers:
    """The chance that a customer has not left for good ([HAZ], equation 7): 1 before a second
    purchase, since in this model nobody leaves but after one."""
    x, t_x, age = (np.asarray(one, dtype=float) for one in (x, t_x, age))
    odds = _log_odds(model, x, t_x, age)
    found: Numbers = np.where(x > 0, _logistic(-odds), 1.0)
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
