"""The domain: rows, rules, queries and pure rendering. Imports nothing above it.

A noun is a file here. One with parts is a package: its own file (`models/coupon/__init__.py`) has the noun's row and
verbs, the files beside it have what belongs to it, such as the terms of a coupon. What has a table and verbs of its own is
a noun of its own, even where it serves another (`sender_domain.py`).
"""

from models.chat_platform import ChatPlatform
from models.coupon import Coupon
from models.plan import Plan
from models.segment import Segment
from models.shop import Shop
from models.webhook import Webhook

__all__ = ["ChatPlatform", "Coupon", "Plan", "Segment", "Shop", "Webhook"]
