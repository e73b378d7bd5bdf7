"""Whether a message promises a coupon is told by one entry of an index, not by the ledgers of smart coupons (R15, R16)."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

# Only messages that chose a coupon for their reader are in it; those of broadcasts pay nothing for it.
NAME = "delivery_coupon"
COUPON = "((frozen ->> 'couponId')::int)"
INDEX = f"CREATE INDEX CONCURRENTLY {NAME} ON delivery ({COUPON}) WHERE {COUPON} IS NOT NULL"


class Migration(Migration):  # type: ignore[no-redef]
    """Messages by the coupon that they chose."""

    # The index is built beside those who write; one that was left half-built by a failure is made anew.
    atomic = False
    dependencies = [("models", "0030_leaving_by_shop")]
    operations = [RunSQL(statement, atomic=False) for statement in (f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}", INDEX)]
