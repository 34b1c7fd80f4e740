#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of the data scripts on made-up rows and pictures: no network, no face, no file outside a folder of its own."""
import json
import os
import tempfile
import unittest

import numpy as np

import align
import bank
import held_out
import merge
import teachers
import verification
import yunet


def people(count, each, dim, noise, seed=1):
    """Rows of `count` people around a middle each, and whose row each is."""
    r = np.random.default_rng(seed)
    middle = verification.unit(r.normal(size=(count, dim)))
    who = np.repeat(np.arange(count), each)
    return verification.unit(middle[who] + noise * r.normal(size=(len(who), dim))), who


class Verification(unittest.TestCase):
    def test_accepted_counts_scores_above_the_threshold(self):
        impostor = np.arange(1000) / 1000
        genuine = np.array([0.5, 0.9985, 0.9995, 1.0])
        self.assertEqual(verification.accepted(genuine, impostor, 1e-3), 0.75)  # one impostor, 0.999, is above 0.998
        self.assertEqual(verification.accepted(genuine, impostor, 1e-4), 0.5)
        self.assertLessEqual((impostor > 0.998).mean(), 1e-3)

    def test_held_out_agrees_with_all_pairs_at_once(self):
        rows, who = people(12, 7, 16, 0.25)
        scores, upper = rows @ rows.T, np.triu(np.ones((len(rows),) * 2, bool), 1)
        same = who[:, None] == who[None]
        wanted = verification.accepted(scores[upper & same], scores[upper & ~same], 1e-2)
        self.assertGreater(wanted, 0.05)
        self.assertLess(wanted, 0.999)
        self.assertAlmostEqual(verification.held_out(rows, who, [1e-2])[0], wanted, 6)

    def test_lfw_reads_pairs_and_leaves_the_fold_out(self):
        with tempfile.TemporaryDirectory() as folder:
            names = ["P%d_%04d" % (p, n) for p in range(8) for n in (1, 2)]
            lines = ["2\t4"]
            for fold in range(2):
                lines += ["P%d\t1\t2" % p for p in range(4 * fold, 4 * fold + 4)]
                lines += ["P%d\t1\tP%d\t2" % (p, (p + 1) % 8) for p in range(4 * fold, 4 * fold + 4)]
            manifest, pairs = (os.path.join(folder, n) for n in ("lfw.jsonl", "pairs.txt"))
            with open(manifest, "w", encoding="utf-8") as out:
                out.writelines(json.dumps({"name": "%s/%s.jpg" % (n[:2], n)}) + "\n" for n in names)
            with open(pairs, "w", encoding="utf-8") as out:
                out.write("\n".join(lines) + "\n")
            rows = people(8, 2, 64, 0.02)[0]
            self.assertEqual(verification.lfw(rows, manifest, pairs), (1.0, 0.0, 1.0))
            rows[1] = -rows[0]  # one pair of the first fold is lost
            mean, deviation, tar = verification.lfw(rows, manifest, pairs)
            self.assertAlmostEqual(mean, 0.9375)
            self.assertAlmostEqual(deviation, 0.0625)
            self.assertAlmostEqual(tar, 0.875)


