# SPDX-License-Identifier: MIT
"""YuNet, the face detector that aligns the training pictures: boxes and five points, on BGR pictures of any size."""
import numpy as np

from ort import Ort


def suppress(boxes, scores, limit):
    """Indices of the boxes (x, y, w, h) to keep, best first: none overlaps a better one by more than limit (IoU)."""
    order, kept = np.argsort(-scores), []
    low, high, area = boxes[:, :2], boxes[:, :2] + boxes[:, 2:], boxes[:, 2] * boxes[:, 3]
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        side = np.minimum(high[best], high[order]) - np.maximum(low[best], low[order])
        both = np.clip(side, 0, None).prod(1)
        order = order[both / (area[best] + area[order] - both + 1e-9) < limit]
    return kept


class YuNet:
    def __init__(self, model, score=0.6, overlap=0.3, threads=1):
        self.net = Ort(model, threads)
        self.score, self.overlap = score, overlap

    def _at(self, out, stride, columns):
        """Boxes, scores and points of the cells of one stride. Positions are in cells, sizes in log cells."""
        cls, obj, box, points = (out["%s_%d" % (n, stride)] for n in ("cls", "obj", "bbox", "kps"))
        score = np.sqrt(np.clip(cls.reshape(-1), 0, 1) * np.clip(obj.reshape(-1), 0, 1))
        keep = np.nonzero(score > self.score)[0]
        cell = np.stack([keep % columns, keep // columns], 1).astype(np.float32)
        box, points = box.reshape(-1, 4)[keep], points.reshape(-1, 5, 2)[keep]
        size = np.exp(box[:, 2:]) * stride
        corner = (cell + box[:, :2]) * stride - size / 2
        return np.concatenate([corner, size], 1), score[keep], (points + cell[:, None]) * stride

    def __call__(self, picture):
        """A list of (score, x, y, w, h, points[5,2]) in pixels, best first."""
        height, width = ((n + 31) // 32 * 32 for n in picture.shape[:2])
        padded = np.zeros((height, width, 3), np.float32)
        padded[:picture.shape[0], :picture.shape[1]] = picture
        out = dict(zip(self.net.names, self.net(padded.transpose(2, 0, 1)[None])))
        found = [self._at(out, stride, width // stride) for stride in (8, 16, 32)]
        boxes, scores, points = (np.concatenate(part) for part in zip(*found))
        return [(float(scores[i]), *map(float, boxes[i]), points[i]) for i in suppress(boxes, scores, self.overlap)]
