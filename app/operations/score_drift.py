"""Drift: how far what a night says of customers is from what the night before said.

From one night to the next little happens; a jump is a list taken in or undone, a fit that went
astray, or a fault, and worth a look before anybody acts on the scores. Compared are

- how many customers there are;
- their groups, by the population stability index, sum of (q - p) ln(q/p) over the shares of each
  group before (p) and now (q): the divergence J of Kullback and Leibler, On Information and
  Sufficiency, Annals of Mathematical Statistics 22, 1951. Over 0.25 is a major shift by the rule of
  those who score credit; of n and m customers J/(1/n + 1/m) is about chi-square distributed where
  nothing but chance is at work, with a degree of freedom less than there are groups (Yurdakul,
  Statistical Properties of Population Stability Index, Western Michigan University, 2018), so that
  a few customers who change their group are no shift. Half a customer is added to each group: an
  empty one has no logarithm;
- the parameters by what they mean, since very different ones may say the same: how often a new
  customer is expected to buy within a year, and what a purchase is expected to bring.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import log
from typing import Any

from app.operations import scores
from models.scores import RfmSegment

SHIFT, BY_CHANCE = 0.25, 29.588
"""The second: what chi-square with ten degrees of freedom exceeds once in a thousand times."""
JUMP = 0.2
FEWEST = 200
"""Of fewer customers a change of their number tells little."""
MOST = 1e6


@dataclass(frozen=True, slots=True)
class Drift:
    """What changed against the night of `since`: `groups` by J, the rest as a share of what was.

    None where either night does not know it.
    """

    since: date
    groups: float | None
    people: float | None
    buying: float | None
    spending: float | None
    is_sharp: bool

    def __str__(self) -> str:
        told = (("customers", self.people), ("purchases of a new one", self.buying),
                ("what one brings", self.spending))  # fmt: skip
        parts = [f"{name} {change:+.0%}" for name, change in told if change is not None]
        if self.groups is not None:
            parts.append(f"groups {self.groups:.3f}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Night:
    """What a night found; `groups` are the customers of each, models those fitted of its own."""

    as_of: date
    customers: int
    groups: Mapping[str, int]
    purchases: scores.Purchases | None = None
    spending: scores.Spending | None = None


def between(before: Night, now: Night) -> Drift:
    """How far a night is from the one before, and whether somebody should look."""
    moved = stability(before.groups, now.groups)
    n, m = (sum(night.groups.values()) for night in (before, now))
    people = _change(before.customers, now.customers)
    buying = _change(_bought(before), _bought(now))
    spending = _change(_spent(before), _spent(now))
    jumps = [buying, spending] + [people] * (max(before.customers, now.customers) >= FEWEST)
    is_sharp = any(one is not None and abs(one) >= JUMP for one in jumps) or (
        moved is not None and moved >= SHIFT and moved / (1 / n + 1 / m) >= BY_CHANCE
    )
    return Drift(before.as_of, moved, people, buying, spending, is_sharp)


def stability(before: Mapping[str, int], now: Mapping[str, int]) -> float | None:
    """The population stability index of the groups; None where nobody is in any."""
    if not (any(before.values()) and any(now.values())):
        return None
    p, q = (_shares(groups) for groups in (before, now))
    return sum((b - a) * log(b / a) for a, b in zip(p, q, strict=True))


def _shares(groups: Mapping[str, int]) -> list[float]:
    counts = [groups.get(group.value, 0) + 0.5 for group in RfmSegment]
    return [count / sum(counts) for count in counts]


def _bought(night: Night) -> float | None:
    if night.purchases is None:
        return None
    return float(scores.expected(night.purchases, 0, 0, 0, scores.YEAR_WEEKS))


def _spent(night: Night) -> float | None:
    return None if night.spending is None else float(scores.expected_spend(night.spending, 0, 0))


def _change(before: Any, now: Any) -> float | None:
    if not before or now is None:
        return None
    return float(min(now / before - 1, MOST))
