"""The API server, and the command line: `.venv/bin/python server.py --help`.

Each command loads what it alone needs where it begins, so that a worker does not carry the API, nor the
process that watches over both of them either.
"""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while modules load: no command is there yet to end in order

import argparse
import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from local.engines import engines, running
from local.keys import with_keys
from local.mailbox_page import mailbox_routes
from models import database, migration
from models.caller import SELLER, Role
from models.clock import clock, shift_of
from models.live import Listener
from operations.command_line import run_command
from operations.complaint import complain_until_the_database_answers
from operations.listening import inherited, listen, url_of
from operations.requests import RequestLog
from operations.traces import traced
from operations.trouble import CannotRun
from settings import Settings

if TYPE_CHECKING:
    import uvicorn

DATABASE = ("database_url",)
DATABASE_AND_REDIS = ("database_url", "redis_url")
"""What commands connect to, but for workers, `run` and `doctor`, which need the mail relay as well."""


def create_app(settings: Settings) -> Starlette:
    """The whole HTTP surface over the engines that `settings` name."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with traced("rekindle-api"):  # here, since the signal that ends uvicorn ends the process
            async with engines_of(settings) as (queue, listener):
                app.state.queue, app.state.listener = queue, listener
                yield

    app = Starlette(routes=_routes(settings), lifespan=lifespan, middleware=[Middleware(RequestLog)])
    # It would lead to http, behind a proxy that speaks TLS, and to whatever host a request names: with its bearer token.
    app.router.redirect_slashes = False
    return app


@contextlib.asynccontextmanager
async def engines_of(settings: Settings) -> AsyncIterator[tuple[Redis, Listener]]:
    """Connections to PostgreSQL and Redis for the life of the app: the queue, and the listener for live news.

    Neither engine has to be up: what needs one fails clearly until it is, and /ready says so.
    """
    from jobs.queue import redis_pool

    assert settings.redis_url is not None
    async with database.connected(
        settings,
        pool=settings.database_pool,
        statement_timeout=settings.statement_timeout,
        application="rekindle api",
    ):
        queue = redis_pool(settings)
        news = Redis.from_url(settings.redis_url)  # its own, since it waits without a time limit
        listener = Listener(news)
        tasks = [asyncio.create_task(listener.run()), asyncio.create_task(complain_until_the_database_answers())]
        try:
            yield queue, listener
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await news.aclose()
            await queue.aclose()


def _routes(settings: Settings) -> list[BaseRoute]:
    from prometheus_client import CollectorRegistry

    from operations.exposition import Exposition
    from operations.readiness import Readiness, alive
    from resolvers.mail_report import Reports
    from resolvers.token import Verifier
    from resolvers.touch import Touches
    from resolvers.unsubscribe import Unsubscribe
    from schema.execution.traffic import Traffic
    from schema.serving.console import console_files, to_console
    from schema.serving.download import Downloads
    from schema.serving.transport import create_graphql_app

    registry = CollectorRegistry()
    verifier = Verifier(settings)
    graphql = create_graphql_app(settings, verifier, Traffic(registry))
    readiness = Readiness(settings)
    touches, unsubscribe = Touches(settings), Unsubscribe(settings)
    downloads = Downloads(settings, verifier)
    routes: list[BaseRoute] = [
        Route("/graphql", graphql),
        WebSocketRoute("/graphql", graphql.app),
        Route("/health", alive),
        Route("/ready", readiness.ready),
        Route("/metrics", Exposition(settings, registry, readiness).answer),
        Route("/exports/plans/{plan}/{name}", downloads.by_token),
        Route("/exports/{token}", downloads.by_link),
        Route("/unsubscribe/{token}", unsubscribe.answer, methods=["GET", "POST"]),
        Route("/mail/{token}/{target}", touches.answer),
    ]
    if settings.bounce_secret:
        routes.append(Route("/bounces", Reports(settings).answer, methods=["POST"]))
    if not settings.production:
        routes += [Route("/", to_console), Mount("/console", console_files())]
    if settings.mailbox_directory and not settings.production:  # it asks nobody who they are
        routes += mailbox_routes(settings.mailbox_directory)
    return routes


def run(settings: Settings, arguments: argparse.Namespace) -> None:
    """Run everything until Ctrl-C: engines, migration, demo shops, API and worker."""
    with_demo = settings.database_url is None if arguments.demo is None else arguments.demo
    with listen(settings.host, settings.port) as listener:
        from local.run import run as run_everything

        run_everything(settings, listener, partial(greeting, with_demo=with_demo), with_demo=with_demo)


def greeting(settings: Settings, *, with_demo: bool) -> list[str]:
    """Where to look once everything runs."""
    base = settings.public_url or ""
    lines = [f"ready: {base}/graphql", ""]
    if not settings.production:
        lines.append(f"  GraphiQL, with examples  {base}/graphql")
        if settings.mailbox_directory:
            lines.append(f"  Mails that went out      {base}/mailbox")
        lines.append("")
    if settings.token_secret is None:
        lines.append("  Tokens come from your own issuer.")
    else:
        lines += _tokens_of_the_demo(settings, base) if with_demo else _tokens_of_the_platform(settings)
    return [*lines, "", "  Stop with Ctrl-C.", ""]


def _tokens_of_the_demo(settings: Settings, base: str) -> list[str]:
    """A token of each kind for the demo's first shop, and what to try with them."""
    from local.demo.automated_plans import CART_DELAY, curl_line, reader_of
    from local.demo.shops import demo_shops

    told = demo_shops()[0]
    shop, reader = told.external_id, reader_of(told)
    lines = []
    for role, subject, whose in (
        (Role.OWNER, "demo", f"{told.name}'s"),
        (Role.PLATFORM, "demo", "the marketplace's"),
        (Role.CUSTOMER, reader, f"the shopper {reader}'s"),
    ):
        lines += [f"  {role} token ({whose}), for 12 hours:", f"  Bearer {_token(settings, role, subject, shop)}", ""]
    platform = _token(settings, Role.PLATFORM, "demo", shop)
    return [
        *lines,
        f"  Others, such as another shopper's: {_python()} server.py token --role CUSTOMER --subject customer-00042",
        "",
        f"  Put something into {reader}'s cart. The demo's reminder is in their inbox {CART_DELAY.seconds} to 20 seconds",
        "  later (a seller's comes after an hour at the earliest), once for each cart:",
        f"  {curl_line(base, platform, told)}",
    ]