class Alignment(unittest.TestCase):
    def test_similarity_takes_points_back(self):
        angle, scale, move = 0.4, 2.5, np.array([30.0, -12.0])
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix, found = align.similarity(align.TEMPLATE @ turn.T + move, align.TEMPLATE)
        self.assertAlmostEqual(found, 1 / scale)
        points = (align.TEMPLATE @ turn.T + move) @ matrix[:, :2].T + matrix[:, 2]
        np.testing.assert_allclose(points, align.TEMPLATE, atol=1e-9)

    def test_crop_of_a_picture_turned_and_shrunk(self):
        y, x = np.mgrid[0:600, 0:600]
        picture = np.stack([x * 255 / 600, y * 255 / 600, np.full_like(x, 80)], -1).astype(np.uint8)
        for scale in (1.0, 0.25):
            matrix = np.array([[0, scale, -20 * scale], [-scale, 0, 590 * scale]])
            inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
            out = align.crop(picture, matrix, scale)
            at = inverse @ [40, 70, 1]
            np.testing.assert_allclose(out[70, 40].astype(int), [at[0] * 255 / 600, at[1] * 255 / 600, 80], atol=4)

    def test_main_face_is_large_and_central(self):
        points = np.zeros((5, 2))
        faces = [(0.9, 0, 0, 50, 50, points), (0.7, 80, 80, 48, 48, points), (0.9, 100, 100, 10, 10, points)]
        self.assertIs(align.main_face(faces, (200, 200)), faces[1])

    def test_middle_covers_half_of_the_shorter_side(self):
        matrix, scale = align.middle((100, 300))
        self.assertAlmostEqual(112 / scale, 50)
        np.testing.assert_allclose(matrix @ [150, 50, 1], [56, 56])

    def test_gray(self):
        gray = np.repeat(np.arange(112 * 112, dtype=np.uint8).reshape(112, 112, 1), 3, 2)
        self.assertTrue(align.is_gray(gray))
        gray[..., 2] //= 2
        self.assertFalse(align.is_gray(gray))

    def test_suppress_keeps_the_better_of_two(self):
        boxes = np.array([[0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 5, 5]], float)
        self.assertEqual(yunet.suppress(boxes, np.array([0.7, 0.9, 0.8]), 0.3), [1, 2])
        self.assertEqual(yunet.suppress(boxes, np.array([0.7, 0.9, 0.8]), 0.9), [1, 2, 0])


class Targets(unittest.TestCase):
    def test_join_mixes_cosines_by_squared_weight(self):
        a, b = people(6, 1, 5, 0)[0], people(6, 1, 7, 0, seed=2)[0]
        joined = teachers.join({"openvino": a, "faceplugin": 3 * b}, (("openvino", 1.0), ("faceplugin", 0.7)))
        np.testing.assert_allclose(joined @ joined.T, (a @ a.T + 0.49 * b @ b.T) / 1.49, atol=1e-6)

    def test_rotation_keeps_cosines_of_rows_in_few_directions(self):
        r = np.random.default_rng(3)
        rows = verification.unit(r.normal(size=(50, 4)) @ r.normal(size=(4, 20)))
        turn, kept = teachers.rotation(rows, 4)
        self.assertAlmostEqual(kept, 1, 5)
        np.testing.assert_allclose((rows @ turn) @ (rows @ turn).T, rows @ rows.T, atol=1e-5)
        self.assertLess(teachers.rotation(rows, 3)[1], 0.999)

    def test_nearest_turn_finds_the_turn_and_keeps_cosines(self):
        r = np.random.default_rng(6)
        rows = verification.unit(r.normal(size=(60, 8)))
        hidden = np.linalg.qr(r.normal(size=(8, 8)))[0]
        turn = teachers.nearest_turn(rows, rows @ hidden + 0.01 * r.normal(size=rows.shape))
        np.testing.assert_allclose(turn @ turn.T, np.eye(8), atol=1e-5)
        np.testing.assert_allclose(turn, hidden, atol=0.02)


