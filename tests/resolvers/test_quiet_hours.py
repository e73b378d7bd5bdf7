"""A shop's quiet hours over the API: what cannot be is refused where it stands."""

from models import quiet_hours
from models.quiet_hours import QuietHours
from tests.api import Api, seller
from tests.factories import make_shop

UPDATE = (
    "mutation ($input: QuietHoursUpdateInput!) { quietHoursUpdate(input: $input) {"
    " quietHours { exceptions { region } } userErrors { field message code } } }"
)


async def test_a_place_that_is_named_twice_is_refused_as_any_other_double_is_and_nothing_is_changed(api: Api):
    shop = await make_shop()
    places = [{"region": "MX"}, {"region": "ID", "hours": {"since": "21:00", "until": "09:00"}}, {"region": "MX"}]
    answer = (await api.data(UPDATE, seller(shop), input={"exceptions": places}))["quietHoursUpdate"]

    assert answer["quietHours"] is None
    assert answer["userErrors"] == [{"field": ["exceptions", "MX"], "message": "is there twice", "code": "CONFLICT"}]
    assert await quiet_hours.of_shop(shop.id) == QuietHours()
