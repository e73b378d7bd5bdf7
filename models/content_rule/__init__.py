"""What a message may not contain (R13): ways out of the shop.

No links, no other messengers, no phone numbers and no e-mail addresses; where a message leads is its
button's and its products' business. What is found is named as it was written, with its place.
"""

from models.content_rule.match import Match, WayOut, check, without

__all__ = ["Match", "WayOut", "check", "without"]
