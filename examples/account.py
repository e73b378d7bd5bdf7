"""Where the server is and who asks: two environment variables, for all examples."""

import os
import sys

from client.rekindle import Rekindle


def connect() -> Rekindle:
    """A client of REKINDLE_URL, with the bearer token of REKINDLE_TOKEN."""
    url, token = os.environ.get("REKINDLE_URL"), os.environ.get("REKINDLE_TOKEN")
    if not url or not token:
        sys.exit("set REKINDLE_URL, such as https://outreach.example.com, and REKINDLE_TOKEN, a bearer token")
    return Rekindle(url, token)
