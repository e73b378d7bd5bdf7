"""The language that a plan's customers read whose own it has no text in, kept with the plan (R14)."""

from tortoise.migrations import Migration
from tortoise.migrations.operations import RunSQL

# A name that `shop` has not: older workers read `p.*` beside `s.default_language`. What they submit has none, which
# means the shop's. Of what was submitted before, some have no text in what is the shop's default language by now.
FALLBACK = """
ALTER TABLE plan ADD COLUMN fallback_language text;
UPDATE plan p SET fallback_language = CASE
    WHEN p.content -> 'texts' ? s.default_language THEN s.default_language
    ELSE (SELECT min(tag) FROM jsonb_object_keys(p.content -> 'texts') AS t(tag)) END
FROM shop s WHERE s.id = p.shop_id AND p.submitted_at IS NOT NULL;
"""


class Migration(Migration):  # type: ignore[no-redef]
    """Plans keep their fallback."""

    dependencies = [("models", "0015_retention")]
    operations = [RunSQL(FALLBACK)]
