#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Trains the face embedder on one GPU (or, slowly, the CPU), in calls of a few minutes each.

  train.py SET --state FILE --out FILE --total-minutes T --minutes M [options]

SET is what unpack.py wrote. The schedule runs over T minutes of training in all, of which this call does M; the next
call with the same --state goes on. The averaged weights are written to --out when they are the best so far on the
held-out people, and to --out.last at the end of every call. The teachers see every view that the student sees before
it is harmed.
"""
import argparse
import csv
import math
import pathlib
import sys
import time

import numpy as np
import torch
from torch.nn import functional as F

sys.dont_write_bytecode = True
import augment  # noqa: E402
import losses  # noqa: E402
import model as models  # noqa: E402
from teachers import Teachers  # noqa: E402

COLUMNS = ("images", "seconds", "px", "rate", "distil", "relational", "margin", "gradient", "images_per_second",
           "held_tar_1e-3", "held_tar_1e-2")


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("set", type=pathlib.Path)
    p.add_argument("--state", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--log", type=pathlib.Path)
    p.add_argument("--total-minutes", type=float, required=True)
    p.add_argument("--minutes", type=float, required=True)
    p.add_argument("--evaluate-minutes", type=float, default=2)
    p.add_argument("--phases", default="64:0.35,80:0.5,112:1", help="PX:UNTIL, shares of the whole time")
    p.add_argument("--batch", type=int, default=1024)
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--rate-end", type=float, default=1e-5)
    p.add_argument("--warm-up", type=float, default=0.02)
    p.add_argument("--decay", type=float, default=0.05)
    p.add_argument("--average", type=float, default=0.9995)
    p.add_argument("--relational", type=float, default=0.5)
    p.add_argument("--margin", choices=("none", "cosface", "adaface"), default="adaface")
    p.add_argument("--margin-weight", type=float, default=0.02)
    p.add_argument("--margin-scale", type=float, default=32)
    p.add_argument("--margin-value", type=float, default=0.3)
    p.add_argument("--mixed", type=float, default=0.35)
    p.add_argument("--harmed", type=float, default=0.5)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--fresh", action="store_true", help="random weights instead of SET/init.safetensors")
    p.add_argument("--compile", action="store_true", help="torch.compile, where this PyTorch has it")
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    a = p.parse_args()
    a.phases = [(int(size), float(until)) for size, until in (f.split(":") for f in a.phases.split(","))]
    return a


def load_set(folder, device):
    """All shards' crops and people; the crops stay u8 on the device."""
    paths = sorted(folder.glob("set*.x.npy"))
    crops = torch.cat([torch.from_numpy(np.load(p)).to(device) for p in paths])
    people = np.concatenate([np.load(str(p).replace(".x.npy", ".id.npy")) for p in paths])
    return crops, torch.from_numpy(people.astype(np.int64)).to(device)


def accepted(unit, people, rates=(1e-3, 1e-2)):
    """Of all pairs: the share of same-person ones accepted where each rate of the others is."""
    bins = 20000
    counts = torch.zeros(2, bins + 1, dtype=torch.float64)
    for i in range(0, len(unit), 512):
        cosines = unit[i:i + 512] @ unit.T
        rows = torch.arange(i, i + len(cosines), device=unit.device)[:, None]
        later = torch.arange(len(unit), device=unit.device)[None] > rows
        same = people[i:i + 512, None] == people[None]
        at = ((cosines + 1) * (bins / 2)).long().clamp(0, bins)
        for k, mask in enumerate((later & ~same, later & same)):
            counts[k] += torch.bincount(at[mask], minlength=bins + 1).cpu()
    others, own = counts.flip(1).cumsum(1)
    return [float(own[(others <= int(r * others[-1])).sum() - 1].item() / own[-1].item())
            if others[0] <= int(r * others[-1]) else 0.0 for r in rates]


