#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Pillow's answers for the picture tests.

    make-image-fixtures.py                     writes tests/fixtures/image anew
    make-image-fixtures.py --check BUILD [-n N] [--seed S]
                                               N random cases against the test programs in BUILD
                                               (build/x86_64-gcc, say): test_resize and test_prepare

Pictures are drawn by integer formulas (tests/support/picture.c has the same), so that only sizes and checksums
need to be kept. Crops follow torchvision (Resize, CenterCrop) and timm (ResizeKeepRatio, CenterCropOrPad), written
out here over Pillow, which does the resizing. Needs Debian's python3-pil and python3-numpy.
"""
import argparse
import math
import os
import random
import struct
import subprocess
import sys
import tempfile
import zlib

import numpy as np
from PIL import Image

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "tests", "fixtures", "image")

# Numbers as in lib/weights/arch.h.
FILTERS = {1: Image.Resampling.NEAREST, 2: Image.Resampling.BILINEAR, 3: Image.Resampling.BICUBIC,
           4: Image.Resampling.BOX, 5: Image.Resampling.HAMMING, 6: Image.Resampling.LANCZOS}
CENTER, SQUASH, BORDER = 1, 2, 3
NOISE, EXTREME, RAMP = 0, 1, 2
MEAN = (0.485, 0.456, 0.406)


def draw(kind, seed, width, height):
    """uint8 [height][width][3], as picture_draw."""
    if kind == RAMP:
        y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
        return ((x * 3 + y * 2 + c * 85 + seed) & 255).astype(np.uint8)
    h = np.arange(width * height * 3, dtype=np.uint32)
    h = h * np.uint32(2654435761) + np.uint32(seed * 40503 + 1 & 0xFFFFFFFF)
    h ^= h >> np.uint32(15)
    h *= np.uint32(2246822519)
    h ^= h >> np.uint32(13)
    h *= np.uint32(3266489917)
    h ^= h >> np.uint32(16)
    values = (h & np.uint32(1)) * 255 if kind == EXTREME else h & np.uint32(255)
    return values.astype(np.uint8).reshape(height, width, 3)


def crc(picture):
    return zlib.crc32(np.ascontiguousarray(np.asarray(picture)).tobytes())


# ---- resize cases: a resize and a box cut out of its result

def resize_case(width, height, kind, seed, filter_, to_width, to_height, box=None):
    picture = Image.fromarray(draw(kind, seed, width, height))
    x, y, columns, rows = box or (0, 0, to_width, to_height)
    result = np.asarray(picture.resize((to_width, to_height), FILTERS[filter_]))[y:y + rows, x:x + columns]
    numbers = (width, height, kind, seed, filter_, to_width, to_height, x, y, columns, rows)
    return "%s %08x" % (" ".join(map(str, numbers)), crc(result))


def random_box(rng, width, height):
    x, y = rng.randrange(width), rng.randrange(height)
    return x, y, rng.randint(1, width - x), rng.randint(1, height - y)


def random_resize(rng):
    def side(limit):
        return rng.choice([1, 2, 3, rng.randint(1, 16), rng.randint(1, limit), rng.randint(1, limit)])
    width, height, to_width, to_height = side(700), side(700), side(300), side(300)
    if rng.random() < 0.1:
        to_width = width
    if rng.random() < 0.1:
        to_height = height
    box = random_box(rng, to_width, to_height) if rng.random() < 0.5 else None
    return resize_case(width, height, rng.randrange(3), rng.randrange(1000), rng.randint(1, 6), to_width,
                       to_height, box)


def resize_cases():
    sizes = [(640, 480, 112, 112), (640, 480, 149, 112), (37, 23, 112, 112), (1, 1, 7, 5), (7, 5, 1, 1),
             (250, 250, 112, 112), (112, 112, 112, 112), (300, 112, 112, 112), (112, 300, 112, 112),
             (3, 1000, 5, 64), (1000, 3, 64, 5), (224, 224, 225, 223), (333, 217, 256, 167)]
    for number, (width, height, to_width, to_height) in enumerate(sizes):
        for filter_ in FILTERS:
            yield resize_case(width, height, number % 3, number, filter_, to_width, to_height)
    rng = random.Random(20)
    for _ in range(120):
        yield random_resize(rng)


# ---- prepare cases: a whole preprocessing

def resize_short(picture, scale, method):
    """torchvision Resize(int)."""
    width, height = picture.size
    short, long = min(width, height), max(width, height)
    long = int(scale * long / short)
    return picture.resize((scale, long) if width <= height else (long, scale), method)


def resize_keep_ratio(picture, scale, longest, method):
    """timm ResizeKeepRatio; scale is (height, width)."""
    width, height = picture.size
    ratios = height / scale[0], width / scale[1]
    ratio = max(ratios) * longest + min(ratios) * (1.0 - longest)
    height, width = round(height / ratio), round(width / ratio)
    return picture.resize((max(width, 1), max(height, 1)), method)


def center_crop_or_pad(array, height, width, fill):
    """torchvision CenterCrop, timm CenterCropOrPad."""
    have_height, have_width = array.shape[:2]
    top, left = max(height - have_height, 0) // 2, max(width - have_width, 0) // 2
    padded = np.empty((max(height, have_height), max(width, have_width), 3), np.uint8)
    padded[:] = fill
    padded[top:top + have_height, left:left + have_width] = array
    top = int(round((padded.shape[0] - height) / 2.0))
    left = int(round((padded.shape[1] - width) / 2.0))
    return padded[top:top + height, left:left + width]


def prepared(picture, filter_, crop, width, height, fraction, resize_to):
    scale = tuple(math.floor(side / fraction) for side in (height, width))
    if resize_to:
        scale = (resize_to, resize_to)
    method, fill = FILTERS[filter_], (0, 0, 0)
    if crop == SQUASH:
        picture = picture.resize((scale[1], scale[0]), method)
    elif crop == BORDER:
        picture = resize_keep_ratio(picture, scale, 1.0, method)
        fill = [round(255 * v) for v in MEAN]
    elif scale[0] == scale[1]:
        picture = resize_short(picture, scale[0], method)
    else:
        picture = resize_keep_ratio(picture, scale, 0.0, method)
    return center_crop_or_pad(np.asarray(picture), height, width, fill)


def prepare_case(width, height, kind, seed, filter_, crop, to_width, to_height, fraction, resize_to):
    picture = Image.fromarray(draw(kind, seed, width, height))
    result = prepared(picture, filter_, crop, to_width, to_height, fraction, resize_to)
    return "%d %d %d %d %d %d %d %d %s %d %08x" % (width, height, kind, seed, filter_, crop, to_width, to_height,
                                                  fraction, resize_to, crc(result))


def random_prepare(rng):
    def side():
        return rng.choice([1, rng.randint(1, 20), rng.randint(1, 400), rng.randint(1, 700)])
    to_width = rng.choice([32, 64, 112, 225, rng.randint(1, 130)])
    to_height = to_width if rng.random() < 0.6 else rng.choice([32, 97, rng.randint(1, 130)])
    width, height = side(), side()
    # Long thin pictures would make Pillow's whole result enormous.
    while max(width, height) / min(width, height) > 60:
        width, height = side(), side()
    fraction = rng.choice([1.0, 0.875, 0.9, 0.95, 0.96, round(rng.uniform(0.3, 1.0), 3)])
    resize_to = rng.choice([0, 0, 0, rng.randint(1, 300)])
    return prepare_case(width, height, rng.randrange(3), rng.randrange(1000), rng.randint(1, 6),
                        rng.choice([CENTER, CENTER, SQUASH, BORDER]), to_width, to_height, fraction, resize_to)


def prepare_cases():
    for crop in (CENTER, SQUASH, BORDER):
        for width, height in ((640, 480), (480, 640), (224, 224), (113, 57), (1, 1), (5, 200)):
            for fraction in (1.0, 0.875, 0.96):
                yield prepare_case(width, height, NOISE, crop, 3, crop, 224, 224, fraction, 0)
            yield prepare_case(width, height, EXTREME, crop, 2, crop, 96, 160, 0.9, 0)
            yield prepare_case(width, height, RAMP, crop, 2, crop, 224, 224, 1.0, 236)
            yield prepare_case(width, height, NOISE, crop, 2, crop, 64, 64, 1.0, 33)
    yield prepare_case(301, 300, NOISE, 7, 3, CENTER, 288, 288, 0.96, 0)
    rng = random.Random(21)
    for _ in range(120):
        yield random_prepare(rng)


# ---- encoded pictures

def png(width, height, depth, colour, rows, interlace=0):
    """A PNG of ready filtered rows (bytes)."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) +
            chunk(b"IEND", b""))


