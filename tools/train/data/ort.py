# SPDX-License-Identifier: MIT
"""Runs an ONNX network through node's onnxruntime (ort_server.js): Debian has no onnxruntime for Python."""
import json
import os
import struct
import subprocess

import numpy as np

SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ort_server.js")


class Ort:
    """net(x) gives the list of outputs; net.names are their names. One process a network; close() ends it."""

    def __init__(self, model, threads=1):
        self.process = subprocess.Popen(["node", SERVER, model, str(threads)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said = []
        for line in self.process.stderr:
            if line.startswith(b"{"):
                self.names = json.loads(line)["outputs"]
                return
            said.append(line.decode("utf-8", "replace"))
        raise RuntimeError("%s does not run:\n%s" % (model, "".join(said)))

    def _read(self, count):
        data = self.process.stdout.read(count)
        if len(data) != count:
            raise RuntimeError("onnxruntime ended")
        return data

    def _tensor(self):
        rank = struct.unpack("<I", self._read(4))[0]
        sizes = struct.unpack("<%dI" % rank, self._read(4 * rank))
        return np.frombuffer(self._read(4 * int(np.prod(sizes))), "<f4").reshape(sizes)

    def __call__(self, x):
        x = np.ascontiguousarray(x, "<f4")
        self.process.stdin.write(struct.pack("<%dI" % (1 + x.ndim), x.ndim, *x.shape) + x.tobytes())
        self.process.stdin.flush()
        return [self._tensor() for _ in range(struct.unpack("<I", self._read(4))[0])]

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
