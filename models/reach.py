"""Who may be written to, by which channel, and why not: the SQL that every statement deciding it shares (R8, R19).

The estimate, the audience, the loading of a slice and the change of channel all ask it of the same three rows: the
customer `c`, their relationship `r` with the shop, and what is known against their address, the suppression `u`.
"""

EMAIL_REFUSAL = """CASE WHEN c.email IS NULL THEN 'NO_ADDRESS'
             WHEN r.email_consent IS DISTINCT FROM 'SUBSCRIBED' THEN 'NO_CONSENT'
             WHEN u.email_key IS NOT NULL THEN 'ADDRESS_SUPPRESSED' END"""
"""Why no email may reach the customer; NULL when it may. Who has no relationship with the shop never consented."""

IS_BLOCKED = "(r.chat_blocked_at IS NOT NULL)"
"""Whether the customer blocked the shop's chat; who has no relationship with the shop did not."""


def refusal_by(channel: str) -> str:
    """Why the channel that a message was chosen for (CHAT, PLATFORM or EMAIL) may not reach the customer any more."""
    return f"CASE WHEN {channel} = 'EMAIL' THEN {EMAIL_REFUSAL} WHEN {IS_BLOCKED} THEN 'BLOCKED' END"


def chosen(wanted: str) -> str:
    """The channel of a plan's message, of `is_blocked` and `email_refusal`: email only where chat may not and email may."""
    return f"""CASE WHEN {wanted} = 'EMAIL' THEN 'EMAIL'
             WHEN {wanted} = 'CHAT' OR NOT is_blocked OR email_refusal IS NOT NULL THEN 'CHAT'
             ELSE 'EMAIL' END"""


def refusal(wanted: str) -> str:
    """Why nobody may be reached by a plan's channel, of `is_blocked` and `email_refusal`; NULL when they may."""
    return f"""CASE {wanted}
             WHEN 'EMAIL' THEN email_refusal
             WHEN 'CHAT' THEN CASE WHEN is_blocked THEN 'BLOCKED' END
             ELSE CASE WHEN is_blocked AND email_refusal IS NOT NULL THEN 'UNREACHABLE' END END"""
