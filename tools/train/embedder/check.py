#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compares the trainer's outputs, losses and gradients with PyTorch's, on random weights and pictures.

  check.py TRAINER [--size 64] [--batch 32] [--margin cosface|adaface] [--outputs 1e-5] [--gradients 1e-4]

TRAINER is train-embedder-f32, whose defaults above it must meet, or train-embedder (bfloat16): --outputs 0.03
--gradients 0.02. Errors are relative: the length of the difference by the length of PyTorch's. Exit status 1 when one
is too large.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "reference"))
import safetensors_file  # noqa: E402
from torchvision_convnext import TorchvisionConvNeXt  # noqa: E402

CROP, EMBEDDING, SCALE, MARGIN, WEIGHT, RELATIONAL = 112, 512, 32.0, 0.3, 0.05, 0.5


def random_model(generator):
    """Weights away from their special starting values."""
    model = TorchvisionConvNeXt((2, 2, 6, 2), (40, 80, 160, 320), EMBEDDING)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.ndim >= 2 and not name.endswith("layer_scale"):
                p.copy_(torch.from_numpy(generator.normal(0, p[0].numel() ** -0.5, p.shape)))
            elif name.endswith("layer_scale"):
                p.copy_(torch.from_numpy(generator.uniform(0.05, 0.3, p.shape)))
            else:
                p.add_(torch.from_numpy(generator.normal(0, 0.1, p.shape)))
    return model


def random_data(batch, generator):
    coarse = np.kron(generator.integers(0, 256, (batch, 28, 28, 3)), np.ones((1, 4, 4, 1)))
    crops = np.clip(coarse + generator.normal(0, 12, (batch, CROP, CROP, 3)), 0, 255).astype(np.uint8)
    targets = generator.normal(0, 1, (batch, EMBEDDING))
    targets = (targets / np.linalg.norm(targets, axis=1, keepdims=True)).astype(np.float16)
    people = generator.integers(0, batch // 2, batch).astype(np.int32)
    people[::5] = -1
    return crops, targets, people


def area_matrix(size):
    """Rows of shares: what each of `size` pixels covers of 112."""
    edges = np.arange(size + 1) * CROP / size
    low, high = np.arange(CROP), np.arange(CROP) + 1
    cover = np.minimum(edges[1:, None], high) - np.maximum(edges[:-1, None], low)
    return torch.from_numpy(np.maximum(cover, 0) * size / CROP).float()


def margin_loss(model_out, unit, people, centres, kind):
    named = people >= 0
    cosines = unit[named] @ torch.nn.functional.normalize(centres).T
    label = people[named].long()
    own = cosines.gather(1, label[:, None]).clamp(-1, 1)
    if kind == "cosface":
        moved = own - MARGIN
    else:  # the running mean and deviation of the lengths are at their start
        g = ((model_out[named].norm(dim=1, keepdim=True).detach() - 20) / (100 + 1e-3) * 0.333).clamp(-1, 1)
        moved = torch.cos((torch.acos(own) - MARGIN * g).clamp(1e-3, np.pi - 1e-3)) - MARGIN * g - MARGIN
    logits = SCALE * cosines.scatter(1, label[:, None], moved)
    return torch.nn.functional.cross_entropy(logits, label, reduction="sum") / len(people)


def floats(folder, name, shape):
    return np.fromfile(f"{folder}/{name}.f32", np.float32).reshape(shape)


def error(ours, theirs):
    return float(np.linalg.norm(ours - theirs) / (np.linalg.norm(theirs) + 1e-12))


def run_trainer(a, folder, model, data):
    safetensors_file.write(f"{folder}/weights.safetensors", dict(model.state_dict()))
    for name, array in zip(("crops", "targets", "people"), data):
        np.save(f"{folder}/{name}.npy", array)
    command = [a.trainer, "--check", f"{folder}/crops.npy,{folder}/targets.npy,{folder}/people.npy", "--size",
               str(a.size), "--init", f"{folder}/weights.safetensors", "--dump", f"{folder}/"]
    if a.margin:
        command += ["--margin", a.margin, "--margin-weight", str(WEIGHT), "--margin-scale", str(SCALE),
                    "--margin-value", str(MARGIN)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(x) for x in text.split()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("trainer")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--margin", choices=("cosface", "adaface"))
    parser.add_argument("--outputs", type=float, default=1e-5)
    parser.add_argument("--gradients", type=float, default=1e-4)
    a = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    generator = np.random.default_rng(1)
    model, data = random_model(generator), random_data(a.batch, generator)
    with tempfile.TemporaryDirectory() as folder:
        losses = run_trainer(a, folder, model, data)
        shares = area_matrix(a.size)
        pictures = torch.einsum("yh,bhwc,xw->bcyx", shares, torch.from_numpy(data[0]).float(), shares)
        out = model((pictures / 255 - 0.5) / 0.5).embeddings["head"]
        unit, target = torch.nn.functional.normalize(out), torch.from_numpy(data[1].astype(np.float32))
        distil, relational = (1 - (unit * target).sum(1)).mean(), ((unit @ unit.T - target @ target.T) ** 2).mean()
        total, margin = distil + RELATIONAL * relational, torch.zeros(())
        if a.margin:
            count = int(data[2].max()) + 1
            centres = torch.from_numpy(floats(folder, "centres", (count, EMBEDDING))).requires_grad_()
            margin = margin_loss(out, unit, torch.from_numpy(data[2]), centres, a.margin)
            total = total + WEIGHT * margin
        total.backward()
        theirs = [distil.item(), relational.item(), margin.item()]
        errors = {n: error(floats(folder, n, tuple(p.shape)), p.grad.numpy()) for n, p in model.named_parameters()}
        if a.margin:
            errors["centres"] = error(floats(folder, "centres.gradient", centres.shape), centres.grad.numpy())
        out_error = error(floats(folder, "out", tuple(out.shape)), out.detach().numpy())
    worst = max(errors, key=errors.get)
    print("losses ours ", *(f"{x:.6f}" for x in losses))
    print("losses torch", *(f"{x:.6f}" for x in theirs))
    print(f"outputs: {out_error:.1e} (limit {a.outputs:.0e})")
    print(f"gradients: worst {errors[worst]:.1e} ({worst}), median {np.median(list(errors.values())):.1e}"
          f" (limit {a.gradients:.0e})")
    loss_error = max(abs(x - y) / max(abs(y), 1e-3) for x, y in zip(losses, theirs))
    if out_error > a.outputs or errors[worst] > a.gradients or loss_error > 10 * a.gradients:
        sys.exit("check.py: too far from PyTorch")


if __name__ == "__main__":
    main()
