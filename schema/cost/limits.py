"""What one operation may come to, and what is said of too much."""

from graphql import GraphQLError

from schema.cost.weight import Weight

MAX_HEAD = 64 * 1024
"""Octets of a request's line and headers."""
MAX_BODY = 256 * 1024
"""Octets of a request's body."""
MAX_MESSAGE = 64 * 1024
"""Octets of one message of a socket, in however many parts."""
MAX_SOURCE_LENGTH = 20_000
"""Characters of a document."""
MAX_TOKENS = 1_000
"""Tokens of a document, comments apart."""
MAX_COMMENTS = 50
MAX_DEPTH = 10
"""Fields within one another."""
MAX_ALIASES = 30
LONGEST_ALIAS = 100
"""Letters of an alias: it stands in the answer once for each row."""
LONGEST_NUMBER = 1_000
"""Digits of a number: Python reads none of some thousands (4,300), and what reads it takes that for a bug."""
MAX_SELECTIONS = 400
"""Fields of an operation, those of a fragment once for each place it is spread in."""
MAX_REPEATS = 20
"""How often one selection set may name the same key: validation holds each against each other."""
MAX_SUBSCRIBED_VARIABLES = 4_000
"""Octets of a subscription's variables, as JSON: it keeps them for as long as it lives."""
MAX_COST = 5_000
"""Points: what an operation could come to at most, the size of its pages considered."""


def check(weight: Weight) -> list[GraphQLError]:
    """What is too much about an operation's shape, each with what it has and what is allowed."""
    amounts = (
        ("deep", "fields within one another", weight.depth, MAX_DEPTH),
        ("aliased", "aliases", weight.aliases, MAX_ALIASES),
        ("wordy", "letters in an alias", weight.longest_alias, LONGEST_ALIAS),
        ("large", "selections", weight.selections, MAX_SELECTIONS),
        ("repetitive", "times the same field in one place", weight.repeats, MAX_REPEATS),
    )
    return [too_much(adjective, unit, amount, limit) for adjective, unit, amount, limit in amounts if amount > limit]


def too_much(adjective: str, unit: str, amount: int, limit: int) -> GraphQLError:
    """The error of an operation that has `amount` where `limit` is allowed."""
    return GraphQLError(
        f"The operation is too {adjective}: {_readable(amount)} {unit}, at most {limit} are allowed.",
        extensions={"code": "MAX_COST_EXCEEDED", "limit": limit},
    )


def _readable(amount: int) -> str:
    return str(amount) if amount < 10**9 else "more than 1000000000"
