"""`gradient-clinic api`: serve the HTTP API."""

import argparse

from service.cli.arguments import Commands, port


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("api", help="serve the HTTP API (Redis at REDIS_URL)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=port, default=8000, help="port to listen on (default: %(default)s)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    import uvicorn  # here: the other commands start faster without it

    from service.app import create_app

    uvicorn.run(
        create_app(), host=options.host, port=options.port, log_level="warning", timeout_graceful_shutdown=5
    )
    return 0
