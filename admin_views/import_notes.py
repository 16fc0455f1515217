"""What an import does besides its rows, said before it begins."""

from collections.abc import Sequence
from typing import Any

from app.operations import import_categories
from models.imports import ImportJob

_NAMED = 5


def notes(job: ImportJob) -> list[str]:
    """A sentence each: categories, tax classes and stock that the list brings."""
    tried: dict[str, Any] = job.tried or {}
    told = [_categories(job, tried), _taxes(tried), _stocked(tried), _counted_anew(tried)]
    return [sentence for sentence in told if sentence]


def _named(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    listed = ", ".join(names[:_NAMED])
    return f"{listed} and {more:,} more" if more > 0 else listed


def _categories(job: ImportJob, tried: dict[str, Any]) -> str:
    paths = [" › ".join(path) for path in tried.get("categories", [])]
    if not paths:
        return ""
    one = len(paths) == 1
    if import_categories.wanted(job):
        return f"{_count(len(paths), 'category', 'categories')} will be made: {_named(paths)}."
    return (
        f"{_count(len(paths), 'category', 'categories')} of the file {'is' if one else 'are'} not "
        f"here: {_named(paths)}. Their products come in without one, unless you go back and let "
        "them be made."
    )


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _taxes(tried: dict[str, Any]) -> str:
    names = tried.get("tax_classes", [])
    if not names:
        return ""
    return (
        f"There is no tax class {_named([f'“{name}”' for name in names])}: what names it is taxed "
        "as usual. Add the class first if it should not be."
    )


def _stocked(tried: dict[str, Any]) -> str:
    if not tried.get("stocked"):
        return ""
    return "The stock in the file is written into the ledger for new products only."


def _counted_anew(tried: dict[str, Any]) -> str:
    number = tried.get("counted_anew", 0)
    if not number:
        return ""
    what = "variant has" if number == 1 else "variants have"
    return f"{number:,} {what} moved already: the number in the file is booked as an adjustment."
