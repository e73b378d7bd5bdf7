"""Segments: named audiences of one shop, seven of them given (R4–R7), each with the history of its definition."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
from tortoise import fields
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models import database, words
from models.clock import now
from models.condition import PRESETS, Definition, SegmentPreset, read_stored, stored
from models.errors import MOST_NAMED, ErrorCode, named, refuse
from models.page import Ordering
from models.segment.definition import advice, check_plans
from models.segment.member import Question
from models.shop import Shop

MAX_NAME = 200
"""Characters of a name."""

MAX_SEGMENTS = 1000
"""Most segments, presets included, that a shop may have beside its archived ones."""

BY_SYSTEM = "SYSTEM"
"""Who makes and follows up the presets."""

BY_ID = Ordering("segment", (("id", "integer"),))
"""Presets first, then the oldest first."""

MAX_VERSIONS_TOLD = 100
"""The latest of a segment that are told."""


class SegmentKind(StrEnum):
    """Whether a segment is given or a shop's own."""

    PRESET = "PRESET"
    CUSTOM = "CUSTOM"


class Segment(Model):
    """A definition with a name. A preset has its `preset` code and is never edited."""

    id = fields.IntField(primary_key=True)
    shop: fields.ForeignKeyRelation[Shop] = fields.ForeignKeyField("models.Shop", related_name=False)
    shop_id: int
    preset = fields.CharEnumField(SegmentPreset, null=True)
    name = fields.TextField()
    definition: Any = fields.JSONField()
    version = fields.IntField(default=1)
    archived_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    class Meta:
        table = "segment"

    @classmethod
    async def make(cls, shop: Shop, name: str, definition: Definition, *, actor: str) -> "Segment":
        """Keep a new segment of the shop. Refused when its name or definition cannot be, or there are too many."""
        name = _checked_name(name)
        await check_plans(shop, definition)
        at = now()
        async with database.transaction():
            await database.execute("SELECT FROM shop WHERE id = $1 FOR NO KEY UPDATE", shop.id)
            if await cls.filter(shop_id=shop.id, archived_at=None).count() >= MAX_SEGMENTS:
                raise refuse("", f"A shop has at most {MAX_SEGMENTS} segments; archive one first.", ErrorCode.TOO_MANY)
            made = await cls.create(
                shop_id=shop.id, name=name, definition=stored(definition), created_at=at, updated_at=at
            )
            await _note_version(made, actor)
        return made

    async def edit(self, shop: Shop, *, name: str | None, definition: Definition | None, actor: str) -> "Segment":
        """Change the name, the definition or both. A changed definition is a new version.

        Refused, and nothing changed, for presets and archived segments. Plans that were submitted keep the
        version they were submitted with.
        """
        if definition is not None:
            await check_plans(shop, definition)
        async with database.transaction():
            await self._hold()
            self._require_own()
            if name is not None:
                self.name = _checked_name(name)
            if definition is not None and stored(definition) != self.definition:
                self.definition = stored(definition)
                self.version += 1
            self.updated_at = now()
            await self.save()
            await _note_version(self, actor)
        return self

    async def duplicate(self, shop: Shop, *, name: str | None, actor: str, language: str = words.FALLBACK) -> "Segment":
        """A new segment of the shop's own with the same definition; also of a preset or an archived one.

        Without a `name` it is called after this one, as that is called in the seller's `language`.
        """
        called = name or f"{self.name_in(language)} (2)"[-MAX_NAME:]
        return await Segment.make(shop, called, self.condition(), actor=actor)

    async def archive(self) -> "Segment":
        """Put it out of sight. Refused for presets, and while a plan that has not started yet goes to it."""
        async with database.transaction():
            await self._hold()
            self._require_own()
            if waiting := await self._waiting_plans():
                message = f"Plans that have not started yet go to it: {named(waiting)}."
                raise refuse("id", message, ErrorCode.CONFLICT)
            self.archived_at = self.updated_at = now()
            await self.save()
        return self

    async def _hold(self) -> None:
        await database.execute("SELECT FROM segment WHERE id = $1 FOR UPDATE", self.id)
        await self.refresh_from_db()

    def _require_own(self) -> None:
        if self.preset is not None:
            raise refuse("id", "A preset cannot be changed; duplicate it.", ErrorCode.CONFLICT)
        if self.archived_at is not None:
            raise refuse("id", "The segment is archived.", ErrorCode.CONFLICT)

    async def _waiting_plans(self) -> list[str]:
        rows = await database.fetch(
            "SELECT name FROM plan WHERE shop_id = $1 AND segment_id = $2"
            " AND (status = 'SCHEDULED' OR (status = 'PAUSED' AND started_at IS NULL)) ORDER BY id LIMIT $3",
            self.shop_id,
            self.id,
            MOST_NAMED + 1,
        )
        return [row["name"] for row in rows]

    def name_in(self, language: str) -> str:
        """What it is called: a preset in the seller's language, another as they called it."""
        return self.name if self.preset is None else words.preset_name(self.preset, language)

    def advice(self, language: str = words.FALLBACK) -> list[str]:
        """What would make it better (R6): nothing about a preset, which nobody can change."""
        return advice(self.condition(), language) if self.preset is None else []

    def condition(self) -> Definition:
        """The definition as a value."""
        return read_stored(self.definition)

    def question(self, as_of: datetime | None = None) -> Question:
        """The definition asked of the shop's customers."""
        return Question(self.shop_id, self.condition(), as_of)


