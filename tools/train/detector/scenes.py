"""Training pictures made on the fly: packed pictures (label.py) placed, turned and spoilt in a square scene.

A scene is one of
  a picture with faces, so that one of its faces gets a size drawn log-uniformly and lies anywhere in the scene;
  a background with one to four faces pasted into it;
  a background alone: objects, parts of pictures away from every face, noise, gradients, text, grids.
Then light, colour, blur, noise and JPEG are drawn. Faces that YuNet is not sure of, that lie mostly outside, or that
are too small or large to be asked for count as neither face nor background.
"""
import glob
import json
import os

import cv2
import numpy as np

STRIDES = (8, 16, 32)
# A stride answers for faces of these sides (pixels of the longer side of the box); they overlap.
RANGES = ((14, 42), (32, 86), (68, 220))
SMALLEST, LARGEST = 17, 200
FLIP = np.array([1, 0, 2, 4, 3])


class Pictures:
    def __init__(self, cache, split):
        self.rows, self.memory = [], {}
        for path in sorted(glob.glob(os.path.join(cache, "*.jsonl"))):
            part = path[:-6] + ".bin"
            self.memory[part] = np.memmap(part, np.uint8, "r")
            for line in open(path):
                if not line.endswith("\n"):
                    break
                r = json.loads(line)
                if r["split"] == split and r["at"] + r["width"] * r["height"] * 3 <= len(self.memory[part]):
                    r["part"] = part
                    r["faces"] = np.array(r["faces"], np.float32).reshape(-1, 15)
                    self.rows.append(r)
        self.with_face = [r for r in self.rows if (r["faces"][:, 0] > 0.7).any()]
        self.without = [r for r in self.rows if not len(r["faces"])]
        # What an earlier detector took for faces: [row, x, y, side], from mine.py.
        hard = os.path.join(cache, "hard.json")
        by_path = {r["path"]: r for r in self.rows}
        self.hard = []
        if os.path.exists(hard):
            self.hard = [(by_path[path], *box) for path, *box in json.load(open(hard)) if path in by_path]

    def pixels(self, r):
        n = r["width"] * r["height"] * 3
        return self.memory[r["part"]][r["at"]:r["at"] + n].reshape(r["height"], r["width"], 3)


def transform(scale, angle, source, target, flip):
    """2x3 matrix: source point to target point, turned by angle, scaled, mirrored."""
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    m = np.array([[c, -s], [s, c]])
    if flip:
        m = m @ np.diag([-1.0, 1.0])
    return np.hstack([m, (np.asarray(target) - m @ np.asarray(source))[:, None]])


def move_faces(faces, m, flip):
    """Faces through a similarity; the box stays upright: its centre moves, its sides scale."""
    out = faces.copy()
    scale = np.sqrt(abs(np.linalg.det(m[:, :2])))
    centre = (faces[:, 1:3] + faces[:, 3:5] / 2) @ m[:, :2].T + m[:, 2]
    out[:, 3:5] = faces[:, 3:5] * scale
    out[:, 1:3] = centre - out[:, 3:5] / 2
    points = faces[:, 5:].reshape(-1, 5, 2) @ m[:, :2].T + m[:, 2]
    out[:, 5:] = (points[:, FLIP] if flip else points).reshape(-1, 10)
    return out