def _tokens_of_the_platform(settings: Settings) -> list[str]:
    """A token for who makes the shops, and how to get those for a shop that is there then."""
    return [
        "  PLATFORM token (the marketplace's), for 12 hours:",
        f"  Bearer {_token(settings, Role.PLATFORM, 'local', None)}",
        "",
        f"  Others, such as a seller's: {_python()} server.py token --role OWNER --shop SHOP",
    ]


def _python() -> str:
    """Our Python, as it is called from the present directory."""
    path = Path(sys.executable)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def serve(settings: Settings, arguments: argparse.Namespace) -> None:
    """Run the API alone."""
    import uvicorn

    given = arguments.listener
    with (
        inherited(given) if given else listen(settings.host, settings.port) as listener,
        engines(settings, needs=DATABASE_AND_REDIS) as found,
    ):
        config = http_server(_app(with_keys(found)))
        if not given:
            print(f"serving {url_of(listener)}/graphql", flush=True)
        uvicorn.Server(config).run(sockets=[listener])


def http_server(app: Starlette) -> "uvicorn.Config":
    """How uvicorn serves the app."""
    import uvicorn

    from schema.cost.limits import MAX_MESSAGE
    from schema.serving.frames import Frames
    from schema.serving.heads import Heads

    return uvicorn.Config(
        app,
        loop="uvloop",
        http=Heads,
        ws=Frames,
        ws_max_size=MAX_MESSAGE,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )


def _app(settings: Settings) -> Starlette:
    try:
        return create_app(settings)
    except ValueError as error:  # a key that is too short, or none
        raise CannotRun(str(error)) from None


def work(settings: Settings, _arguments: argparse.Namespace) -> None:
    """Run a worker alone."""
    import uvloop

    from jobs.worker import main

    with engines(settings) as found, traced("rekindle-worker"):
        uvloop.run(main(with_keys(found, "secret_key")))


def bounces(settings: Settings, _arguments: argparse.Namespace) -> None:
    """Take bounces and complaints from your mail server, over LMTP or SMTP."""
    import uvloop

    from operations.bounces import main

    with engines(settings, needs=DATABASE) as found, traced("rekindle-bounces"):
        uvloop.run(main(found if found.link_keys else with_keys(found, "secret_key")))


def migrate(settings: Settings, _arguments: argparse.Namespace) -> None:
    """Bring the database's schema up to date."""
    with engines(settings, needs=DATABASE) as found:
        assert found.database_url is not None
        asyncio.run(migration.migrate(found.database_url))


