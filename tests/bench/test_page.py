"""The page of benchmarks keeps a section for each, in their order, and replaces the one that was run again."""

from inspect import cleandoc

import pytest

from bench.__main__ import BENCHES, PAGE, bench_of
from bench.page import HEADING, with_section

ORDER = ("audience", "chat", "email")


def test_sections_are_added_in_their_order_and_replaced_when_run_again():
    page = with_section("", "email", "## email\n\nfirst\n", ORDER)
    page = with_section(page, "audience", "## audience\n\nof one run\n", ORDER)
    page = with_section(page, "email", "## email\n\nagain\n", ORDER)

    assert page == f"{HEADING}\n## audience\n\nof one run\n\n## email\n\nagain\n"


def test_what_is_no_benchmark_any_more_leaves_the_page():
    page = with_section(f"{HEADING}\n## naive\n\ngone\n\n## chat\n\nkept\n", "email", "## email\n\nnew\n", ORDER)

    assert page == f"{HEADING}\n## chat\n\nkept\n\n## email\n\nnew\n"


@pytest.mark.parametrize("name", BENCHES)
def test_each_section_begins_with_what_its_benchmark_says_of_itself(name: str):
    page = PAGE.read_text("utf-8")

    assert page.startswith(HEADING)
    assert f"\n## {name}\n\n{cleandoc(bench_of(name).__doc__)}\n\n" in page
