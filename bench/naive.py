"""The yardstick of email: what one writes first, a job per recipient, each mail built and sent on its own.

An ARQ worker with as many jobs at once as there are connections to compare with; unlike ARQ's own default it hardly
pauses between looks at its queue, which would bound it by far. Each job reads its customer, builds an `EmailMessage`,
sends it with `aiosmtplib.send`, and notes that it did.
"""

import os
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any

import aiosmtplib
import asyncpg
from arq import run_worker
from arq.connections import RedisSettings

from bench.recipients import SUBJECTS, TEXTS

QUEUE = "naive"


async def send(ctx: dict[str, Any], customer_id: str) -> None:
    """Mail one customer."""
    row = await ctx["database"].fetchrow("SELECT name, email, language FROM customer WHERE id = $1", customer_id)
    text = TEXTS[row["language"]].format(name=row["name"], shop="Bench")
    message = EmailMessage()
    message["From"] = "Bench <bench@example.com>"
    message["To"] = row["email"]
    message["Subject"] = SUBJECTS[row["language"]].format(name=row["name"])
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="example.com")
    message.set_content(text)
    message.add_alternative(f"<html><body><p>{text}</p></body></html>", subtype="html")
    await aiosmtplib.send(message, hostname="127.0.0.1", port=int(os.environ["SINK_PORT"]), start_tls=False)
    await ctx["database"].execute("UPDATE naive SET sent_at = now() WHERE customer_id = $1", customer_id)


async def startup(ctx: dict[str, Any]) -> None:
    """Open the database."""
    ctx["database"] = await asyncpg.create_pool(os.environ["DATABASE_URL"])


def main() -> None:
    """Work until told to stop."""
    run_worker(
        {
            "functions": [send],
            "on_startup": startup,
            "queue_name": QUEUE,
            "redis_settings": RedisSettings.from_dsn(os.environ["REDIS_URL"]),
            "max_jobs": int(os.environ["JOBS"]),
            "poll_delay": 0.01,
        }
    )


if __name__ == "__main__":
    main()
