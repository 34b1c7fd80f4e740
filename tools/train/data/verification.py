# SPDX-License-Identifier: MIT
"""How well embeddings tell people apart: LFW's pairs in ten folds, and all pairs of the people held out."""
import json

import numpy as np


def unit(rows):
    rows = np.asarray(rows, np.float32)
    return rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9)


def accepted(genuine, impostor, rate):
    """Share of genuine scores above the lowest threshold that at most a share `rate` of impostor scores is above."""
    allowed = int(rate * len(impostor))
    threshold = np.partition(impostor, len(impostor) - 1 - allowed)[len(impostor) - 1 - allowed]
    return float((genuine > threshold).mean())


def held_out(rows, people, rates=(1e-3, 1e-4)):
    """TAR at each FAR over all pairs of rows; people[i] is the number of the person of row i."""
    rows, people = unit(rows), np.asarray(people)
    genuine, impostor = [], []
    for i in range(len(rows) - 1):
        scores, same = rows[i + 1:] @ rows[i], people[i + 1:] == people[i]
        genuine.append(scores[same])
        impostor.append(scores[~same])
    genuine, impostor = np.concatenate(genuine), np.concatenate(impostor)
    return [accepted(genuine, impostor, rate) for rate in rates]


def read_pairs(path):
    """The folds' number and (picture, picture, same person) of LFW's pairs.txt."""
    with open(path, encoding="utf-8") as file:
        head, *lines = [line.rstrip("\n").split("\t") for line in file]
    pairs = [("%s_%04d" % (f[0], int(f[1])), "%s_%04d" % (f[-2] if len(f) == 4 else f[0], int(f[-1])), len(f) == 3)
             for f in lines if len(f) in (3, 4)]
    if len(pairs) != 2 * int(head[0]) * int(head[1]):
        raise SystemExit("%s: %d pairs, its first line says %s folds of 2 x %s" % (path, len(pairs), *head[:2]))
    return int(head[0]), pairs


def index_pairs(manifest, path):
    """Folds, and arrays i, j, same: the pairs as rows of the manifest (align.py's .jsonl of all LFW)."""
    with open(manifest, encoding="utf-8") as lines:
        row = {json.loads(x)["name"].split("/")[-1].rsplit(".", 1)[0]: k for k, x in enumerate(lines)}
    folds, pairs = read_pairs(path)
    missing = sorted({p for pair in pairs for p in pair[:2]} - row.keys())
    if missing:
        raise SystemExit("%s lacks %d pictures of %s: %s" % (manifest, len(missing), path, ", ".join(missing[:3])))
    return (folds, np.array([row[p[0]] for p in pairs]), np.array([row[p[1]] for p in pairs]),
            np.array([p[2] for p in pairs]))


def best_threshold(scores, same):
    """The threshold with the fewest errors: in sorted order, accepting the first k is right where these are pairs."""
    order = np.argsort(-scores)
    right = np.concatenate([[0], np.cumsum(np.where(same[order], 1, -1))])
    k = int(np.argmax(right))
    return (scores[order[max(k - 1, 0)]] + scores[order[min(k, len(order) - 1)]]) / 2


def lfw(rows, manifest, path):
    """Mean accuracy of the folds, each with the threshold of the others; its deviation; TAR at FAR 1e-3."""
    folds, i, j, same = index_pairs(manifest, path)
    rows = unit(rows)
    scores = (rows[i] * rows[j]).sum(1)
    fold = np.arange(len(scores)) * folds // len(scores)
    right = [((scores[fold == f] > best_threshold(scores[fold != f], same[fold != f])) == same[fold == f]).mean()
             for f in range(folds)]
    return float(np.mean(right)), float(np.std(right)), accepted(scores[same], scores[~same], 1e-3)
