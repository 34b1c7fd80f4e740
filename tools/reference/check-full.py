#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compares ve-export and ve-embed with PyTorch on models of published shapes (random weights).

    check-full.py --bin DIR [--model NAME]... [--size WIDTHxHEIGHT]... [--precision f32|f16]...

DIR holds ve-export and ve-embed. Every model is written as safetensors, exported, and run on a ready tensor for
each size; the embedding is compared with PyTorch's in double precision, computed from the same file. `float` is
how far PyTorch's own float run is off. Prints a line for each comparison and "N passed, N failed" at the end;
status 1 when one failed. Temporary files go to $TMPDIR and are removed.
"""
import sys

sys.dont_write_bytecode = True  # leave no folders in the tree

import argparse
import pathlib
import subprocess
import tempfile

import numpy as np
import torch

import full
import inputs
import random_weights
import safetensors_file

MODELS = ["convnext_zepto_rms_ols", "convnext_atto", "convnext_atto_ols", "convnext_femto", "convnext_pico",
          "convnext_nano", "convnext_nano_ols", "convnext_tiny", "convnext_tiny_hnf", "convnextv2_atto",
          "convnextv2_nano", "convnextv2_tiny"]
SIZES = ["224x224", "288x288", "96x160"]
LIMITS = {"f32": (0.999999, 1e-4), "f16": (0.9999, None)}  # least cosine, largest error / largest value


def embed(binaries, weights, tensor):
    command = [binaries / "ve-embed", "-m", weights, "--no-normalize", "--format", "text", "--tensor", tensor]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return np.array(text.split(), np.float64)


def exact(model, picture):
    """The embedding in double precision, and a float run's largest error as a share of its largest value."""
    with torch.no_grad():
        rough = model.float()(picture).embeddings["norm"][0].double()
        result = model.double()(picture.double()).embeddings["norm"][0]
    return result.numpy(), float((rough - result).abs().max() / result.abs().max())


def compare(got, want):
    if got.shape != want.shape:
        return 0.0, np.inf
    cosine = got @ want / np.sqrt((got @ got) * (want @ want))
    return cosine, np.abs(got - want).max() / np.abs(want).max()


def check_model(name, options, folder):
    """True or False for each comparison."""
    model, sidecars, scales = full.build(name)
    random_weights.fill(model, name, scales)
    safetensors_file.write(folder / "model.safetensors", random_weights.checkpoint(model), {"format": "pt"})
    full.write_sidecars(folder, sidecars)
    for precision in options.precision:
        subprocess.run([options.bin / "ve-export", folder, "-q", "-o", folder / f"{precision}.vew", "--embedding",
                        "norm", "--precision", precision], check=True)
    for size in options.size:
        width, height = map(int, size.split("x"))
        picture = inputs.picture(width, height)[None]
        np.save(folder / "input.npy", picture)
        want, rough = exact(model, torch.from_numpy(picture))
        for precision in options.precision:
            cosine, error = compare(embed(options.bin, folder / f"{precision}.vew", folder / "input.npy"), want)
            least, largest = LIMITS[precision]
            good = bool(cosine >= least and (largest is None or error <= largest))
            print(f"{'ok  ' if good else 'FAIL'} {name:24s} {size:8s} {precision}  1 - cosine {1 - cosine:.1e}  "
                  f"error {error:.1e}  (float {rough:.1e})", flush=True)
            yield good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--model", action="append", choices=sorted(full.MODELS), metavar="NAME")
    parser.add_argument("--size", action="append", metavar="WIDTHxHEIGHT")
    parser.add_argument("--precision", action="append", choices=sorted(LIMITS))
    options = parser.parse_args()
    options.size = options.size or SIZES
    options.precision = options.precision or sorted(LIMITS)
    results = []
    for name in options.model or MODELS:
        with tempfile.TemporaryDirectory() as folder:
            results += check_model(name, options, pathlib.Path(folder))
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(not all(results))


main()
