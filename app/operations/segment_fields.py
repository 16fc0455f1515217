"""What a segment can ask of a customer: each field by its name, in the order shown."""

from collections.abc import Mapping, Sequence

from app.operations import (
    segment_bought,
    segment_came,
    segment_keeps,
    segment_person,
    segment_scores,
)
from app.operations.segment_parts import Field
from app.operations.segment_terms import Part

_LISTED = (
    *segment_bought.FIELDS, *segment_came.FIELDS, *segment_scores.FIELDS, *segment_person.FIELDS,
    *segment_keeps.FIELDS,
)  # fmt: skip

FIELDS: Mapping[str, Field] = {one.name: one for one in _LISTED}
PARTS: Mapping[str, Sequence[Part]] = {one.name: one.parts for one in _LISTED}
