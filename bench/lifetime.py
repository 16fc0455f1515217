"""Lifetime value: seconds and memory to fit both models to a million customers, and to score them.

`python -m bench.lifetime [--quick | --customers N]`. Customers are drawn with known parameters over
two years, in days; what is found is shown beside what they were drawn with. Nothing else is around
that fits these models to so many: the common packages take each customer for itself.
"""

import argparse
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.operations import score_fitting, scores
from app.operations.scores import Numbers, Purchases, Spending
from bench import harness

CUSTOMERS, QUICK_CUSTOMERS = 1_000_000, 20_000
TRUTH, SPENT = Purchases(0.5, 6.0, 1.2, 3.0), Spending(6.0, 3.5, 15.0)
BAR_SECONDS, BAR_MEGABYTES = 30.0, 2000.0


@dataclass(frozen=True)
class Shoppers:
    """Repeat purchases, the last of them, the age (in weeks), and the mean of what they brought."""

    x: Numbers
    t_x: Numbers
    age: Numbers
    mean: Numbers


def drawn(number: int) -> Shoppers:
    """Customers who live as the models have it, the same at every run."""
    luck = np.random.default_rng(number)
    age = luck.integers(7, 731, number) / 7
    rate = luck.gamma(TRUTH.r, 1 / TRUTH.alpha, number)
    leaves = luck.beta(TRUTH.a, TRUTH.b, number)
    x, last, at = np.zeros(number), np.zeros(number), np.zeros(number)
    here = np.arange(number)
    while len(here):
        at[here] += luck.exponential(1 / np.maximum(rate[here], 1e-12))
        here = here[at[here] <= age[here]]
        x[here] += 1
        last[here] = np.floor(at[here] * 7) / 7
        here = here[luck.random(len(here)) > leaves[here]]
    nu = luck.gamma(SPENT.q, 1 / SPENT.v, number)
    mean = luck.gamma(SPENT.p * np.maximum(x, 1)) / nu / np.maximum(x, 1)
    return Shoppers(x, last, age, mean)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work answers, and the seconds it took."""
    begun = time.perf_counter()
    return work(), time.perf_counter() - begun


def megabytes() -> float:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(number: int) -> dict[str, Any]:
    """Seconds of each step and the peak of memory, the customers themselves included."""
    people = drawn(number)
    counted, count = timed(lambda: score_fitting.tally(people.x, people.t_x, people.age))
    purchases, first = timed(lambda: score_fitting.fit_purchases(counted))
    spending, second = timed(lambda: score_fitting.fit_spending(people.x, people.mean))
    of = (people.x, people.t_x, people.age, people.mean)
    _, value = timed(lambda: scores.value(purchases, spending, *of))
    fit, peak = count + first + second, megabytes()
    seconds = {"count": count, "purchases": first, "spending": second, "fit": fit, "value": value}
    bars = {
        f"{BAR_SECONDS:.0f} s": fit > BAR_SECONDS,
        f"{BAR_MEGABYTES:.0f} MB": peak > BAR_MEGABYTES,
    }
    return {
        "customers": number, "histories": len(counted.x),
        "seconds": {name: round(taken, 2) for name, taken in seconds.items()},
        "peak_mb": round(peak, 1), "drawn": _said(TRUTH, SPENT),
        "found": _said(purchases, spending), "missed": [bar for bar, miss in bars.items() if miss],
    }  # fmt: skip


def _said(bought: Purchases, spent: Spending) -> str:
    values = [(n, getattr(bought, n)) for n in ("r", "alpha", "a", "b")]
    values += [(n, getattr(spent, n)) for n in ("p", "q", "v")]
    return ", ".join(f"{name} {value:.3f}" for name, value in values)


def told(result: dict[str, Any]) -> str:
    """The result as a section of the page of results."""
    seconds = result["seconds"]
    return "\n".join([
        "`python -m bench.lifetime`", "",
        "| customers | different histories | count them, s | BG/NBD, s | Gamma-Gamma, s"
        " | fit together, s | value of each, s | peak MB |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
        f"| {result['customers']:,} | {result['histories']:,} | {seconds['count']}"
        f" | {seconds['purchases']} | {seconds['spending']} | {seconds['fit']}"
        f" | {seconds['value']} | {result['peak_mb']} |", "",
        f"Drawn with {result['drawn']}; found {result['found']}.", "",
        f"Bars missed: {', '.join(result['missed']) or 'none'}",
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true")
    size.add_argument("--customers", type=int, default=CUSTOMERS)
    asked = parser.parse_args()
    result = measure(QUICK_CUSTOMERS if asked.quick else asked.customers)
    if not asked.quick:
        harness.write_results("Lifetime value", told(result))
    harness.finish(result)


if __name__ == "__main__":
    main()
