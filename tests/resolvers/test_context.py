"""What every answer starts from, as far as no test of the API sees it."""

import pytest

from models.errors import Unavailable
from resolvers.context import Context
from settings import Settings


def test_without_a_secret_key_a_caller_hears_that_nothing_can_be_signed():
    context = Context(None, Settings(_env_file=None, secret_key=None))

    with pytest.raises(Unavailable, match="SECRET_KEY is not set"):
        _ = context.secret