class Run:
    def __init__(self, a):
        self.a = a
        torch.manual_seed(a.seed)
        self.crops, self.people = load_set(a.set, a.device)
        self.held = [torch.from_numpy(np.load(a.set / f"held.{n}.npy")).to(a.device) for n in ("x", "id")]
        self.teachers = Teachers(a.set).eval().to(a.device).to(memory_format=torch.channels_last)
        self.student = models.Student()
        if a.fresh:
            models.start_fresh(self.student)
        else:
            self.student.load_state_dict(models.load(a.set / "init.safetensors"))
        self.student = self.student.to(a.device).to(memory_format=torch.channels_last)
        self.average = models.Student().to(a.device)
        self.average.load_state_dict(self.student.state_dict())
        count = int(self.people.max()) + 1
        self.margin = None
        if a.margin != "none" and count > 0:
            self.margin = losses.Margin(count, a.margin, a.margin_scale, a.margin_value).to(a.device)
        self.optimiser = self.make_optimiser()
        self.images, self.seconds, self.steps, self.best = 0, 0.0, 0, 0.0
        if a.state.exists():
            self.restore()
        elif self.margin:
            self.place_centres()
        self.random = augment.Random(a.device, a.seed * 1000003 + self.steps)
        compiles = a.compile and hasattr(torch, "compile")
        self.forward = torch.compile(self.student) if compiles else self.student

    def make_optimiser(self):
        matrices, others = [], []
        for name, p in self.student.named_parameters():
            (matrices if p.ndim >= 2 and not name.endswith("layer_scale") else others).append(p)
        groups = [{"params": matrices, "weight_decay": self.a.decay}, {"params": others, "weight_decay": 0.0}]
        if self.margin:
            groups.append({"params": list(self.margin.parameters()), "weight_decay": 0.0})
        return torch.optim.AdamW(groups, lr=self.a.rate, betas=(0.9, 0.98))

    @torch.no_grad()
    def place_centres(self):
        """A person's centre starts at the mean of the teachers' embeddings of a few of their pictures."""
        sums = torch.zeros_like(self.margin.centres)
        named = (self.people >= 0).nonzero()[:, 0]
        for part in named.split(self.a.batch):
            sums.index_add_(0, self.people[part], self.label(self.crops[part].float()))
        known = sums.norm(dim=1) > 0
        self.margin.centres[known] = F.normalize(sums[known])

    def autocast(self, dtype=torch.bfloat16):
        return torch.autocast(self.a.device.split(":")[0], dtype=dtype if self.a.device != "cpu" else torch.bfloat16,
                              enabled=self.a.device != "cpu")

    @torch.no_grad()
    def label(self, views):
        with self.autocast(torch.float16):  # finer than bfloat16, and nothing is learned here that could overflow
            return self.teachers(views.contiguous(memory_format=torch.channels_last)).float()

    def position(self):
        """How much of the whole schedule is done, 0 .. 1."""
        return min(1.0, self.seconds / (60 * self.a.total_minutes))

    def rate(self):
        done, a = self.position(), self.a
        if done < a.warm_up:
            return a.rate * max(done / a.warm_up, 0.02)
        after = (done - a.warm_up) / (1 - a.warm_up)
        return a.rate_end + (a.rate - a.rate_end) * 0.5 * (1 + math.cos(math.pi * after))

    def size(self):
        done = self.position()
        return next((size for size, until in self.a.phases if done < until), self.a.phases[-1][0])

    def batch(self):
        rows = (self.random.uniform(self.a.batch) * len(self.crops)).long().clamp(0, len(self.crops) - 1)
        views, mixed = augment.mild(self.crops[rows].float(), self.random, self.a.mixed)
        person = self.people[rows].clone()
        person[mixed] = -1  # a mixture is nobody
        return views, person

    def step(self):
        a = self.a
        views, person = self.batch()
        target = self.label(views)
        x = augment.harm(views, self.random, a.harmed) / 127.5 - 1
        size = self.size()
        if size != augment.SIDE:
            x = F.interpolate(x, size=(size, size), mode="area")
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        with self.autocast():
            out = self.forward(x.contiguous(memory_format=torch.channels_last))
        out = out.float()
        unit = F.normalize(out)
        parts = [losses.distillation(unit, target), losses.relational(unit, target),
                 self.margin(out, person) if self.margin else out.new_zeros(())]
        loss = parts[0] + a.relational * parts[1] + a.margin_weight * parts[2]
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        length = torch.nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self.optimiser.step()
        self.move_average()
        self.images += a.batch
        self.steps += 1
        return torch.stack([*(p.detach() for p in parts), length])

    @torch.no_grad()
    def move_average(self):
        keep = min(self.a.average, (1 + self.steps) / (10 + self.steps))
        mean, now = list(self.average.parameters()), [p.detach() for p in self.student.parameters()]
        torch._foreach_mul_(mean, keep)
        torch._foreach_add_(mean, now, alpha=1 - keep)

    @torch.no_grad()
    def evaluate(self):
        unit = models.embed(self.average, self.held[0], self.size(), 512)
        return accepted(unit, self.held[1])

    def store(self):
        """Moments travel as bfloat16, to keep the file small."""
        moments = [{k: v.to(torch.bfloat16) if k.startswith("exp_avg") else v for k, v in s.items()}
                   for s in (self.optimiser.state[p] for g in self.optimiser.param_groups for p in g["params"])]
        state = {"student": self.student.state_dict(), "average": self.average.state_dict(), "moments": moments,
                 "margin": self.margin.state_dict() if self.margin else None, "images": self.images,
                 "seconds": self.seconds, "steps": self.steps, "best": self.best}
        temporary = self.a.state.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(self.a.state)

    def restore(self):
        state = torch.load(self.a.state, map_location=self.a.device)
        self.student.load_state_dict(state["student"])
        self.average.load_state_dict(state["average"])
        if self.margin:
            self.margin.load_state_dict(state["margin"])
        parameters = [p for g in self.optimiser.param_groups for p in g["params"]]
        for p, moments in zip(parameters, state["moments"]):
            self.optimiser.state[p] = {k: v.to(p.dtype) if k.startswith("exp_avg") else v.cpu()
                                       for k, v in moments.items()}
        for name in ("images", "seconds", "steps", "best"):
            setattr(self, name, state[name])
        print(f"resumed at {self.images} pictures, {self.seconds / 60:.1f} minutes", flush=True)

    def note(self, means, per_second, tars):
        row = [self.images, round(self.seconds), self.size(), f"{self.rate():.3e}", *(f"{m:.5f}" for m in means),
               f"{per_second:.1f}", *(f"{t:.4f}" for t in tars)]
        if self.a.log:
            new = not self.a.log.exists()
            with open(self.a.log, "a", newline="") as file:
                writer = csv.writer(file)
                if new:
                    writer.writerow(COLUMNS)
                writer.writerow(row)
        print("; ".join(f"{n} {v}" for n, v in zip(COLUMNS, row)), flush=True)

    def report(self, sums, images, seconds):
        tars = self.evaluate()
        means = torch.stack(sums).mean(0).tolist()
        self.note(means, images / max(seconds, 1e-9), tars)
        if tars[0] > self.best:
            self.best = tars[0]
            models.save(self.a.out, self.average.state_dict())
        self.store()

    def train(self):
        end = time.monotonic() + 60 * self.a.minutes
        begun, sums, images, last = time.monotonic(), [], 0, time.monotonic()
        while time.monotonic() < end and self.position() < 1:
            sums.append(self.step())
            images += self.a.batch
            if self.steps % 16 == 0 and self.a.device != "cpu":
                torch.cuda.synchronize()  # else the clock would run ahead of the work
            now = time.monotonic()
            self.seconds += now - last
            last = now
            if now - begun > 60 * self.a.evaluate_minutes:
                if not bool(torch.isfinite(sums[-1]).all()):
                    sys.exit("train.py: the loss is not a number")
                self.report(sums, images, now - begun)
                begun, sums, images, last = time.monotonic(), [], 0, time.monotonic()
        if sums:
            self.report(sums, images, time.monotonic() - begun)
        models.save(f"{self.a.out}.last", self.average.state_dict())


def main():
    a = options()
    if a.device != "cpu":
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
    run = Run(a)
    print(f"{len(run.crops)} crops, {int(run.people.max()) + 1} people, {len(run.held[0])} held out; {a.device}, "
          f"torch {torch.__version__}", flush=True)
    run.train()


if __name__ == "__main__":
    main()
