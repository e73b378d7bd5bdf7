"""How each root field of the schema is asked by its owner."""

from collections.abc import Mapping

from tests.isolation import platform, seller_mutations, seller_queries, shopper
from tests.isolation.case import Case

CASES: Mapping[str, Case] = {**seller_queries.CASES, **seller_mutations.CASES, **platform.CASES, **shopper.CASES}
