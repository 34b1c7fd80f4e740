#!/usr/bin/python3
"""Trains the detector on scenes made on the fly (scenes.py), on the CPU.

  train.py --cache CACHE --out RUN [--minutes 60] [--batch 32] [--rate 2e-3] [--threads 2] [--seed 1] [--start FILE]

A second process makes scenes into a ring of batches; each batch is used about --reuse times. RUN/state.pt holds
everything that is needed to go on (run the same command again), RUN/ema.pt the averaged weights that are exported,
RUN/log.txt a line every 50 steps.
"""
import argparse
import math
import multiprocessing
import os
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import torch

import net
import scenes


def make_scenes(path, side, count, batch, seed, filled, used, reuse):
    """Fills the ring's batches over and over, no faster than they are used up."""
    import cv2
    cv2.setNumThreads(1)
    cells = sum((side // s) ** 2 for s in scenes.STRIDES)
    images = np.memmap(path[0], np.uint8, "r+", shape=(count, batch, side, side, 3))
    targets = np.memmap(path[1], np.float16, "r+", shape=(count, batch, cells, 16))
    source, made, parent = None, 0, os.getppid()
    while os.getppid() == parent:
        if made % 200 == 0:  # labels may still be growing
            source = scenes.Scenes(scenes.Pictures(path[2], "train"), side, seed + made, largest=1.1 * side)
        while made > 100 and made * reuse > used.value + 60 * reuse and os.getppid() == parent:
            time.sleep(0.2)
        i = made % count
        images[i], targets[i] = source.batch(batch)
        made += 1
        filled.value = made


def loss_of(out, target):
    """Focal loss of the score; distances of box and points in parts of the face's side."""
    label, asked = target[..., 0], target[..., 0] >= 0
    face = label > 0
    count = face.sum().clamp(min=1)
    score = out[..., 0]
    p = torch.sigmoid(score)
    ce = torch.nn.functional.binary_cross_entropy_with_logits(score, label.clamp(min=0), reduction="none")
    weight = torch.where(face, 0.75 * (1 - p) ** 2, 0.25 * p ** 2) * asked
    score_loss = (ce * weight).sum() / count * 4
    o, t = out[face], target[face]
    per = 1 / t[:, 15:16] * STRIDE[None].expand(face.shape)[face][:, None]
    d = (o[:, 1:15] - t[:, 1:15]).abs()
    centre = (d[:, :2] * per).mean()
    sides = d[:, 2:4].mean()
    points = (d[:, 4:] * 2 * per).mean()
    return score_loss, centre, sides, points


def main():
    global STRIDE
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--cache", required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("--minutes", type=float, default=60)
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--side", type=int, default=96, help="pixels of a scene, a multiple of 32")
    ap.add_argument("--rate", type=float, default=2e-3)
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--ring", type=int, default=600)
    ap.add_argument("--reuse", type=float, default=3)
    ap.add_argument("--start", help="weights (ema.pt) to start from")
    arg = ap.parse_args()
    torch.set_num_threads(arg.threads)
    torch.manual_seed(arg.seed)
    os.makedirs(arg.out, exist_ok=True)
    side = arg.side
    cells = sum((side // s) ** 2 for s in scenes.STRIDES)
    STRIDE = torch.cat([torch.full(((side // s) ** 2,), float(s)) for s in scenes.STRIDES])
    paths = [os.path.join(arg.out, "ring.images"), os.path.join(arg.out, "ring.targets"), arg.cache]
    images = np.memmap(paths[0], np.uint8, "w+", shape=(arg.ring, arg.batch, side, side, 3))
    targets = np.memmap(paths[1], np.float16, "w+", shape=(arg.ring, arg.batch, cells, 16))
    filled, used = multiprocessing.Value("l", 0), multiprocessing.Value("l", 0)
    maker = multiprocessing.Process(target=make_scenes, daemon=True, args=(
        paths, side, arg.ring, arg.batch, int(time.time()), filled, used, arg.reuse))
    maker.start()

    p = net.make_parameters(arg.seed)
    if arg.start:
        p.update(torch.load(arg.start))
    for k in p:
        p[k].requires_grad_()
    plain = [v for k, v in p.items() if v.ndim == 1]
    decayed = [v for k, v in p.items() if v.ndim > 1]
    optimizer = torch.optim.AdamW([{"params": plain, "weight_decay": 0.0}, {"params": decayed, "weight_decay": 0.02}],
                                  lr=arg.rate, betas=(0.9, 0.99))
    ema = {k: v.detach().clone() for k, v in p.items()}
    step, spent = 0, 0.0
    state_path = os.path.join(arg.out, "state.pt")
    if os.path.exists(state_path):
        state = torch.load(state_path)
        with torch.no_grad():
            for k in p:
                p[k].copy_(state["weights"][k])
        optimizer.load_state_dict(state["optimizer"])
        ema, step, spent = state["ema"], state["step"], state["spent"]
    log = open(os.path.join(arg.out, "log.txt"), "a")
    rng = np.random.default_rng(arg.seed + step)
    while filled.value < 16:
        if not maker.is_alive():
            sys.exit("no scenes are being made")
        time.sleep(0.1)
    sums, begin, saved = np.zeros(5), time.time(), time.time()
    first = time.time() - spent
    while True:
        now = (time.time() - first) / 60
        part = min(1.0, now / arg.minutes)
        rate = arg.rate * min(1, (step + 1) / 200) * (0.5 + 0.5 * math.cos(math.pi * part)) + 1e-5
        for g in optimizer.param_groups:
            g["lr"] = rate
        i = rng.integers(min(filled.value, arg.ring))
        x = torch.from_numpy(images[i]).float().div_(127.5).sub_(1)
        t = torch.from_numpy(targets[i].astype(np.float32))
        with torch.autocast("cpu", torch.bfloat16):
            out = net.all_cells(p, x)
        score, centre, sides, points = loss_of(out, t)
        loss = score + 4 * centre + 1.0 * sides + 15 * points
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(plain + decayed, 3.0)
        optimizer.step()
        step += 1
        used.value += 1
        keep = min(0.999, (step + 1) / (step + 20))
        with torch.no_grad():
            for k in p:
                ema[k].lerp_(p[k], 1 - keep)
        sums += [float(loss), float(score), float(centre), float(sides), float(points)]
        done = now >= arg.minutes
        if step % 50 == 0 or done:
            log.write("min %.2f step %d scenes %d rate %.2e loss %.4f score %.4f centre %.4f sides %.4f points %.4f %.0f/s\n" % (
                (now, step, step * arg.batch, rate) + tuple(sums / 50) + (50 * arg.batch / (time.time() - begin),)))
            log.flush()
            sums, begin = np.zeros(5), time.time()
        if time.time() - saved > 90 or done:
            saved = time.time()
            torch.save(ema, os.path.join(arg.out, "ema.tmp"))
            os.replace(os.path.join(arg.out, "ema.tmp"), os.path.join(arg.out, "ema.pt"))
            torch.save({"weights": p, "ema": ema, "optimizer": optimizer.state_dict(), "step": step,
                        "spent": time.time() - first}, state_path + ".tmp")
            os.replace(state_path + ".tmp", state_path)
        if done:
            return


if __name__ == "__main__":
    main()
