# SPDX-License-Identifier: MIT
"""OpenCV's DNN module in bench-peers: worker_opencv.py MODEL.onnx SIZE THREADS INPUT OUTPUT."""
import sys

import cv2
import numpy as np

import worker


def main():
    model, size, threads, source, target = sys.argv[1:]
    cv2.setNumThreads(int(threads))
    network = cv2.dnn.readNetFromONNX(model)
    x = np.fromfile(source, np.float32).reshape(1, 3, int(size), int(size))

    def run():
        network.setInput(x)
        return network.forward()

    run().astype(np.float32).tofile(target)
    worker.serve("opencv", cv2.__version__, run)


if __name__ == "__main__":
    main()