def interlaced_png(array):
    """Adam7, which Pillow reads but does not write."""
    rows = b""
    for x, y, step_x, step_y in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
                                 (0, 1, 1, 2)):
        for row in array[y::step_y, x::step_x]:
            rows += b"\0" + row.tobytes() if row.size else b""
    return png(array.shape[1], array.shape[0], 8, 2, rows, 1)


def rgb16_png(array):
    """Samples whose lower bytes are not the upper ones."""
    low = np.flip(array, axis=1)
    rows = b"".join(b"\0" + np.stack([a, b], axis=-1).tobytes() for a, b in zip(array, low))
    return png(array.shape[1], array.shape[0], 16, 2, rows)


def blobs(width, height):
    """Smooth colours and one hard edge: something that JPEG is made for."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    red = 128 + 100 * np.sin(x / 9.0) * np.cos(y / 7.0)
    green = 255 * x / max(width - 1, 1)
    blue = np.where(y > height / 2, 200.0, 40.0)
    return np.clip(np.stack([red, green, blue], axis=-1), 0, 255).astype(np.uint8)


def save(name, picture, **options):
    picture.save(os.path.join(FOLDER, name), **options)


def write(name, data):
    with open(os.path.join(FOLDER, name), "wb") as file:
        file.write(data)


def write_lossless():
    """Files whose pixels every decoder agrees on, and their checksums."""
    noise = draw(NOISE, 3, 37, 23)
    picture = Image.fromarray(noise)
    gray = picture.convert("L")
    alpha = picture.copy()
    alpha.putalpha(Image.fromarray(draw(NOISE, 4, 37, 23)[:, :, 0]))
    palette = picture.quantize(32)
    frames = [Image.fromarray(draw(RAMP, s, 37, 23)).quantize(64) for s in (0, 90)]
    expected = {}

    def keep(name, array, **options):
        save(name, options.pop("picture"), **options)
        expected[name] = np.asarray(array)

    keep("rgb.png", noise, picture=picture)
    keep("gray.png", gray.convert("RGB"), picture=gray)
    keep("rgba.png", noise, picture=alpha)
    keep("palette.png", palette.convert("RGB"), picture=palette)
    keep("onebit.png", picture.convert("1").convert("RGB"), picture=picture.convert("1"))
    keep("rgb.bmp", noise, picture=picture)
    keep("palette.bmp", palette.convert("RGB"), picture=palette)
    keep("rgb.tga", noise, picture=picture)
    keep("runs.tga", draw(RAMP, 0, 37, 23) // 64 * 64, picture=Image.fromarray(draw(RAMP, 0, 37, 23) // 64 * 64),
         compression="tga_rle")
    keep("rgb.ppm", noise, picture=picture)
    keep("gray.pgm", gray.convert("RGB"), picture=gray)
    keep("animated.gif", frames[0].convert("RGB"), picture=frames[0], save_all=True, append_images=frames[1:])
    write("interlaced.png", interlaced_png(noise))
    expected["interlaced.png"] = noise
    write("rgb16.png", rgb16_png(noise))
    expected["rgb16.png"] = noise
    for name in ("interlaced.png", "rgb.tga", "runs.tga", "animated.gif", "rgb.bmp"):
        with Image.open(os.path.join(FOLDER, name)) as again:
            assert np.array_equal(np.asarray(again.convert("RGB")), expected[name]), name
    return ["%s %d %d %08x" % (name, array.shape[1], array.shape[0], crc(array))
            for name, array in sorted(expected.items())]


def write_jpegs():
    """JPEG files, each with Pillow's pixels in a PNG beside it."""
    picture = Image.fromarray(blobs(45, 30))
    files = {"full.jpg": (picture, {"quality": 92, "subsampling": 0}),
             "half.jpg": (picture, {"quality": 90, "subsampling": 1}),
             "quarter.jpg": (picture, {"quality": 90, "subsampling": 2}),
             "progressive.jpg": (picture, {"quality": 90, "subsampling": 2, "progressive": True}),
             "gray.jpg": (picture.convert("L"), {"quality": 90})}
    for name, (source, options) in files.items():
        save(name, source, **options)
        with Image.open(os.path.join(FOLDER, name)) as again:
            save(name + ".png", again.convert("RGB"), optimize=True)
    save("cmyk.jpg", picture.convert("CMYK"), quality=92)


