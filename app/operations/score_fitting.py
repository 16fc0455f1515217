"""The parameters of the two models of `app.operations.scores` under which customers are likeliest.

The papers are named there. Both models are fitted by maximum likelihood. What depends on the number
of purchases alone (all gamma functions) is worked out once a number, not once a customer; equal
customers are counted.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.operations.scores import Numbers, Purchases, Spending, logistic

WARM_UP = 20_000
"""So many customers are enough to find where the likelihood of a million peaks, all but for a few
steps."""


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
    gone = of.times * logistic(u)
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