class Scenes:
    def __init__(self, pictures, side, seed, smallest=SMALLEST, largest=LARGEST, close_part=0.6):
        self.p, self.side, self.rng = pictures, side, np.random.default_rng(seed)
        self.close_part = close_part
        self.smallest, self.largest = smallest, largest
        self.grid = np.concatenate([self.cells(s) for s in STRIDES])

    def cells(self, s):
        n = self.side // s
        y, x = np.mgrid[:n, :n]
        return np.stack([(x + 0.5) * s, (y + 0.5) * s, np.full((n, n), s)], -1).reshape(-1, 3).astype(np.float32)

    def pick(self, rows):
        return rows[self.rng.integers(len(rows))]

    def warp(self, pixels, m, border):
        scale = np.sqrt(abs(np.linalg.det(m[:, :2])))
        image = np.ascontiguousarray(pixels)
        if scale < 0.6:  # shrink first, so that the warp does not alias
            f = scale * 1.3
            image = cv2.resize(image, None, fx=f, fy=f, interpolation=cv2.INTER_AREA)
            m = m.copy()
            m[:, :2] /= f
            m[:, 2] += m[:, :2] @ np.full(2, 0.5 - 0.5 * f)  # resize() keeps corners in place, warpAffine() middles
        return cv2.warpAffine(image, m, (self.side, self.side), flags=cv2.INTER_LINEAR, borderValue=border)

    def angle(self):
        r = self.rng
        return np.deg2rad(r.uniform(-35, 35) if r.random() < 0.4 else np.clip(r.normal(0, 8), -35, 35))

    def face_size(self):
        r = self.rng
        return float(np.exp(r.uniform(np.log(self.smallest), np.log(self.largest))))

    # ---- backgrounds
    def drawn(self):
        """Noise, gradients, grids, text: what faces are not."""
        r, side = self.rng, self.side
        kind = r.integers(4)
        n = int(2 ** r.uniform(1, 6))
        image = cv2.resize(r.integers(0, 256, (n, n, 3)).astype(np.uint8), (side, side),
                           interpolation=cv2.INTER_CUBIC if kind else cv2.INTER_NEAREST)
        if kind == 2:
            for _ in range(r.integers(1, 12)):
                text = "".join(chr(c) for c in r.integers(33, 126, r.integers(1, 12)))
                cv2.putText(image, text, (int(r.integers(-20, side)), int(r.integers(side))), int(r.integers(8)),
                            float(r.uniform(0.4, 3)), r.integers(0, 256, 3).tolist(), int(r.integers(1, 5)))
        if kind == 3:
            for _ in range(r.integers(1, 20)):
                a, colour = r.integers(-10, side + 10, 4), r.integers(0, 256, 3).tolist()
                axes = tuple(int(v) for v in r.integers(1, side // 3, 2))
                cv2.ellipse(image, (int(a[0]), int(a[1])), axes, float(r.uniform(0, 180)), 0, 360, colour,
                            int(r.integers(-1, 6)) or -1)
        return image

    def away(self):
        """A part of a picture with faces that touches none of them, or None."""
        r = self.rng
        row = self.pick(self.p.rows)
        f = row["faces"]
        for _ in range(6):
            w = r.uniform(0.12, 0.6) * min(row["width"], row["height"])
            x, y = r.uniform(0, row["width"] - w), r.uniform(0, row["height"] - w)
            if len(f) and ((f[:, 1] - 0.1 * f[:, 3] < x + w) & (f[:, 1] + 1.1 * f[:, 3] > x) &
                           (f[:, 2] - 0.1 * f[:, 4] < y + w) & (f[:, 2] + 1.1 * f[:, 4] > y)).any():
                continue
            m = transform(self.side / w, 0, (x + w / 2, y + w / 2), (self.side / 2,) * 2, r.random() < 0.5)
            return self.warp(self.p.pixels(row)[int(y):int(y + w) + 1, int(x):int(x + w) + 1],
                             np.hstack([m[:, :2], m[:, 2:] + m[:, :2] @ np.array([[int(x)], [int(y)]])]), 127)
        return None

    def mistaken(self):
        """Something that was taken for a face, at a drawn size; None where a face is in sight."""
        r = self.rng
        row, x, y, box = self.pick(self.p.hard)
        size = np.exp(r.uniform(np.log(20), np.log(0.8 * self.side)))
        reach, f = 0.5 * box * self.side / size, row["faces"]
        cx, cy = x + r.uniform(0.1, 0.9) * box, y + r.uniform(0.1, 0.9) * box
        if len(f) and ((f[:, 1] < cx + reach) & (f[:, 1] + f[:, 3] > cx - reach) & (f[:, 2] < cy + reach) &
                       (f[:, 2] + f[:, 4] > cy - reach)).any():
            return None
        m = transform(size / box, 0.5 * self.angle(), (cx, cy), (self.side / 2,) * 2, r.random() < 0.5)
        return self.warp(self.p.pixels(row), m, (int(r.integers(256)),) * 3)

    def background(self):
        r = self.rng
        if self.p.hard and r.random() < 0.45:
            image = self.mistaken()
            if image is not None:
                return image
        k = r.random()
        if k < 0.12 or not self.p.without:
            return self.drawn()
        if k < 0.5:
            image = self.away()
            if image is not None:
                return image
        row = self.pick(self.p.without)
        scale = self.side / min(row["width"], row["height"]) * r.uniform(0.8, 2.5)
        at = r.uniform(0, 1, 2) * (row["width"], row["height"])
        m = transform(scale, self.angle(), at, (self.side / 2,) * 2, r.random() < 0.5)
        image = cv2.warpAffine(np.ascontiguousarray(self.p.pixels(row)), m, (self.side, self.side),
                               flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        return image

    # ---- faces
    def placed(self, close=False):
        """A picture with faces, one of them of a drawn size at a drawn place; close: as the second look sees it."""
        r = self.rng
        row = self.pick(self.p.with_face)
        flip = r.random() < 0.5
        f = row["faces"]
        sure = np.nonzero(f[:, 0] > 0.7)[0]
        one = f[sure[r.integers(len(sure))]]
        size = min(r.uniform(0.58, 0.9) * self.side if close else self.face_size(), 2.5 * max(one[3:5]))
        scale = size / max(one[3:5])
        low, high = min(0.42 * size, self.side / 2), max(self.side - 0.42 * size, self.side / 2)
        if close:
            low, high = 0.38 * self.side, 0.62 * self.side
        elif r.random() < 0.15:
            low, high = 0.1 * size, self.side - 0.1 * size
        angle = self.angle()
        if close and r.random() < 0.75:  # turned upright by its points
            upright = np.arctan2(*(one[7:9] - one[5:7])[::-1])
            angle = (upright if flip else -upright) + np.deg2rad(np.clip(r.normal(0, 5), -15, 15))
        m = transform(scale, angle, one[1:3] + one[3:5] / 2, r.uniform(low, high, 2), flip)
        k = r.random()
        border = 127 if k < 0.25 else 0 if k < 0.35 else int(r.integers(256))
        image = self.warp(self.p.pixels(row), m, (border,) * 3)
        if k > 0.5:
            mask = self.warp(np.full((row["height"], row["width"]), 255, np.uint8), m, 0)
            image = np.where(mask[..., None] > 127, image, self.background())
        return image, move_faces(f, m, flip)

    def pasted(self):
        """One to four faces with some of their surroundings, pasted into a background."""
        r, side = self.rng, self.side
        image, faces = self.background().copy(), []
        for _ in range(r.integers(1, 5)):
            row = self.pick(self.p.with_face)
            f = row["faces"]
            one = f[np.argmax(f[:, 0])]
            flip = r.random() < 0.5
            size = min(self.face_size() if not faces else min(self.face_size(), 0.5 * side), 2.5 * max(one[3:5]))
            at = r.uniform(0.3 * size, max(side - 0.3 * size, 0.31 * size), 2)
            if any(np.abs(at - (g[1:3] + g[3:5] / 2)).max() < 0.75 * (size + max(g[3:5])) for g in faces):
                continue
            m = transform(size / max(one[3:5]), self.angle(), one[1:3] + one[3:5] / 2, at, flip)
            mask = np.zeros((side, side), np.uint8)
            grow = r.uniform(0.6, 1.1, 2) * size
            if r.random() < 0.7:
                cv2.ellipse(mask, (int(at[0]), int(at[1])), (int(grow[0] * 0.85), int(grow[1])), 0, 0, 360, 255, -1)
            else:
                cv2.rectangle(mask, (int(at[0] - grow[0]), int(at[1] - grow[1])),
                              (int(at[0] + grow[0]), int(at[1] + grow[1])), 255, -1)
            inside = self.warp(np.full((row["height"], row["width"]), 255, np.uint8), m, 0)
            mask = np.minimum(mask, inside)
            if r.random() < 0.6:
                mask = cv2.GaussianBlur(mask, (0, 0), max(0.5, 0.05 * size))
            over = self.warp(self.p.pixels(row), m, (127,) * 3)
            a = mask[..., None].astype(np.uint16)
            image = ((over * a + image * (255 - a)) // 255).astype(np.uint8)
            moved = move_faces(f, m, flip)
            centre = moved[:, 1:3] + moved[:, 3:5] / 2
            for k in range(len(moved)):
                x, y = int(centre[k, 0]), int(centre[k, 1])
                if 0 <= x < side and 0 <= y < side and mask[y, x] > 0:
                    g = moved[k].copy()
                    if k != np.argmax(f[:, 0]):
                        g[0] = 0.4  # cut off by the mask perhaps
                    faces.append(g)
        return image, np.array(faces, np.float32).reshape(-1, 15)

    # ---- spoiling
    def spoil(self, image):
        r = self.rng
        x = image.astype(np.float32)
        if r.random() < 0.15:
            x = np.repeat(x @ np.array([0.299, 0.587, 0.114], np.float32)[..., None], 3, -1)
        if r.random() < 0.3:
            x *= r.uniform(0.75, 1.25, 3).astype(np.float32)
        if r.random() < 0.6:
            mean = x.mean()
            x = (x - mean) * np.float32(r.uniform(0.5, 1.4)) + mean * np.float32(np.exp(r.uniform(-0.7, 0.35)))
        if r.random() < 0.12:  # a dark room
            x *= np.float32(r.uniform(0.08, 0.4))
        if r.random() < 0.15:  # light from one side
            ramp = np.linspace(r.uniform(0.3, 1), r.uniform(0.7, 1.5), self.side, dtype=np.float32)
            x *= ramp[:, None, None] if r.random() < 0.4 else ramp[None, :, None]
        k = r.random()
        if k < 0.15:
            x = cv2.GaussianBlur(x, (0, 0), float(r.uniform(0.4, 1.6)))
        elif k < 0.22:
            n = int(r.integers(2, 7))
            line = np.zeros((n, n), np.float32)
            line[n // 2] = 1.0 / n
            x = cv2.filter2D(x, -1, line if r.random() < 0.5 else line.T)
        elif k < 0.3:
            f = r.uniform(0.4, 0.9)
            x = cv2.resize(cv2.resize(x, None, fx=f, fy=f, interpolation=cv2.INTER_AREA), (self.side, self.side))
        if r.random() < 0.25:
            noise = r.standard_normal((self.side, self.side, 3), np.float32)
            x += noise * np.float32(r.uniform(2, 20))
        x = np.clip(x, 0, 255).astype(np.uint8)
        if r.random() < 0.2:
            ok, data = cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, int(r.integers(15, 85))])
            x = cv2.imdecode(data, cv2.IMREAD_COLOR)
        return x

    def cover(self, image, faces):
        """Something in front of part of a face: a hand, a mask, a bar."""
        r = self.rng
        f = faces[r.integers(len(faces))]
        x, y, w, h = f[1:5]
        colour = r.integers(0, 256, 3).tolist()
        k = r.random()
        if k < 0.5:  # lower face
            cv2.rectangle(image, (int(x), int(y + r.uniform(0.55, 0.85) * h)), (int(x + w), int(y + 1.1 * h)), colour, -1)
        else:
            c = x + r.uniform(0, 1) * w, y + r.uniform(0, 1) * h
            a = r.uniform(0.1, 0.3, 2) * w
            cv2.ellipse(image, (int(c[0]), int(c[1])), (int(a[0]) + 1, int(a[1]) + 1), float(r.uniform(0, 180)), 0, 360,
                        colour, -1)
        return image

    def scene(self):
        k, close = self.rng.random(), self.rng.random() < self.close_part
        if close:
            image, faces = self.placed(close=True)
        elif k < 0.52:
            image, faces = self.placed()
        elif k < 0.84:
            image, faces = self.pasted()
        else:
            image, faces = self.background(), np.zeros((0, 15), np.float32)
        if len(faces) and self.rng.random() < 0.12:
            image = self.cover(np.ascontiguousarray(image), faces)
        return (image if close and self.rng.random() < 0.4 else self.spoil(image)), faces

    # ---- what the network should say: [cells][16]: 1 face, 0 none, -1 not asked; box, points; side of the face
    def targets(self, faces):
        grid, out = self.grid, np.zeros((len(self.grid), 16), np.float32)
        faces = faces.copy()
        faces[:, 1:3] += 0.5  # pictures' pixels have their middles at whole numbers, cells are counted from corners
        faces[:, 5:] += 0.5
        best = np.full(len(grid), np.inf, np.float32)
        for f in faces:
            size = max(f[3], f[4])
            centre = f[1:3] + f[3:5] / 2
            seen = np.prod(np.clip(np.minimum(f[1:3] + f[3:5], self.side) - np.maximum(f[1:3], 0), 0, None)) / (f[3] * f[4])
            if seen <= 0.02:
                continue
            asked = f[0] > 0.6 and seen > 0.6 and SMALLEST <= size <= LARGEST
            d = np.abs(grid[:, :2] - centre).max(1)
            for s, (low, high) in zip(STRIDES, RANGES):
                here = grid[:, 2] == s
                wanted = asked and low <= size < high
                near = here & (d < max(0.13 * size, 0.6 * s))
                around = here & (d < 0.45 * size if not asked else here & (d < max(0.28 * size, 1.1 * s)))
                if not wanted:
                    # Another stride's face: its middle may say so or not.
                    if asked and (size < 0.6 * low or size > 1.6 * high):
                        continue
                    around = here & (d < max(0.45 * size, 0.6 * s))
                    near = np.zeros_like(here)
                out[around & (out[:, 0] == 0), 0] = -1
                take = near & (d < best)
                best[take] = d[take]
                c = grid[take, :2]
                out[take, 0] = 1
                out[take, 1:3] = (centre - c) / s
                out[take, 3:5] = np.log(f[3:5] / (4 * s))
                out[take, 5:15] = ((f[5:].reshape(1, 5, 2) - c[:, None]) / (2 * s)).reshape(-1, 10)
                out[take, 15] = size
        return out

    def batch(self, count):
        images = np.empty((count, self.side, self.side, 3), np.uint8)
        targets = np.empty((count, len(self.grid), 16), np.float32)
        for i in range(count):
            images[i], faces = self.scene()
            targets[i] = self.targets(faces)
        return images, targets
