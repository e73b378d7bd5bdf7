"""Days are made anew only once whoever wrote by a shop's old time zone has ended, those who began after the change too (R23).

The number of the transaction that changes a time zone says nothing of them: until it is committed, who has a later number
still writes by the old one. So it is noted that none is known yet, and whoever sees the change committed takes its own.
"""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

# The greatest number there is: it never comes, so that workers of an earlier version leave the shop alone meanwhile.
ZONE_CHANGED = """
CREATE OR REPLACE FUNCTION metric_zone_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO metric_rebuild VALUES (NEW.id, '18446744073709551615')
    ON CONFLICT (shop_id) DO UPDATE SET since = excluded.since;
    RETURN NULL;
END $$;
"""


class Migration(Migration):  # type: ignore[no-redef]
    """Changes of time zones, noted so that their last writers are known."""

    dependencies = [("models", "0027_quiet_hours_changed")]
    operations = [RunSQL(ZONE_CHANGED)]
