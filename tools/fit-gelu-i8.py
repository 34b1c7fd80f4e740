#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fits the polynomial of lib/kernels/gelu_i8.h and prints its end, its coefficients and its largest error.

    gelu(x) = max(x, 0) - t * p(t)^2,    t = min(|x|, END),    p(t) ~ sqrt(Phi(-t))

Weighted Gauss-Newton steps with Lawson's weights, for several ends; behind END the error is END * p(END)^2.

usage: fit-gelu-i8.py [degree]
"""
import math
import sys

import numpy as np


def fit(degree, end, rounds=120):
    t = np.linspace(0, end, 2001)
    phi = np.array([0.5 * math.erfc(x / math.sqrt(2)) for x in t])
    powers = np.vander(t, degree + 1, increasing=True)
    slope = np.sqrt(t * phi) + 1e-3
    c = np.linalg.lstsq(powers * slope[:, None], np.sqrt(phi) * slope, rcond=None)[0]
    weight, best = np.ones_like(t) / len(t), (math.inf, None)
    for _ in range(rounds):
        for _ in range(2):
            c = step(t, phi, powers, weight, c)
        error = np.abs(t * (powers @ c) ** 2 - t * phi)
        if error.max() < best[0]:
            best = (max(error.max(), end * (powers[-1] @ c) ** 2), c.copy())
        weight = weight * (error / error.max() + 1e-3)
        weight /= weight.sum()
    return best


def step(t, phi, powers, weight, c):
    """One damped Gauss-Newton step towards the least weighted squares."""
    cost = lambda d: np.sum(weight * (t * (powers @ d) ** 2 - t * phi) ** 2)
    root = np.sqrt(weight)
    slopes = (2 * t * (powers @ c) * root)[:, None] * powers
    move = np.linalg.lstsq(slopes, -(t * (powers @ c) ** 2 - t * phi) * root, rcond=1e-12)[0]
    size = 1.0
    while size > 1e-4 and cost(c + size * move) > cost(c):
        size /= 2
    return c + size * move if size > 1e-4 else c


def main():
    degree = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    fits = [(*fit(degree, end), end) for end in np.arange(3.4, 4.3, 0.2)]
    error, c, end = min(fits, key=lambda f: f[0])
    print(f"degree {degree}, end {end:.1f}, largest error {error:.3g}")
    print("\n".join(f"c{i} = {v:.8g}" for i, v in enumerate(c)))


if __name__ == "__main__":
    main()
