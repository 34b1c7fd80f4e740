# SPDX-License-Identifier: MIT
"""Views of crops, made on the device in batches. Crops and views are f32 RGB 0 .. 255, [n,3,112,112].

mild() is what both the teachers and the student see: similarity jitter, mirroring, light and colour, mixtures of two
faces. harm() is what the student alone sees of some views, its target staying the unharmed view's: low resolution,
blur, dark and noise, no colour, things in front of the face.
"""
import torch
from torch.nn import functional as F

SIDE = 112


class Random:
    """Numbers from one seeded generator of the device."""

    def __init__(self, device, seed):
        self.device = device
        self.generator = torch.Generator(device).manual_seed(seed)

    def uniform(self, n, low=0.0, high=1.0):
        return low + (high - low) * torch.rand(n, device=self.device, generator=self.generator)

    def chosen(self, n, share):
        """The numbers of a random share of n things."""
        return (self.uniform(n) < share).nonzero()[:, 0]

    def noise(self, like):
        return torch.randn(like.shape, device=self.device, generator=self.generator)


def column(values):
    return values[:, None, None, None]


def jitter(x, r, degrees=8.0, scale=0.08, shift=4.0, still=0.25):
    """Turned, scaled and shifted a little; half of them mirrored; some only mirrored."""
    n = len(x)
    keep = (r.uniform(n) >= still).float()
    angle = torch.deg2rad(r.uniform(n, -degrees, degrees)) * keep
    size = 1 + r.uniform(n, -scale, scale) * keep
    mirror = torch.where(r.uniform(n) < 0.5, -1.0, 1.0)
    shifts = r.uniform((n, 2), -shift, shift) * keep[:, None] * 2 / SIDE
    c, s = size * torch.cos(angle), size * torch.sin(angle)
    theta = torch.stack([torch.stack([c * mirror, -s, shifts[:, 0]], 1),
                         torch.stack([s * mirror, c, shifts[:, 1]], 1)], 1)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


def relight(x, r, share=0.6, gamma=0.35, contrast=0.25, brightness=0.12, tint=0.04):
    n = len(x)
    on = (r.uniform(n) < share).float()
    power = torch.exp(r.uniform(n, -gamma, gamma) * on)
    factor = 1 + r.uniform(n, -contrast, contrast) * on
    offset = r.uniform((n, 3), -tint, tint) + r.uniform(n, -brightness, brightness)[:, None]
    y = (x / 255).clamp(1e-4, 1) ** column(power)
    y = (y - 0.5) * column(factor) + 0.5 + (offset * on[:, None])[:, :, None, None]
    return (y * 255).clamp(0, 255)


def mild(x, r, mixed=0.35):
    x = relight(jitter(x, r), r)
    which = r.chosen(len(x), mixed)
    share = column(r.uniform(len(which), 0.2, 0.8))
    x = x.clone()
    x[which] = share * x[which] + (1 - share) * x[(which + 1 + len(x) // 2) % len(x)]
    return x, which


def gray(x, which):
    luma = (x[which] * torch.tensor([0.299, 0.587, 0.114], device=x.device)[None, :, None, None]).sum(1, keepdim=True)
    x[which] = luma.expand(-1, 3, -1, -1)


def low_resolution(x, which, r, sizes=(16, 20, 24, 28, 32, 40, 48, 56)):
    """One size for each part of the chosen ones: sizes are shapes, which a batch has in common."""
    for part, size in zip(which.chunk(len(sizes)), sizes):
        small = F.interpolate(x[part], size=(size, size), mode="area")
        x[part] = F.interpolate(small, size=(SIDE, SIDE), mode="bilinear", align_corners=False)


def blur(x, which, r):
    """A Gaussian of its own for every picture, across and down."""
    n = len(which)
    if n == 0:
        return
    sigma = r.uniform(n, 0.5, 2.2)[:, None]
    at = torch.arange(-5, 6, device=x.device)[None].float()
    kernel = torch.exp(-at ** 2 / (2 * sigma ** 2))
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(3, 0)
    y = F.pad(x[which].reshape(1, n * 3, SIDE, SIDE), (5, 5, 5, 5), mode="replicate")
    y = F.conv2d(F.conv2d(y, kernel[:, None, None], groups=n * 3), kernel[:, None, :, None], groups=n * 3)
    x[which] = y.reshape(n, 3, SIDE, SIDE)


def darken(x, which, r):
    n = len(which)
    level = torch.where(r.uniform(n) < 0.6, r.uniform(n, 0.08, 0.6), r.uniform(n, 0.7, 1.4))
    noisy = r.uniform(n, 0, 14) * (r.uniform(n) < 0.6)
    y = x[which]
    x[which] = (y * column(level) + r.noise(y) * column(noisy)).clamp(0, 255)


def occlude(x, which, r):
    """A third of them over the lower half, some over the eyes, the others anywhere; one colour or noise."""
    n = len(which)
    kind = r.uniform(n)
    low, band = kind < 0.33, (kind >= 0.33) & (kind < 0.5)
    height = torch.where(low, r.uniform(n, 36, 58), torch.where(band, r.uniform(n, 14, 26), r.uniform(n, 14, 48)))
    width = torch.where(low | band, r.uniform(n, 84, SIDE), r.uniform(n, 14, 48))
    top = torch.where(low, SIDE - height, torch.where(band, r.uniform(n, 32, 48), (SIDE - height) * r.uniform(n)))
    left = (SIDE - width) * r.uniform(n)
    at = torch.arange(SIDE, device=x.device)[None].float()
    rows = (at >= top[:, None]) & (at < (top + height)[:, None])
    columns = (at >= left[:, None]) & (at < (left + width)[:, None])
    mask = (rows[:, None, :, None] & columns[:, None, None, :]).float()
    y = x[which]
    paint = r.uniform((n, 3), 0, 255)[:, :, None, None] + r.noise(y) * column(60.0 * (r.uniform(n) < 0.4))
    x[which] = y * (1 - mask) + paint.clamp(0, 255) * mask


def harm(x, r, share=0.5):
    """Of `share` of the views each harm strikes its own part."""
    x = x.clone()
    struck = r.uniform(len(x)) < share
    steps = ((0.25, low_resolution), (0.15, blur), (0.30, darken), (0.30, occlude))
    for chance, step in steps:
        step(x, (struck & (r.uniform(len(x)) < chance)).nonzero()[:, 0], r)
    gray(x, (struck & (r.uniform(len(x)) < 0.15)).nonzero()[:, 0])
    return x
