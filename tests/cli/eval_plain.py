# SPDX-License-Identifier: MIT
"""eval_plain.py make FOLDER SEED PEOPLE [FINGERPRINT]: random embeddings as ve-eval saves them, with pictures (empty
files) and pairs of the same names.  eval_plain.py check FOLDER REPORT.json: computes the whole report again, the
plainest way, and compares."""
import json
import math
import os
import random
import struct
import sys

DIM = 20
FOLDS, PER_FOLD = 5, 12


def save(path, rows):
    header = ("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }" % (len(rows), DIM)).ljust(117) + "\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header.encode())
        for row in rows:
            f.write(struct.pack("<%df" % DIM, *row))


def load(folder):
    """People, names, failures and vectors of the pictures, in order."""
    data = open(folder + "/set.npy", "rb").read()
    start = 10 + struct.unpack("<H", data[8:10])[0]
    lines = open(folder + "/set.npy.list").read().splitlines()[1:]
    rows, at = [], start
    for line in lines:
        if "\t" in line:
            rows.append(None)
            continue
        row = struct.unpack("<%df" % DIM, data[at:at + 4 * DIM])
        length = math.sqrt(sum(v * v for v in row))
        rows.append([v / length for v in row])
        at += 4 * DIM
    names = [line.split("\t")[0] for line in lines]
    return [n.split("/")[0] for n in names], names, rows


def make(folder, seed, people, fingerprint):
    rng = random.Random(int(seed))
    rows, lines, by_person = [], ["%s\tnone\trandom" % fingerprint], {}
    for p in range(int(people)):
        name = "p%03d" % p
        centre = [rng.gauss(0, 1) for _ in range(DIM)]
        os.makedirs("%s/set/%s" % (folder, name), exist_ok=True)
        by_person[name] = 1 + p % 5
        for k in range(by_person[name]):
            picture = "%s/%s_%04d.png" % (name, name, k + 1)
            open("%s/set/%s" % (folder, picture), "w").close()
            if k > 1 and (p + k) % 7 == 3:
                lines.append(picture + "\tno face in it")
                continue
            lines.append(picture)
            rows.append([0.8 * c + rng.gauss(0, 1) for c in centre])
    save(folder + "/set.npy", rows)
    open(folder + "/set.npy.list", "w").write("\n".join(lines) + "\n")
    several = [n for n in by_person if by_person[n] > 1]
    out = ["%d\t%d" % (FOLDS, PER_FOLD)]
    for _ in range(FOLDS):
        for _ in range(PER_FOLD):
            n = rng.choice(several)
            out.append("%s\t%d\t%d" % tuple([n] + rng.sample(range(1, by_person[n] + 1), 2)))
        for _ in range(PER_FOLD):
            a, b = rng.sample(sorted(by_person), 2)
            out.append("%s\t%d\t%s\t%d" % (a, rng.randint(1, by_person[a]), b, rng.randint(1, by_person[b])))
    open(folder + "/pairs.txt", "w").write("\n".join(out) + "\n")
    # The pictures of the pairs, in the order in which the pairs name them.
    order, failed, vector = [], {}, {}
    it = iter(rows)
    for line in lines[1:]:
        failed[line.split("\t")[0]] = line
        if "\t" not in line:
            vector[line] = next(it)
    for line in out[1:]:
        f = line.split("\t")
        for n, k in ((f[0], f[1]), (f[0] if len(f) == 3 else f[2], f[-1])):
            picture = "%s/%s_%04d.png" % (n, n, int(k))
            if picture not in order:
                order.append(picture)
    os.makedirs(folder + "/pairs", exist_ok=True)
    save(folder + "/pairs/set.npy", [vector[n] for n in order if n in vector])
    open(folder + "/pairs/set.npy.list", "w").write("\n".join(lines[:1] + [failed[n] for n in order]) + "\n")


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def near(what, a, b, most=2e-6):
    assert (a is None) == (b is None) and (a is None or abs(a - b) <= most), "%s: %r, computed %r" % (what, a, b)


def rates(same, strangers, points):
    """Per rate: threshold, strangers and same person accepted; the equal error rate; the area."""
    for p in points:
        allowed = int(p["far"] * len(strangers) + 1e-9)
        assert p["measurable"] == (1 <= allowed < len(strangers)), p
        if not p["measurable"]:
            continue
        limit = sorted(strangers, reverse=True)[allowed]
        near("threshold", p["threshold"], limit)
        assert p["false_accepts"] == sum(s > limit for s in strangers), p
        assert p["true_accepts"] == sum(s > limit for s in same), p
        near("tar", p["tar"], sum(s > limit for s in same) / len(same))
    accept, reject = 1.0, 0.0
    for t in sorted(set(same + strangers)):
        a = sum(s > t for s in strangers) / len(strangers)
        r = sum(s <= t for s in same) / len(same)
        if a <= r:
            w = (accept - reject) / ((accept - reject) - (a - r))
            eer = accept + w * (a - accept)
            break
        accept, reject = a, r
    area = sum((s > t) + 0.5 * (s == t) for s in same for t in strangers) / len(same) / len(strangers)
    return eer, area


