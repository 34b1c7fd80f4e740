# SPDX-License-Identifier: MIT
"""The losses of the C trainer (tools/train/embedder/{loss,margin}.c), for PyTorch."""
import torch
from torch import nn
from torch.nn import functional as F


def distillation(unit, target):
    return (1 - (unit * target).sum(1)).mean()


def relational(unit, target):
    return ((unit @ unit.T - target @ target.T) ** 2).mean()


class Margin(nn.Module):
    """CosFace or AdaFace over named people; person -1 has no name."""

    def __init__(self, people, kind, scale, margin):
        super().__init__()
        self.centres = nn.Parameter(F.normalize(torch.randn(people, 512)))
        self.kind, self.scale, self.margin = kind, scale, margin
        self.register_buffer("length", torch.tensor([20.0, 100.0]))  # mean and deviation, running

    def quality(self, out):
        lengths = out.detach().norm(dim=1, keepdim=True)
        if self.training and len(lengths) > 1:
            now = torch.stack([lengths.mean(), lengths.std()])
            self.length.mul_(0.99).add_(now, alpha=0.01)
        return ((lengths - self.length[0]) / (self.length[1] + 1e-3) * 0.333).clamp(-1, 1)

    def forward(self, out, person):
        named = (person >= 0).nonzero()[:, 0]
        if len(named) == 0:
            return out.sum() * 0
        label, out = person[named], out[named]
        cosines = F.normalize(out) @ F.normalize(self.centres).T
        own = cosines.gather(1, label[:, None]).clamp(-1 + 1e-6, 1 - 1e-6)
        if self.kind == "cosface":
            moved = own - self.margin
        else:
            g = self.quality(out)
            moved = torch.cos((torch.acos(own) - self.margin * g).clamp(1e-3, 3.1406)) - self.margin * (g + 1)
        logits = self.scale * cosines.scatter(1, label[:, None], moved)
        return F.cross_entropy(logits, label, reduction="sum") / len(person)
