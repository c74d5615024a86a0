"""A web site on loopback: certificate revocation lists, and responders (OCSP) that openssl answers for."""

import base64
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site:
    """Serves what is put on it; anything else is not found. `asked` are the paths that were asked for."""

    def __init__(self):
        self._pages = {}
        self.asked = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_failure):
        self._server.shutdown()
        self._server.server_close()

    def url(self, path):
        return f"http://127.0.0.1:{self._server.server_port}/{path}"

    def put(self, path, answer):
        """`answer` is bytes, or makes bytes of a request's; returns the address."""
        self._pages[path] = answer
        return self.url(path)

    def _handler(site):
        """Answers POST, and GET with the request as a part of the path (RFC 6960, A.1)."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                path, _, request = self.path.removeprefix("/").partition("/")
                self._answer(path, base64.b64decode(urllib.parse.unquote(request)))

            def do_POST(self):
                self._answer(self.path.removeprefix("/"), self.rfile.read(int(self.headers["Content-Length"])))

            def _answer(self, path, request):
                site.asked.append(path)
                page = site._pages.get(path)
                if page is None:
                    self.send_error(404)
                    return
                body = page(request) if callable(page) else page
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):
                pass

        return Handler