async def hold(segment_id: int) -> None:
    """Let the segment be neither changed nor archived until the transaction ends, so that a plan may go to it."""
    await database.execute("SELECT FROM segment WHERE id = $1 FOR SHARE", segment_id)


def listed(
    shop_id: int, *, kind: SegmentKind | None = None, archived: bool = False, search: str = ""
) -> QuerySet[Segment]:
    """The shop's segments, or instead its archived ones, of a kind, with `search` in their names."""
    query = Segment.filter(shop_id=shop_id, archived_at__isnull=not archived)
    if kind is not None:
        query = query.filter(preset__isnull=kind is SegmentKind.CUSTOM)
    return query.filter(name__icontains=search) if search else query


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if len(name) > MAX_NAME:
        raise refuse("name", f"must be a text of 1–{MAX_NAME} characters, not {len(name)}", ErrorCode.TOO_LONG)
    if not name:
        raise refuse("name", f"must be a text of 1–{MAX_NAME} characters")
    unseen = next((each for each in name if not each.isprintable()), None)
    if unseen:
        raise refuse("name", f"must hold no invisible character, such as U+{ord(unseen):04X}")
    return name


@dataclass(frozen=True, slots=True)
class Version:
    """What a segment's definition was from a time on."""

    version: int
    definition: Definition
    changed_at: datetime


async def versions(segment_ids: Sequence[int]) -> list[list[Version]]:
    """Each segment's definitions, the newest first, at most the last hundred; in one statement."""
    rows = await database.fetch(
        "SELECT segment_id, told.* FROM unnest($1::int[]) AS asked (segment_id) CROSS JOIN LATERAL ("
        " SELECT version, definition, changed_at FROM segment_version v"
        " WHERE v.segment_id = asked.segment_id ORDER BY version DESC LIMIT $2) AS told"
        " ORDER BY segment_id, version DESC",
        segment_ids,
        MAX_VERSIONS_TOLD,
    )
    found: dict[int, list[Version]] = {segment_id: [] for segment_id in segment_ids}
    for segment_id, version, definition, changed_at in rows:
        read = read_stored(database.decode(definition))
        found[segment_id].append(Version(version, read, changed_at))
    return [found[segment_id] for segment_id in segment_ids]


async def _note_version(segment: Segment, actor: str) -> None:
    await database.execute(
        "INSERT INTO segment_version (segment_id, version, definition, changed_by, changed_at)"
        " SELECT id, version, definition, $2, updated_at FROM segment WHERE id = $1 ON CONFLICT DO NOTHING",
        segment.id,
        actor,
    )


async def ensure_presets(shops: Sequence[Shop]) -> None:
    """Give the shops their seven presets; those that exist follow the present definition and time zone."""
    rows = [
        (shop.id, preset.value, name, orjson.dumps(stored(Definition(condition, shop.time_zone))).decode())
        for shop in shops
        for preset, (name, condition) in PRESETS.items()
    ]
    await database.execute(_ENSURE_PRESETS, *(list(column) for column in zip(*rows, strict=True)), now(), BY_SYSTEM)


_ENSURE_PRESETS = """
WITH changed AS (
    INSERT INTO segment (shop_id, preset, name, definition, created_at, updated_at)
    SELECT shop_id, preset, name, definition, $5, $5
    FROM unnest($1::integer[], $2::text[], $3::text[], $4::jsonb[]) AS t (shop_id, preset, name, definition)
    ON CONFLICT (shop_id, preset) DO UPDATE
    SET definition = excluded.definition, version = segment.version + 1, updated_at = excluded.updated_at
    WHERE segment.definition IS DISTINCT FROM excluded.definition
    RETURNING id, version, definition, updated_at
)
INSERT INTO segment_version (segment_id, version, definition, changed_by, changed_at)
SELECT id, version, definition, $6, updated_at FROM changed"""
