"""The Litestar application: screens, JSON API, health; what comes before it is `inbound`."""

from pathlib import Path

from litestar import Litestar
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from tocsin.web import api, headers, pages, templating
from tocsin.web.problems import HANDLERS
from tocsin.web.services import Services
from tocsin.web.units import asking

STATIC = Path(__file__).parent / "static"
BODY_MAX = 4 * 1024 * 1024
# a stream that waits in a compressor's buffer is not live
COMPRESSION = CompressionConfig(
    backend="gzip", gzip_compress_level=5, minimum_size=1000, exclude=["^/live", r"\.woff2$"]
)


def build_site(services: Services) -> Litestar:
    """Put the routes together."""
    routes: list[ControllerRouterHandler] = [*api.ROUTES, *pages.ROUTES]
    if STATIC.is_dir():
        routes.append(
            create_static_files_router(
                path="/static",
                directories=[STATIC],
                cache_control=headers.IMMUTABLE,
                name="static",
            )
        )
    return Litestar(
        route_handlers=routes,
        dependencies={"asking": Provide(asking)},
        exception_handlers=HANDLERS,
        template_config=templating.config(),
        compression_config=COMPRESSION,
        before_send=[headers.complete],
        openapi_config=api.OPENAPI,
        state=State({"services": services}),
        request_max_body_size=BODY_MAX,
        logging_config=None,  # `kernel/logs.py` has set up the one log there is
        debug=False,
    )  # fmt: skip
