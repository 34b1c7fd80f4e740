#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""range_server.py FOLDER PORT_FILE LOG: serves a folder on a free port of the loopback interface, with ranges.

The port is written to PORT_FILE, one line for each request to LOG: path, range, bytes sent. A file FOLDER/cut
holds a number: the next answer with a body breaks off after so many bytes (once). While there is a file
FOLDER/no-ranges, ranges are ignored and the whole file comes."""
import http.server
import os
import sys

FOLDER, PORT_FILE, LOG = sys.argv[1:4]


def take_cut():
    try:
        with open(os.path.join(FOLDER, "cut")) as file:
            cut = int(file.read())
        os.remove(os.path.join(FOLDER, "cut"))
        return cut
    except FileNotFoundError:
        return None


class Handler(http.server.BaseHTTPRequestHandler):
    def first_byte(self, size):
        value = self.headers.get("Range", "")
        if os.path.exists(os.path.join(FOLDER, "no-ranges")):
            return 0, 200
        if value.startswith("bytes=") and value.endswith("-"):
            return int(value[6:-1]), 206
        return 0, 200

    def log(self, text):
        with open(LOG, "a") as file:
            file.write(text + "\n")

    def do_GET(self):
        path = os.path.join(FOLDER, self.path.lstrip("/"))
        if ".." in self.path or not os.path.isfile(path):
            self.log(f"{self.path} 404")
            self.send_error(404)
            return
        with open(path, "rb") as file:
            body = file.read()
        first, status = self.first_byte(len(body))
        if first > 0 and first >= len(body):
            self.log(f"{self.path} 416")
            self.send_error(416)
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) - first))
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        cut = take_cut() if len(body) > 4096 else None
        part = body[first:] if cut is None else body[first:first + cut]
        self.wfile.write(part)
        self.log(f"{self.path} {status} from {first} sent {len(part)}")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(PORT_FILE + ".new", "w") as file:
    file.write(str(server.server_address[1]))
os.rename(PORT_FILE + ".new", PORT_FILE)
server.serve_forever()
