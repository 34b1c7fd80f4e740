#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the parity fixtures (small models with PyTorch's own results) and full-size random models.

    make-fixtures.py [--only CASE]... DIR      every case of cases.py into DIR/CASE, and DIR/exports.txt
    make-fixtures.py --compare DIR                  makes them anew and compares: the same files, the same numbers
    make-fixtures.py --full NAME [--seed N] DIR     model.safetensors and config.json of a timm model's shape
    make-fixtures.py --list                    cases and full-size names

Needs PyTorch and numpy only. The reference is computed in double precision from the very numbers that the
file holds; a float run of the same model must agree, which shows how far rounding alone goes.

DIR/CASE/reference.txt, line by line, its values one after the other in reference.npy (float32, one axis):
    input WIDTH HEIGHT                         the picture (inputs.py)
    map STAGE HEIGHT WIDTH CHANNELS COUNT MAX  COUNT samples of the map after the stem (-1) or a stage; MAX: the
                                               whole map's largest magnitude
    embedding KIND DIM                         pooled, norm or head, complete
DIR/CASE/export.args: arguments for ve-export, where it has to be told which embedding to make
DIR/exports.txt: NAME CASE KIND MIN_COSINE MAX_ERROR: the weight file NAME.vew made from CASE, what it computes,
    how close it has to come at the end, and in every stage as a share of the stage's largest magnitude (- : any)
"""
import sys

sys.dont_write_bytecode = True  # leave no folders in the tree

import argparse
import pathlib
import tempfile

import numpy as np
import torch

import cases
import full
import inputs
import random_weights
import safetensors_file

FLOAT_TOLERANCE = 3e-6  # float against double, as a share of the largest value
# What the library promises is 1e-4; it does ten times better than this on every kernel table.
LARGEST_ERROR = "2e-5"


def share_of_error(value, exact):
    return float((value.double() - exact).abs().max() / exact.abs().max())


def run(model, width, height):
    """The exact outputs, and the largest error of a float run."""
    picture = torch.from_numpy(inputs.picture(width, height))[None]
    with torch.no_grad():
        rough = model.float()(picture)
        exact = model.double()(picture.double())
    pairs = list(zip(rough.maps, exact.maps))
    pairs += [(rough.embeddings[kind], exact.embeddings[kind]) for kind in exact.embeddings]
    return exact, max(share_of_error(a, b) for a, b in pairs)


def describe(model, sizes):
    """Lines of reference.txt, values of reference.npy, and the largest float error."""
    lines, values, worst = [], [], 0.0
    for width, height in sizes:
        exact, error = run(model, width, height)
        worst = max(worst, error)
        lines.append(f"input {width} {height}")
        for stage, map_ in enumerate(exact.maps, -1):
            array = map_[0].numpy()
            kept = inputs.samples(array, max(width, height) <= inputs.WHOLE_UP_TO)
            channels, rows, columns = array.shape
            lines.append(f"map {stage} {rows} {columns} {channels} {kept.size} {np.abs(array).max():.9g}")
            values.append(kept)
        for kind, vector in exact.embeddings.items():
            lines.append(f"embedding {kind} {vector.shape[1]}")
            values.append(vector[0].numpy())
    return lines, np.concatenate(values).astype("<f4"), worst


def write_case(case, folder):
    folder.mkdir(parents=True, exist_ok=True)
    model = random_weights.fill(case.model(), case.name, case.scales, case.dtype)
    tensors = random_weights.checkpoint(model, case.dtype)
    metadata = {"format": "pt"}
    if case.shards:
        safetensors_file.write_sharded(folder, tensors, case.shards, metadata)
    else:
        safetensors_file.write(folder / "model.safetensors", tensors, metadata)
    full.write_sidecars(folder, case.sidecars)
    if case.told:
        (folder / "export.args").write_text(f"--embedding {case.kind}\n")
    lines, values, worst = describe(model, case.sizes)
    (folder / "reference.txt").write_text("\n".join(lines) + "\n")
    np.save(folder / "reference.npy", values)
    print(f"{case.name}: {sum(t.numel() for t in tensors.values())} parameters, float error {worst:.1e}")
    if worst > FLOAT_TOLERANCE:
        sys.exit(f"{case.name}: badly scaled, rounding alone makes an error of {worst:.1e}")


def export_lines(case):
    yield f"{case.name} {case.name} {case.kind} 0.999999 {LARGEST_ERROR}"
    yield f"{case.name}.f16 {case.name} {case.kind} 0.9999 -"
    if case.dtype == torch.float32 and not case.shards:  # those are timm_v1's shape again, stored in another way
        yield f"{case.name}.i8 {case.name} {case.kind} 0.998 -"
    for kind in case.also:
        yield f"{case.name}.{kind} {case.name} {kind} 0.999999 {LARGEST_ERROR}"


def make_fixtures(folder, only):
    chosen = [case for case in cases.all_cases() if not only or case.name in only]
    for case in chosen:
        write_case(case, folder / case.name)
    if not only:
        lines = [line for case in chosen for line in export_lines(case)]
        (folder / "exports.txt").write_text("\n".join(lines) + "\n")


def same_file(made, kept):
    """Byte for byte, but for results: those may differ by rounding between versions of PyTorch."""
    if made.name == "reference.npy":
        a, b = np.load(made), np.load(kept)
        return a.shape == b.shape and np.allclose(a, b, rtol=1e-5, atol=1e-6)
    if made.name == "reference.txt":
        words = zip(made.read_text().split(), kept.read_text().split(), strict=True)
        return all(a == b or np.isclose(float(a), float(b), rtol=1e-5) for a, b in words)
    return made.read_bytes() == kept.read_bytes()


def compare_fixtures(folder):
    with tempfile.TemporaryDirectory() as made:
        made = pathlib.Path(made)
        make_fixtures(made, [])
        kept = {path.relative_to(folder) for case in made.iterdir() if case.is_dir()
                for path in (folder / case.name).glob("*")} | {pathlib.Path("exports.txt")}
        files = {path.relative_to(made) for path in made.rglob("*") if path.is_file()}
        wrong = sorted(map(str, files ^ kept))
        wrong += [str(path) for path in sorted(files & kept) if not same_file(made / path, folder / path)]
    for path in wrong:
        print(f"differs: {path}")
    print(f"{len(files | kept) - len(wrong)} passed, {len(wrong)} failed")
    sys.exit(bool(wrong))


def make_full(name, seed, folder):
    folder.mkdir(parents=True, exist_ok=True)
    model, config, scales = full.build(name)
    random_weights.fill(model, seed, scales)
    safetensors_file.write(folder / "model.safetensors", random_weights.checkpoint(model), {"format": "pt"})
    full.write_sidecars(folder, config)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="CASE")
    parser.add_argument("--full", metavar="NAME", choices=sorted(full.MODELS))
    parser.add_argument("--seed", default="full", metavar="N")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("folder", nargs="?", type=pathlib.Path, metavar="DIR")
    options = parser.parse_args()
    if options.list:
        print("cases:", *(case.name for case in cases.all_cases()))
        print("full:", *full.MODELS)
    elif not options.folder:
        parser.error("DIR is missing")
    elif options.full:
        make_full(options.full, options.seed, options.folder)
    elif options.compare:
        compare_fixtures(options.folder)
    else:
        make_fixtures(options.folder, options.only)


main()