def check_counts(report, same_people, failures, names):
    assert report["failure_to_enrol"]["count"] == len(failures)
    assert [f["picture"] for f in report["failure_to_enrol"]["pictures"]] == failures
    assert all(f["reason"] == "no face in it" for f in report["failure_to_enrol"]["pictures"])
    assert report["pictures"] == len(names)
    assert report["comparisons"]["same_people"] == len(same_people)


def check_identities(folder, report):
    people, names, rows = load(folder)
    same, strangers, lost, by_person = [], [], [0, 0], {}
    for i in range(len(rows)):
        for j in range(i + 1, len(rows)):
            is_same = people[i] == people[j]
            if rows[i] is None or rows[j] is None:
                lost[not is_same] += 1
            elif is_same:
                same.append(dot(rows[i], rows[j]))
                by_person.setdefault(people[i], []).append(same[-1])
            else:
                strangers.append(dot(rows[i], rows[j]))
    check_counts(report, by_person, [n for n, r in zip(names, rows) if r is None], names)
    c = report["comparisons"]
    assert (c["same"], c["strangers"]) == (len(same), len(strangers))
    assert (c["same_lost"], c["strangers_lost"]) == tuple(lost), (c, lost)
    eer, area = rates(same, strangers, report["points"])
    near("eer", report["eer"], eer)
    near("auc", report["auc"], area, report["auc_error"] + 1e-9)
    for p in report["points"]:
        if p["measurable"]:
            accepted = [sum(s >= p["threshold"] for s in v) / len(v) for v in by_person.values()]
            near("each person once", p["tar_each_person_once"], sum(accepted) / len(accepted))
            near("strict", p["tar_lost_as_rejected"], p["true_accepts"] / (len(same) + lost[0]))
    near("hardest", report["most_similar_strangers"][0]["score"], max(strangers))
    near("hardest", report["least_similar_same"][0]["score"], min(same))


def best(pairs):
    """The threshold that decides most pairs rightly, the highest of equally good ones."""
    pairs = sorted(pairs, reverse=True)
    right, top, at = 0, 0, 2.0
    for k, (score, is_same) in enumerate(pairs):
        right += 1 if is_same else -1
        if right > top:
            top, at = right, (score + pairs[k + 1][0]) / 2 if k + 1 < len(pairs) else -2
    return at


def check_pairs(folder, report):
    _, names, rows = load(folder + "/pairs")
    at = {n: r for n, r in zip(names, rows)}
    folds = [[] for _ in range(FOLDS)]
    same, strangers, lost, people = [], [], [0, 0], set()
    for k, line in enumerate(open(folder + "/pairs.txt").read().splitlines()[1:]):
        f = line.split("\t")
        is_same = len(f) == 3
        a = at["%s/%s_%04d.png" % (f[0], f[0], int(f[1]))]
        b = at["%s/%s_%04d.png" % ((f[0], f[0], int(f[2])) if is_same else (f[2], f[2], int(f[3])))]
        if a is None or b is None:
            lost[not is_same] += 1
            continue
        folds[k // (2 * PER_FOLD)].append((dot(a, b), is_same))
        (same if is_same else strangers).append(dot(a, b))
        if is_same:
            people.add(f[0])
    check_counts(report, people, [n for n, r in zip(names, rows) if r is None], names)
    c = report["comparisons"]
    assert (c["same"], c["strangers"], c["same_lost"], c["strangers_lost"]) == (len(same), len(strangers), *lost)
    accuracy, right = [], 0
    for k in range(FOLDS):
        t = best([p for j in range(FOLDS) if j != k for p in folds[j]])
        hits = sum((s > t) == is_same for s, is_same in folds[k])
        right += hits
        accuracy.append(hits / len(folds[k]))
    mean = sum(accuracy) / FOLDS
    deviation = math.sqrt(sum((a - mean) ** 2 for a in accuracy) / (FOLDS - 1))
    near("accuracy", report["accuracy"]["mean"], mean)
    near("deviation", report["accuracy"]["deviation"], deviation)
    near("standard error", report["accuracy"]["standard_error"], deviation / math.sqrt(FOLDS))
    near("lost as wrong", report["accuracy"]["lost_as_wrong"], right / (2 * PER_FOLD * FOLDS))
    eer, area = rates(same, strangers, report["points"])
    near("eer", report["eer"], eer)
    near("auc", report["auc"], area, report["auc_error"] + 1e-9)


if sys.argv[1] == "make":
    make(sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5] if len(sys.argv) > 5 else "0" * 64)
else:
    with open(sys.argv[3]) as f:
        the_report = json.load(f)
    {"identities": check_identities, "pairs": check_pairs}[the_report["protocol"]](sys.argv[2], the_report)
