# SPDX-License-Identifier: Apache-2.0
"""A hub on this machine, for the tests of `wattle pull`: metadata, redirects to a second host (another
port), ranges, tokens, and every way of failing that a test asks for."""

import hashlib
import http.server
import json
import re
import ssl
import threading
import urllib.parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Trouble:
    """What goes wrong with the next bodies of files. One object a server; tests set it."""

    def __init__(self):
        self.cut_after = []       # bytes after which a connection is cut, one a request
        self.corrupt = 0          # how many bodies get one wrong byte
        self.short_by = 0         # bytes that the storage has less than the hub states
        self.ignore_ranges = False
        self.statuses = []        # (status, headers) instead of a file, one a request
        self.api_statuses = []    # the same instead of metadata
        self.api_body = None      # instead of metadata
        self.slow = 0.0           # seconds before each piece of a body
        self.pause = threading.Event()   # set: bodies are sent; a test clears it to hold them
        self.pause.set()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler, hub):
        super().__init__(("127.0.0.1", 0), handler)
        self.hub = hub
        if hub.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(hub.certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True,
                                              do_handshake_on_connect=False)
        # shutdown() waits for as long as the loop sleeps: half a second unless told.
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        scheme = "https" if self.hub.certificate else "http"
        return f"{scheme}://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        pass  # clients that go away are what many tests are about


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self, kind):
        with self.server.hub.lock:
            self.server.hub.requests.append(
                (kind, self.path, self.headers.get("Range"), self.headers.get("Authorization")))

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_file(self, data, etag):
        """The body with its range, spoilt as the test wants it."""
        trouble = self.server.hub.trouble
        with self.server.hub.lock:
            cut = trouble.cut_after.pop(0) if trouble.cut_after else None
            corrupt = trouble.corrupt > 0
            trouble.corrupt -= corrupt
            refusal = trouble.statuses.pop(0) if trouble.statuses else None
        if refusal:
            self.answer(refusal[0], b"no", refusal[1])
            return
        data = data[:len(data) - trouble.short_by]
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first, last = 0, len(data) - 1
        if wanted and not trouble.ignore_ranges:
            first = int(wanted[1])
            last = min(last, int(wanted[2] or last))
            if first >= len(data):
                self.answer(416, headers={"Content-Range": f"bytes */{len(data)}"})
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        else:
            self.send_response(200)
        body = bytearray(data[first:last + 1])
        if corrupt:
            body[len(body) // 2] ^= 1
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{etag}"')
        self.end_headers()
        trouble.pause.wait()
        if cut is not None:
            self.wfile.write(body[:cut])
            self.wfile.flush()
            self.close_connection = True
            return
        step = 16384
        for at in range(0, len(body), step):
            if trouble.slow:
                threading.Event().wait(trouble.slow)
            self.wfile.write(body[at:at + step])


class Storage(Handler):
    """The second host: files by their checksum. It must never see a token."""

    def do_GET(self):
        self.note("storage")
        data = self.server.hub.blobs.get(self.path.split("?")[0].strip("/"))
        if data is None:
            self.answer(404)
        else:
            self.send_file(data, sha256(data))


class Api(Handler):
    def do_CONNECT(self):
        self.note("CONNECT")
        self.answer(502)

    def do_GET(self):
        hub = self.server.hub
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)  # a proxy gets all of it
        authorized = self.headers.get("Authorization") == f"Bearer {hub.token}"
        if path.startswith("/api/models/"):
            self.note("api")
            self.send_metadata(hub, path, authorized)
        elif path.startswith("/plain/"):
            self.note("plain")
            self.send_file(hub.plain[path[len("/plain/"):]], "tag")
        else:
            self.note("resolve")
            self.redirect_to_file(hub, path, authorized)

    def send_metadata(self, hub, path, authorized):
        if hub.trouble.api_statuses:
            status, headers = hub.trouble.api_statuses.pop(0)
            self.answer(status, b"{}", headers)
            return
        match = re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/(.+)", path)
        repo = match and hub.repos.get(match[1])
        if repo is None or (match[1] in hub.private and not authorized):
            # As the hub does: a stranger is not told what exists.
            self.answer(404 if authorized else 401, b'{"error":"Repository not found"}',
                        {"X-Error-Code": "RepoNotFound"})
        elif match[2] not in ("main", COMMIT):
            self.answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        elif hub.trouble.api_body is not None:
            self.answer(200, hub.trouble.api_body)
        else:
            siblings = [{"rfilename": ".gitattributes", "size": 10, "blobId": "1"}]
            for name, data in repo.items():
                siblings.append({"rfilename": name, "size": len(data), "blobId": "2",
                                 "lfs": {"sha256": sha256(data), "size": len(data),
                                         "pointerSize": 134}})
            self.answer(200, json.dumps({"id": match[1], "sha": COMMIT, "gated": False,
                                         "siblings": siblings}).encode(),
                        {"Content-Type": "application/json"})

    def redirect_to_file(self, hub, path, authorized):
        match = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        data = match and hub.repos.get(match[1], {}).get(match[3])
        if match and match[1] in hub.gated and not authorized:
            self.answer(401, b"gated", {"X-Error-Code": "GatedRepo"})
        elif data is None:
            self.answer(404, b"", {"X-Error-Code": "EntryNotFound"})
        else:
            self.answer(302, b"moved", {
                "Location": f"{hub.storage.url}/{sha256(data)}?signature=1",
                "X-Linked-Etag": f'"{sha256(data)}"', "X-Linked-Size": str(len(data)),
                "X-Repo-Commit": COMMIT})


class Hub:
    def __init__(self, certificate=None):
        """Over TLS where there is a certificate: one file, with its key."""
        self.certificate = certificate
        self.lock = threading.Lock()
        self.requests = []    # (host, path, Range, Authorization)
        self.repos = {}       # ORG/NAME -> {path: bytes}
        self.blobs = {}       # sha256 -> bytes
        self.plain = {}       # name -> bytes, at /plain/
        self.private = set()
        self.gated = set()
        self.token = "hf_secret"
        self.trouble = Trouble()
        self.storage = Server(Storage, self)
        self.api = Server(Api, self)

    @property
    def url(self):
        return self.api.url

    def add(self, repo, files):
        self.repos[repo] = files
        self.blobs.update({sha256(data): data for data in files.values()})

    def count(self, kind):
        with self.lock:
            return sum(1 for request in self.requests if request[0] == kind)

    def close(self):
        self.trouble.pause.set()
        for server in (self.api, self.storage):
            server.shutdown()
            server.server_close()