def token(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print a bearer token for local use."""
    found = with_keys(running(settings) or settings)
    role = Role(arguments.role)
    if role in SELLER and arguments.shop is None:
        raise CannotRun(f"the role {role} needs --shop, the external id of its shop")
    if role is Role.CUSTOMER and arguments.subject is None:
        raise CannotRun("the role CUSTOMER needs --subject, the external id of the shopper")
    print(_token(found, role, arguments.subject or "local", arguments.shop, timedelta(hours=arguments.hours)))


def _token(
    settings: Settings, role: Role, subject: str, shop: str | None, lifetime: timedelta = timedelta(hours=12)
) -> str:
    from resolvers.token import mint

    if settings.token_secret is None:
        raise CannotRun("tokens come from your own issuer here: TOKEN_SECRET is not set")
    clock.shift = shift_of(settings.clock)
    return mint(
        settings.token_secret.get_secret_value(),
        role=role,
        subject=subject,
        shop=shop if role in SELLER else None,
        lifetime=lifetime,
        audience=settings.token_audience,
    )


def import_(settings: Settings, arguments: argparse.Namespace) -> int:
    """Import the rows of an NDJSON file into a shop; exit code 3 when some were refused."""
    from operations.file_import import import_with_progress

    with engines(settings, needs=DATABASE) as found:
        return asyncio.run(import_with_progress(with_keys(found, "secret_key"), arguments.file, arguments.shop))


def restored(settings: Settings, arguments: argparse.Namespace) -> None:
    """Make a restored database fit to send from, without repeating what went out since the backup."""
    from operations.restored import restored as make_fit

    with engines(settings, needs=DATABASE_AND_REDIS) as found:
        for line in asyncio.run(make_fit(found, nothing_lost=arguments.nothing_lost, anyway=arguments.anyway)):
            print(line)


def stop_sending(settings: Settings, arguments: argparse.Namespace) -> None:
    """Let nothing leave, of any shop, by any channel, until resume-sending."""
    from operations import stop

    with engines(settings, needs=DATABASE) as found:
        print(asyncio.run(stop.stop_sending(found, arguments.reason)))


def resume_sending(settings: Settings, _arguments: argparse.Namespace) -> None:
    """Let everything go on after stop-sending."""
    from operations import stop

    with engines(settings, needs=DATABASE) as found:
        print(asyncio.run(stop.resume_sending(found)))


def export_customer(settings: Settings, arguments: argparse.Namespace) -> None:
    """Write everything that is stored about a customer to a file, as JSON."""
    from operations.privacy import export_to

    with engines(settings, needs=DATABASE) as found:
        asyncio.run(export_to(found, arguments.customer, arguments.file))


def erase_customer(settings: Settings, arguments: argparse.Namespace) -> None:
    """Forget who a customer is, for good; what was counted stays counted."""
    from operations.privacy import erase_now

    with engines(settings, needs=DATABASE) as found:
        asyncio.run(erase_now(with_keys(found, "secret_key"), arguments.customer))


def doctor(settings: Settings, _arguments: argparse.Namespace) -> None:
    """Check settings, engines, clocks, relays and schema, and say how to mend each."""
    from operations.doctor import examine, judge

    with engines(settings) as found:
        diagnoses = asyncio.run(examine(found))
    for diagnosis in diagnoses:
        print(diagnosis)
    judge(diagnoses)


def export_plan(settings: Settings, arguments: argparse.Namespace) -> None:
    """Write a plan's ledger or figures to a file or standard output."""
    from models.export import ExportContent, ExportFormat
    from operations.plan_export import export_plan as write

    with engines(settings, needs=DATABASE) as found:
        asyncio.run(
            write(
                found,
                shop=arguments.shop,
                plan=arguments.plan,
                content=ExportContent(arguments.content.upper()),
                form=ExportFormat(arguments.format.upper()),
                to=arguments.output,
            )
        )


COMMANDS = {
    "run": run, "serve": serve, "work": work, "bounces": bounces, "migrate": migrate, "token": token, "import": import_,
    "restored": restored, "doctor": doctor,
    "stop-sending": stop_sending, "resume-sending": resume_sending,
    "export-customer": export_customer, "erase-customer": erase_customer,
    "export-plan": export_plan,
}  # fmt: skip


def main(words: list[str] | None = None) -> int:
    """Run the command that `words` (or this process's arguments) name; its exit code."""
    return run_command(COMMANDS, words)


if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
