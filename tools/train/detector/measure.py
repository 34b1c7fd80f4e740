#!/usr/bin/python3
"""Measures a detector file on the validation pictures, through the library (build/.../bench/bench_detect).

  measure.py --cache CACHE --program BENCH_DETECT --detector FILE [--pictures 800] [--json FILE] [--false DIR]

Two sets are made of the pictures that label.py marked "val", always the same ones:
  pictures   as packed: mostly one large face, half of the objects' pictures without any
  frames     320 x 240: a background with one to three faces of 24 to 200 pixels, sizes drawn log-uniformly; a quarter of
             the frames have none
A face is found when a box overlaps it by half (intersection over union); faces that YuNet is not sure of (below
0.6), of less than 24 pixels, or mostly outside count neither way. Prints, for scores from 0.1 to 0.9, the recall, the
false faces per picture and the mean error of the points in parts of the distance of the eyes; then the recall by size
at the lowest score with at most 0.1 false faces per picture. --false keeps pictures with false faces, to look at.
"""
import argparse
import json
import os
import subprocess

import cv2
import numpy as np

import scenes


class Finder:
    def __init__(self, program, detector, min_face, min_score):
        self.p = subprocess.Popen([program, "find", detector, str(min_face), str(min_score)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)

    def __call__(self, image):
        self.p.stdin.write(b"%d %d\n" % (image.shape[1], image.shape[0]) + np.ascontiguousarray(image).tobytes())
        self.p.stdin.flush()
        rows = [list(map(float, self.p.stdout.readline().split())) for _ in range(int(self.p.stdout.readline()))]
        return np.array(rows, np.float32).reshape(-1, 15)


def overlap(box, faces):
    """Intersection over union of (left, top, right, bottom) with faces [score, x, y, w, h, ...]."""
    w = np.minimum(box[2], faces[:, 1] + faces[:, 3]) - np.maximum(box[0], faces[:, 1])
    h = np.minimum(box[3], faces[:, 2] + faces[:, 4]) - np.maximum(box[1], faces[:, 2])
    common = np.clip(w, 0, None) * np.clip(h, 0, None)
    return common / ((box[2] - box[0]) * (box[3] - box[1]) + faces[:, 3] * faces[:, 4] - common)


def frame(source, rng):
    """320 x 240: faces pasted into a background, by the rules of scenes.py but without spoiling."""
    side = source.side
    image = source.background().copy()
    faces = np.zeros((0, 15), np.float32)
    if rng.random() < 0.75:
        image, faces = source.pasted()
    y = (side - 240) // 2
    faces = faces.copy()
    faces[:, 2] -= y
    faces[:, 6::2] -= y
    return np.ascontiguousarray(image[y:y + 240]), faces


def pictures(cache, most):
    """Yields set, picture, faces."""
    p = scenes.Pictures(cache, "val")
    p.rows.sort(key=lambda r: r["path"])
    rng = np.random.default_rng(5)
    rng.shuffle(p.rows)
    for r in p.rows[:most]:
        yield "pictures", p.pixels(r), r["faces"]
    p.with_face = [r for r in p.rows if (r["faces"][:, 0] > 0.7).any()]
    p.without = [r for r in p.rows if not len(r["faces"])]
    source = scenes.Scenes(p, 320, 6, smallest=24, largest=200)
    for _ in range(most):
        yield ("frames",) + frame(source, rng)


def judge(found, faces, width, height):
    """Found faces as (score, kind, side, point error), kind 1 right, 0 false; asked faces as (side, best score)."""
    right = np.minimum(faces[:, 1] + faces[:, 3], width) - np.maximum(faces[:, 1], 0)
    down = np.minimum(faces[:, 2] + faces[:, 4], height) - np.maximum(faces[:, 2], 0)
    seen = np.clip(right, 0, None) * np.clip(down, 0, None) / (faces[:, 3] * faces[:, 4])
    sides = np.maximum(faces[:, 3], faces[:, 4])
    asked = (faces[:, 0] >= 0.6) & (sides >= 24) & (seen > 0.6)
    best, error, false = np.zeros(len(faces)), np.full(len(faces), np.nan), []
    offsets = np.full((len(faces), 5, 2), np.nan)
    for f in found:
        o = overlap(f[1:5], faces) if len(faces) else np.zeros(0)
        if len(o) and o.max() >= 0.5:
            k = int(o.argmax())
            if f[0] > best[k]:
                best[k] = f[0]
                g = faces[k, 5:].reshape(5, 2)
                # In profile the eyes come together: their distance is taken to be a quarter of the box at least.
                eyes = max(np.linalg.norm(g[0] - g[1]), 0.25 * sides[k])
                error[k] = np.linalg.norm(f[5:].reshape(5, 2) - g, axis=1).mean() / eyes
                offsets[k] = (f[5:].reshape(5, 2) - g) / eyes
        elif not len(o) or o.max() < 0.2:
            false.append(f[0])
    return [(sides[k], best[k], error[k], *offsets[k].ravel()) for k in np.nonzero(asked)[0]], false


def report(name, faces, false, count):
    faces = np.array(faces)
    out, limit = [], None
    for score in np.arange(0.05, 0.96, 0.01):
        hit = faces[:, 1] >= score
        row = dict(score=round(float(score), 2), recall=float(hit.mean()), false=sum(f >= score for f in false) / count,
                   point_error=float(faces[hit, 2].mean()) if hit.any() else None,
                   median_error=float(np.median(faces[hit, 2])) if hit.any() else None)
        out.append(row)
        if limit is None and row["false"] <= 0.1:
            limit = row
    print("%s: %d pictures, %d faces" % (name, count, len(faces)))
    for r in out[5::10]:
        print("  score %.2f  recall %.4f  false faces per picture %.4f  point error %.4f" % (
            r["score"], r["recall"], r["false"], r["point_error"] or 0))
    by_size = []
    if limit:
        print("  at most 0.1 false faces per picture from score %.2f: recall %.4f, point error %.4f (median %.4f)" % (
            limit["score"], limit["recall"], limit["point_error"], limit["median_error"]))
        offsets = np.median(faces[faces[:, 1] >= limit["score"], 3:], 0)
        print("  median offset of the points, in parts of the eyes' distance: " + "  ".join(
            "%+.3f %+.3f" % tuple(offsets[k:k + 2]) for k in range(0, 10, 2)))
        for low, high in ((24, 32), (32, 48), (48, 80), (80, 140), (140, 1000)):
            k = (faces[:, 0] >= low) & (faces[:, 0] < high)
            if k.any():
                hit = k & (faces[:, 1] >= limit["score"])
                by_size.append(dict(low=low, high=high, faces=int(k.sum()), recall=float(hit.sum() / k.sum()),
                                    point_error=float(faces[hit, 2].mean()) if hit.any() else 0.0))
                print("    %4d to %4d pixels: %4d faces, recall %.4f, point error %.4f" % tuple(by_size[-1].values()))
    return dict(pictures=count, faces=len(faces), scores=out, limit=limit, by_size=by_size)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("cache", "program", "detector"):
        ap.add_argument("--" + name, required=True)
    ap.add_argument("--pictures", type=int, default=800)
    ap.add_argument("--json")
    ap.add_argument("--false", dest="keep")
    arg = ap.parse_args()
    cv2.setNumThreads(1)
    find = Finder(arg.program, arg.detector, 20, 0.05)
    sets = {}
    for name, image, faces in pictures(arg.cache, arg.pictures):
        found = find(image)
        asked, false = judge(found, faces, image.shape[1], image.shape[0])
        s = sets.setdefault(name, [[], [], 0])
        s[0] += asked
        s[1] += false
        s[2] += 1
        if arg.keep and any(f > 0.5 for f in false):
            os.makedirs(arg.keep, exist_ok=True)
            image = np.ascontiguousarray(image[..., ::-1])
            for f in found[found[:, 0] > 0.5]:
                cv2.rectangle(image, (int(f[1]), int(f[2])), (int(f[3]), int(f[4])), (0, 255, 0), 1)
            cv2.imwrite(os.path.join(arg.keep, "%s-%d.png" % (name, s[2])), image)
    result = {name: report(name, *s) for name, s in sets.items()}
    if arg.json:
        json.dump(result, open(arg.json, "w"), indent=1)


if __name__ == "__main__":
    main()
