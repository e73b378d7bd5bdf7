"""The client of the queues, for whoever enqueues jobs or runs them."""

from datetime import timedelta

import orjson
from arq.connections import ArqRedis, RedisSettings

from jobs.context import WORK_QUEUE
from settings import Settings


def redis_pool(settings: Settings) -> ArqRedis:
    """ARQ's client of the queues: JSON instead of pickle, and no command waits for ever."""
    url = settings.redis_url or ""
    parsed = RedisSettings.from_dsn(url)
    return ArqRedis(
        host=parsed.host if isinstance(parsed.host, str) else "localhost",
        port=parsed.port,
        db=parsed.database,
        username=parsed.username,
        password=parsed.password,
        unix_socket_path=parsed.unix_socket_path,
        ssl=parsed.ssl,
        socket_connect_timeout=5,
        socket_timeout=10,
        default_queue_name=WORK_QUEUE,
        job_serializer=orjson.dumps,
        job_deserializer=orjson.loads,
        expires_extra_ms=int(timedelta(days=1).total_seconds() * 1000),
    )
