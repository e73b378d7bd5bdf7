"""Refusals as one line of text, for logs and the command line."""

from models.errors import ErrorCode, Problem, Refused, refuse


def test_a_refusal_says_of_each_problem_where_it_is_and_what():
    problems = [Problem(("texts", "en"), "is missing"), Problem(("name",), "is too long", ErrorCode.TOO_LONG)]
    assert str(Refused(problems)) == "texts.en: is missing; name: is too long"


def test_what_concerns_no_field_is_said_alone():
    assert str(refuse("", "A shop has at most 10 webhooks.")) == "A shop has at most 10 webhooks."
