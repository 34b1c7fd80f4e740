#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A camera on loopback that misbehaves as asked: mjpeg_server.py PORT_FILE PICTURE...

/good             multipart, boundary and Content-Length as they should be, pictures in turn until the other side goes
/nolength         the same without Content-Length
/quoted           the boundary in quotes
/dashes           the dashes of the boundary belong to its name
/wrongboundary    the header names another boundary than the body has
/bare             one JPEG for each request
/cut              every picture breaks off half-way
/hugelength       a part of a terabyte is announced
/badlength        a Content-Length that is no number
/slow             a picture every 300 ms
/silent           an answer's head, and then nothing
/missing          404
/text             text
"""
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PICTURES = [open(path, "rb").read() for path in sys.argv[2:]]


class Camera(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def head(self, content_type, status=200):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.end_headers()

    def parts(self, named, used, length="right", pause=0.02, cut=False):
        self.head("multipart/x-mixed-replace; boundary=" + named)
        for i in range(1000):
            picture = PICTURES[i % len(PICTURES)]
            picture = picture[: len(picture) // 2] if cut else picture
            lines = ["--" + used, "Content-Type: image/jpeg"]
            if length == "right":
                lines.append("Content-Length: %d" % len(picture))
            elif length:
                lines.append("Content-Length: " + length)
            self.wfile.write("\r\n".join(lines + ["", ""]).encode() + picture + b"\r\n")
            time.sleep(pause)

    def do_GET(self):
        try:
            self.answer(self.path.strip("/"))
        except (BrokenPipeError, ConnectionResetError):
            pass

    def answer(self, what):
        if what == "good":
            self.parts("frame", "frame")
        elif what == "nolength":
            self.parts("frame", "frame", length="")
        elif what == "quoted":
            self.parts('"a frame"', "a frame")
        elif what == "dashes":
            self.parts("--frame", "frame")
        elif what == "wrongboundary":
            self.parts("other", "frame")
        elif what == "cut":
            self.parts("frame", "frame", cut=True)
        elif what == "hugelength":
            self.parts("frame", "frame", length="1099511627776")
        elif what == "badlength":
            self.parts("frame", "frame", length="12x")
        elif what == "slow":
            self.parts("frame", "frame", pause=0.3)
        elif what == "bare":
            self.head("image/jpeg")
            self.wfile.write(PICTURES[0])
        elif what == "silent":
            self.head("multipart/x-mixed-replace; boundary=frame")
            time.sleep(30)
        elif what == "text":
            self.head("text/plain")
            self.wfile.write(b"no camera here")
        else:
            self.head("text/plain", 404)


server = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
server.daemon_threads = True
with open(sys.argv[1] + ".new", "w") as out:
    out.write(str(server.server_address[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