class Merge(unittest.TestCase):
    def facts(self, names, part="celeba_x", people_of=None):
        return [{"part": part, "row": k, "name": n, "px": 100 - k, "ident": people_of[k] if people_of else None}
                for k, n in enumerate(names)]

    def test_duplicates_go_to_the_sharper_one(self):
        rows = people(5, 1, 32, 0)[0][[0, 1, 2, 0, 4]]
        drop = [None] * 5
        merge.drop_duplicates(rows, [3, 4, 0, 1, 2], drop)
        self.assertEqual(drop, ["duplicate", None, None, None, None])

    def test_the_same_file_goes_unless_its_number_lies(self):
        rows = people(3, 1, 32, 0)[0][[0, 0, 1, 1]]
        drop = [None] * 4
        merge.drop_same_files(self.facts(["a/01.jpg", "b/01.png", "b/01.jpg", "c/02.jpg"]), rows, [0, 1, 2, 3], drop)
        self.assertEqual(drop, [None, "same file", None, None])

    def test_people_held_out_take_their_unnamed_pictures_along(self):
        rows, _ = people(3, 4, 64, 0.03)
        rows = np.concatenate([rows, rows[8:9]])
        who = ["p/1"] * 4 + ["p/2"] * 3 + ["p/1"] + [None] * 5
        who[12] = "p/1"  # a third person's picture with the name of one held out
        who[0] = None    # a picture of the one held out without a name
        drop = [None] * 13
        theirs = merge.hold_out(self.facts(["x"] * 13, people_of=who), rows, {"p/1"}, drop)
        self.assertEqual(theirs, {1, 2, 3, 7, 12})
        self.assertEqual([k for k, d in enumerate(drop) if d == "held-out person"], [0])
        self.assertEqual([k for k, d in enumerate(drop) if d == "wrong label"], [7, 12])

    def test_write_numbers_people_and_keeps_rows_together(self):
        with tempfile.TemporaryDirectory() as folder:
            crops = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1) * np.ones((3, 112, 112, 3), np.uint8)
            facts = self.facts(["a", "b", "c"], people_of=["p/9", None, "p/9"])
            self.assertEqual(merge.write(folder, facts, [crops], ["celeba_x"], [0, 2], {2}), 1)
            self.assertEqual(np.load(os.path.join(folder, "crops.npy"))[:, 0, 0, 0].tolist(), [0, 2])
            with open(os.path.join(folder, "manifest.jsonl"), encoding="utf-8") as lines:
                got = [json.loads(line) for line in lines]
            self.assertEqual([(f["name"], f["split"], f["id"]) for f in got], [("a", "train", 0), ("c", "val", 0)])


class HeldOut(unittest.TestCase):
    def read(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "list.txt")
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
            return held_out.read(path)

    def test_names_are_corrected_and_mixed_ones_left_out(self):
        corrected = self.read("# people\nc/1\nc/2 is c/1\nc/3 mixed\n\nc/4\n")
        self.assertEqual(set(corrected), {"c/1", "c/2", "c/3", "c/4"})
        self.assertEqual(held_out.measured(["c/2", "c/3", "c/1", "c/4", "c/3"], corrected),
                         ([0, 2, 3], ["c/1", "c/1", "c/4"]))
        self.assertEqual(held_out.measured(["c/2", "c/3"], {}), ([0, 1], ["c/2", "c/3"]))

    def test_mistakes_in_the_list_are_refused(self):
        for text in ("c/1 are c/2", "c/1 mixed up", "c/2 is c/9", "c/1 mixed\nc/2 is c/1",
                     "c/1\nc/2 is c/1\nc/3 is c/2"):
            with self.assertRaises(SystemExit, msg=text):
                self.read(text + "\n")

    def test_the_list_holds_300_names(self):
        names = held_out.read()
        self.assertEqual(len(names), 300)
        self.assertEqual(len(set(names.values()) - {None}), 297)


class Views(unittest.TestCase):
    def setUp(self):
        r = np.random.default_rng(4)
        self.crops = np.kron(r.integers(0, 256, (4, 14, 14, 3)), np.ones((1, 8, 8, 1))).astype(np.uint8)

    def test_a_seed_gives_the_same_views_and_another_others(self):
        def made(seed):
            r = np.random.default_rng(seed)
            return np.stack([bank.view(self.crops, r) for _ in range(40)])

        first = made(1)
        self.assertEqual((first.shape, first.dtype), ((40, 112, 112, 3), np.dtype(np.uint8)))
        np.testing.assert_array_equal(first, made(1))
        self.assertFalse((first == made(2)).all())

    def test_each_damage_changes_the_picture_and_leaves_the_original(self):
        for _, damage in bank.DAMAGES:
            kept = self.crops[0].copy()
            out = damage(self.crops[0], np.random.default_rng(5))
            self.assertEqual((out.shape, out.dtype), (kept.shape, kept.dtype), damage.__name__)
            self.assertTrue((out != kept).any(), damage.__name__)
            np.testing.assert_array_equal(self.crops[0], kept)

    def test_dark_is_dark(self):
        light = [bank.dark(self.crops[0], np.random.default_rng(s)).mean() for s in range(50)]
        self.assertLess(np.mean(light), 0.6 * self.crops[0].mean())


if __name__ == "__main__":
    unittest.main()
