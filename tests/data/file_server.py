"""A real HTTP server for one file that can simulate faulty servers and networks."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOCK = 64 * 1024


@dataclass
class FileServer:
    """The served file, the faults to simulate, and a record of the downloads.

    Attributes:
        content: The file; every path leads to it.
        url: URL of the file.
        ranges: Whether the server supports range requests; if not, it always sends the entire file.
        cuts: Number of bytes after which the connection drops, for each of the first downloads.
        statuses: HTTP error codes that answer the first requests.
        bytes_per_second: Speed of the connection; None for no limit.
        login: Send a login page instead of the file.
        starts: Position of the first byte that each download requested.
        sent_bytes: Number of bytes sent to each download.
    """

    content: bytes
    url: str = ""
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    bytes_per_second: float | None = None
    login: bool = False
    starts: list[int] = field(default_factory=list)
    sent_bytes: list[int] = field(default_factory=list)


@contextmanager
def file_server(content: bytes, **behavior: object) -> Iterator[FileServer]:
    """Serve ``content`` on this machine."""
    served = FileServer(content, **behavior)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _answer(self, served)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_port}/archive.zip?download=1"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(request: BaseHTTPRequestHandler, served: FileServer) -> None:
    if served.statuses:
        request.send_error(served.statuses.pop(0))
        return
    if served.login:
        _send_page(request)
        return
    requested = re.fullmatch(r"bytes=([0-9]+)-", request.headers.get("Range", ""))
    start = int(requested[1]) if requested and served.ranges else 0
    size = len(served.content)
    if start >= size:
        request.send_error(416)
        return
    if requested and served.ranges:
        request.send_response(206)
        request.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
    else:
        request.send_response(200)
    request.send_header("Content-Type", "application/zip")
    request.send_header("Content-Length", str(size - start))
    request.end_headers()
    served.starts.append(start)
    served.sent_bytes.append(0)
    _send(request, served, start, len(served.sent_bytes) - 1)


def _send(request: BaseHTTPRequestHandler, served: FileServer, start: int, download: int) -> None:
    end = len(served.content)
    if served.cuts:
        end = min(end, start + served.cuts.pop(0))
    for position in range(start, end, BLOCK):
        block = served.content[position : min(position + BLOCK, end)]
        try:
            request.wfile.write(block)
        except OSError:  # the client has closed the connection
            return
        served.sent_bytes[download] += len(block)
        if served.bytes_per_second:
            time.sleep(len(block) / served.bytes_per_second)


def _send_page(request: BaseHTTPRequestHandler) -> None:
    page = b"<!DOCTYPE html><html><body>Please log in</body></html>"
    request.send_response(200)
    request.send_header("Content-Type", "text/html")
    request.send_header("Content-Length", str(len(page)))
    request.end_headers()
    request.wfile.write(page)
