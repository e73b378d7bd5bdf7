"""A draft whose text leads out of the shop is refused, with the words and the rule (R13)."""

import pytest

from models.errors import ErrorCode, Refused
from models.plan import Plan
from tests.factories import make_draft, make_shop


@pytest.mark.usefixtures("database")
async def test_a_draft_that_leads_out_of_the_shop_is_refused_and_not_kept():
    shop = await make_shop()
    texts = {"en": {"text": "Hi {name}! More at bloomshop.com"}, "es": {"text": "Llama al 612 345 678"}}

    with pytest.raises(Refused) as refusal:
        await make_draft(shop, content={"texts": texts})

    assert [(problem.field, problem.code, problem.rule) for problem in refusal.value.problems] == [
        (("texts", "en", "text"), ErrorCode.FORBIDDEN_CONTENT, "R13"),
        (("texts", "es", "text"), ErrorCode.FORBIDDEN_CONTENT, "R13"),
    ]
    assert "“bloomshop.com” is a link" in refusal.value.problems[0].message
    assert await Plan.all().count() == 0
