"""Who a shop's mail is from and where the shop is, how its domains are found, and since when an address holds."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

SHOP = """
ALTER TABLE shop
    ADD COLUMN sender_address text,
    ADD COLUMN reply_to text,
    ADD COLUMN postal_address text;
"""

# What DNS says of a domain that mail is from. `asked_at` brings the next look forward; what a look could not find out
# leaves the state as it was.
DOMAIN = """
CREATE TABLE sender_domain (
    domain       text PRIMARY KEY,
    state        text NOT NULL CHECK (state IN ('UNCHECKED', 'VERIFIED', 'FAILED')),
    findings     jsonb NOT NULL DEFAULT '[]',
    checked_at   timestamptz,
    due_at       timestamptz NOT NULL
);
CREATE INDEX sender_domain_due ON sender_domain (due_at);
"""

# A report about an older address must not shut out the present one.
CUSTOMER = """
ALTER TABLE customer ADD COLUMN email_changed_at timestamptz;
"""


class Migration(Migration):  # type: ignore[no-redef]
    """What the sender of mail is known by."""

    dependencies = [("models", "0005_metric"), ("models", "0003_delivery")]
    operations = [RunSQL(sql) for sql in (SHOP, DOMAIN, CUSTOMER)]
