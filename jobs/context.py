"""What a job is given: ARQ's context, typed."""

import asyncio
from typing import TypedDict
from uuid import UUID

from arq.connections import ArqRedis

from jobs.channels import Channel
from jobs.channels.bookkeeping.tally import Tally
from jobs.channels.http.poster import Poster
from models.complaints import Complaints
from models.slice import SliceKey
from settings import Settings

LOADED_AT_ONCE = 2
"""Slices that a process loads at the same time."""


class Context(TypedDict):
    """ARQ's job context. `redis` is also the queue's client; `working` has the slices this process works on.

    `poster` posts to what shops named, for the chat platforms' channel as well. `loading` lets a few slices be
    loaded at a time, so that the first messages are on their way while others are still read. `complaints` are what
    this process told of outages: all its timers and queues meet the same ones.
    """

    redis: ArqRedis
    settings: Settings
    worker_id: UUID
    channels: dict[str, Channel]
    working: dict[UUID, SliceKey]
    tally: Tally
    poster: Poster
    loading: asyncio.Semaphore
    complaints: Complaints
