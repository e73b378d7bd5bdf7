"""What fields cost beyond their objects, before an answer is there and after it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import DocumentNode, FieldNode

from models import experiment, recommendation
from models.condition.presets import SegmentPreset
from models.metric import overview
from models.segment import size
from resolvers import live

DEAR: Mapping[str, int] = {
    "Segment.size": 10,
    "Segment.profile": 50,
    "Segment.membership": 20,
    "SegmentPreview.size": 10,
    "Segment.performance": 10,
    "Query.segmentOverlap": 30,
    "Query.overview": 50,
    "Query.liftOverview": 100,
    "Query.recommendations": 100,
    "Query.automatedPlanDryRun": 100,
    "Query.planEstimate": 30,
    "Query.planPreview": 30,
    "Mutation.recommendationDismiss": 100,
    "Plan.lift": 20,
    "PlanVariant.result": 5,
    "PlanExperiment.verdict": 5,
    "Plan.figures": 10,
    "PlanFigures.funnel": 20,
    "PlanFigures.parts": 5,
    "CustomerConnection.totalCount": 10,
    "Query.products": 10,
    "ProductConnection.totalCount": 10,
}
"""Points of fields that look at all of a shop's customers, or products: much more than their answer's size would tell."""

LISTS: Mapping[str, int] = {
    "Query.recommendations": recommendation.MOST,
    "Overview.plans": overview.MOST_PARTS,
    "Overview.products": overview.MOST_PARTS,
    "PlanExperiment.variants": experiment.MOST_VARIANTS,
    "PlanDryRun.segments": len(SegmentPreset),
    "InboxEvent.messages": live.SNAPSHOT,
    "Segment.versions": 20,
    "Coupon.products": 20,
}
"""The most rows of lists without pages that are long, or whose rows lead on to others.

A coupon may name a hundred products, a segment have a hundred versions. Hardly any has twenty, and they are read in one
statement for a whole page, which would otherwise not be worth its price.
"""

LENGTHS: Mapping[str, tuple[str, int, int]] = {"Segment.sizeHistory": ("days", size.DEFAULT_DAYS, size.MAX_DAYS)}
"""Lists that are as long as an argument says: its name, the rows when it is left out, and the most."""

HISTORY = 50
"""Points of a field that is asked `asOf` a time, on top of its own: it reads what happened, not what is kept of it."""

ROOTS = ("Query", "Mutation")

DEAR_NAMES: Mapping[bool, Mapping[str, int]] = {
    at_root: {
        place.partition(".")[2]: points
        for place, points in sorted(DEAR.items())
        if (place.partition(".")[0] in ROOTS) is at_root
    }
    for at_root in (True, False)
}
"""The same by the field's name alone: of root fields, and of all others."""


class DearKeys(NamedTuple):
    """Under which keys an answer holds dear fields, and what each of them costs: at its root, and anywhere below."""

    root: Mapping[str, int]
    below: Mapping[str, int]


def dear_keys(document: DocumentNode) -> DearKeys:
    """Where a document's answers hold dear fields; a key that names several has the points of the dearest."""
    root: dict[str, int] = {}
    below: dict[str, int] = {}
    waiting = [(node, _is_of_root(node)) for node in document.definitions if hasattr(node, "selection_set")]
    while waiting:
        outer, at_root = waiting.pop()
        for node in outer.selection_set.selections:
            if isinstance(node, FieldNode):
                points = DEAR_NAMES[at_root].get(node.name.value, 0) + history_points(node)
                if points:
                    keys, key = root if at_root else below, (node.alias or node.name).value
                    keys[key] = max(points, keys.get(key, 0))
            if getattr(node, "selection_set", None) is not None:
                waiting.append((node, at_root and not isinstance(node, FieldNode)))
    return DearKeys(root, below)


def _is_of_root(definition: Any) -> bool:
    """Whether a definition's fields are root fields: those of an operation, or of a fragment on one."""
    condition = getattr(definition, "type_condition", None)
    return condition is None or condition.name.value in ROOTS


def counted(data: Any, dear: DearKeys) -> int:
    """What an answer's data came to: a point per object but the root, and those of the dear fields in it."""
    if type(data) is not dict:
        return 0
    points = sum(dear.root.get(key, 0) for key in data)
    waiting = [*data.values()]
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            points += 1
            for key, inner in value.items():
                if key in dear.below:
                    points += dear.below[key]
                if type(inner) is dict or type(inner) is list:
                    waiting.append(inner)
        elif type(value) is list:
            waiting.extend(value)
    return points


def history_points(node: FieldNode) -> int:
    """What the time costs that a field is asked `asOf`, if it is."""
    return HISTORY if any(argument.name.value == "asOf" for argument in node.arguments or ()) else 0
