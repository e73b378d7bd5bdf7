"""SPF: who may send for a domain, as its record and those that it includes say (RFC 7208).

Pure but for looking up: `gather` finds the records, `fault` judges them. As a receiver whom no mechanism matches meets
them, all terms count; addresses are not looked up, since whether a relay's is among them only its operator knows.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence

Answer = Sequence[str] | None
"""The TXT records of a name, or None when DNS did not say."""

MOST_LOOKUPS = 10
"""Terms that cost a look-up, those of included records counted (RFC 7208 §4.6.4)."""

_COSTS = re.compile(r"[+?~-]?(?:(?:include|exists):|(?:a|mx|ptr)(?:[:/]|$)|redirect=)")
_TARGET = re.compile(r"(?:[+?~-]?include:|redirect=)([^%]+)")  # one with a macro differs from mail to mail
_EVERYBODY = re.compile(r"\+?(?:all|ip4:0\.0\.0\.0/0|ip6:::/0)")


class Unanswered(Exception):
    """DNS did not say what stands at a name, which is its argument."""


async def gather(domain: str, ask: Callable[[str], Awaitable[Answer]]) -> dict[str, Answer]:
    """The records of a domain and of what it includes, by name; no more than a receiver looks up."""
    found: dict[str, Answer] = {}
    waiting = [domain.lower()]
    while waiting and len(found) <= MOST_LOOKUPS:
        name = waiting.pop(0)
        if name not in found:
            found[name] = await ask(name)
            waiting += [target for record in _records(found[name] or ()) for target in _targets(record)]
    return found


def fault(domain: str, records: Mapping[str, Answer]) -> str | None:
    """What is to mend of a domain's SPF record, in a sentence; None when nothing is. Raises Unanswered."""
    name = domain.lower()
    if wrong := _fault_of(name, records, [MOST_LOOKUPS], f"The SPF record of {domain}"):
        return wrong
    if not _ends(name, records):
        return f"The SPF record of {domain} does not end: end it with -all or ~all."
    return None


def _fault_of(name: str, records: Mapping[str, Answer], left: list[int], whose: str) -> str | None:
    """What is wrong at a name and below it; `left` counts down the look-ups, so that a loop ends as well."""
    if name not in records:  # `gather` went no further
        return _too_many(whose)
    found = _records(_said(name, records))
    if len(found) != 1:
        there = "has no SPF record" if not found else f"has {len(found)} SPF records, where one is allowed"
        return f"{name} {there}: publish one TXT record such as 'v=spf1 ip4:… -all', or include it nowhere."
    if any(_EVERYBODY.fullmatch(term) for term in found[0]):
        return f"The SPF record of {name} lets anybody send: end it with -all or ~all."
    left[0] -= sum(bool(_COSTS.match(term)) for term in found[0])
    if left[0] < 0:
        return _too_many(whose)
    return next(filter(None, (_fault_of(target, records, left, whose) for target in _targets(found[0]))), None)


def _too_many(whose: str) -> str:
    return f"{whose} takes more than {MOST_LOOKUPS} look-ups, those of what it includes counted: shorten it."


def _ends(name: str, records: Mapping[str, Answer]) -> bool:
    """Whether everybody else is told apart: by `all`, or by the record that it leads on to."""
    (terms,) = _records(_said(name, records))
    if any(term in ("-all", "~all", "?all") for term in terms):
        return True
    onward = [term for term in terms if _leads_on(term)]
    return bool(onward) and all(_ends(target, records) for target in _targets(onward))


def _leads_on(term: str) -> bool:
    return term.startswith("redirect=")


def _said(name: str, records: Mapping[str, Answer]) -> Sequence[str]:
    answer = records[name]
    if answer is None:
        raise Unanswered(name)
    return answer


def _records(answer: Sequence[str]) -> list[list[str]]:
    """The terms of each SPF record among a name's TXT records."""
    said = (record.lower() for record in answer)
    return [record.split()[1:] for record in said if record == "v=spf1" or record.startswith("v=spf1 ")]


def _targets(terms: Sequence[str]) -> list[str]:
    """The names whose records count as well; `redirect` only where nothing says `all` (RFC 7208 §6.1)."""
    has_all = any(term.lstrip("+?~-") == "all" for term in terms)
    found = [match[1] for term in terms if (match := _TARGET.fullmatch(term)) and not (has_all and _leads_on(term))]
    return [target.rstrip(".") for target in found]