def write_lines(name, lines, head):
    with open(os.path.join(FOLDER, name), "w", encoding="ascii") as file:
        file.write("# " + head + "\n# written by tools/reference/make-image-fixtures.py\n")
        file.write("\n".join(lines) + "\n")


RESIZE_HEAD = "width height kind seed filter to_width to_height x y columns rows crc32"
PREPARE_HEAD = "width height kind seed filter crop to_width to_height crop_fraction resize_to crc32"


def write_all():
    os.makedirs(FOLDER, exist_ok=True)
    write_lines("decode.txt", write_lossless(), "file width height crc32")
    write_jpegs()
    write_lines("resize.txt", resize_cases(), RESIZE_HEAD)
    write_lines("prepare.txt", prepare_cases(), PREPARE_HEAD)


def check(build, count, seed):
    rng = random.Random(seed)
    failed = 0
    for program, make in (("test_resize", random_resize), ("test_prepare", random_prepare)):
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="ascii") as cases:
            cases.write("\n".join(make(rng) for _ in range(count)) + "\n")
            cases.flush()
            result = subprocess.run([os.path.join(build, "tests", "unit", program), cases.name], cwd=ROOT,
                                    check=False)
        print("%s: %d random cases against Pillow %s, seed %d: %s" %
              (program, count, Image.__version__, seed, "FAILED" if result.returncode else "equal"))
        failed |= result.returncode != 0
    return int(failed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", metavar="BUILD", help="compare the test programs in BUILD with Pillow")
    parser.add_argument("-n", type=int, default=300, help="random cases for each program")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.check:
        return check(os.path.abspath(options.check), options.n, options.seed)
    write_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
