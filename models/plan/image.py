"""A plan's image: one for all its languages, named by its address (R13). Its readers' programs fetch it, never we."""

from urllib.parse import urlsplit

from models.errors import ErrorCode, Problem
from models.public_address import may_be_public

MAX_LENGTH = 2_000


def check_image(url: str | None) -> list[Problem]:
    """What is wrong with the address of a plan's image; nothing when it may be shown, or there is none."""
    if url is None:
        return []
    if len(url) > MAX_LENGTH:
        message = f"An image's address has at most {MAX_LENGTH:,} characters, not {len(url):,}."
        return [Problem(("imageUrl",), message, ErrorCode.TOO_LONG, "R13")]
    fault = _fault(url)
    return [Problem(("imageUrl",), fault, rule="R13")] if fault else []


def _fault(url: str) -> str | None:
    """Why nobody could be shown what is there, or should be."""
    if not all("!" <= each <= "~" for each in url):
        return "An image's address holds no blanks, and other letters than those of ASCII percent-encoded."
    try:
        parts = urlsplit(url)
        is_whole = parts.hostname and parts.port != 0
    except ValueError:
        is_whole = False
    if not url.lower().startswith("https://"):
        return "An image's address must begin with https://."
    if not is_whole:
        return "This is no address of an image, such as https://shop.example/spring.png."
    if parts.username is not None or parts.password is not None:
        return "An image's address must hold no user name or password: every reader would have it."
    # Or readers' own networks could be called by their mail programs, and a seller's own machine is nobody else's.
    if not may_be_public(parts.hostname or ""):
        return "An image's address must lead to a public address: those who read the message fetch it."
    return None
