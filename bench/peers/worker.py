# SPDX-License-Identifier: MIT
"""worker.h's protocol for runtimes that are used from Python."""
import sys
import time


def serve(name, version, run):
    print("ready", name, version, flush=True)
    for line in sys.stdin:
        wall, cpu = time.monotonic_ns(), time.process_time_ns()
        for _ in range(int(line)):
            run()
        cpu = time.process_time_ns() - cpu
        print(time.monotonic_ns() - wall, cpu, flush=True)
