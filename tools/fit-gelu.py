#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fits the polynomial of lib/kernels/gelu.h and prints its coefficients and the error of the whole f32 evaluation.

    gelu(x) = max(x, 0) - t * r(t)^4,    t = min(|x|, T),    r(t) ~ Phi(-t)^(1/4)

Phi(-t) falls like exp(-t^2 / 2); its fourth root is smooth enough for a short polynomial. r(T) is 0 exactly in f32
arithmetic (Horner with fused multiply-add), so that large negative arguments give 0 and not a small rest: the last
coefficient is the exact negative of a product, and the one before it is moved by some units in the last place until
that product has 24 bits.

usage: fit-gelu.py [degree [T]]
"""
import math
import sys

import numpy as np


def phi_minus(t):
    return np.array([0.5 * math.erfc(v / math.sqrt(2)) for v in t])


def fit(degree, end, rounds=4000):
    """Weighted minimax by Lawson's iteration: r(t) = (end - t) * s(t), error weighed with d(t r^4)/dr."""
    t = end * (0.5 - 0.5 * np.cos(np.linspace(0, math.pi, 6000)))
    target = phi_minus(t) ** 0.25
    slope = 4 * t * target**3
    basis = np.polynomial.chebyshev.chebvander(2 * t / end - 1, degree - 1) * (end - t)[:, None]
    weight = np.ones_like(t) / len(t)
    best = (math.inf, None)
    for _ in range(rounds):
        w = np.sqrt(weight) * slope
        s, *_ = np.linalg.lstsq(basis * w[:, None], target * w, rcond=None)
        error = np.abs(t * (np.maximum(basis @ s, 0)) ** 4 - t * target**4)
        if error.max() < best[0]:
            best = (error.max(), s)
        weight = weight * (error / error.max() + 1e-3)
        weight /= weight.sum()
    s = np.polynomial.chebyshev.Chebyshev(best[1], domain=[0, end]).convert(kind=np.polynomial.Polynomial).coef
    return best[0], np.convolve(s, [end, -1])


def fma(a, b, c):
    """f32 fused multiply-add: the product of two f32 is exact in f64; one more rounding of the sum is harmless here
    except in rare ties, which the search below does not depend on."""
    return (a.astype(np.float64) * b.astype(np.float64) + np.asarray(c).astype(np.float64)).astype(np.float32)


def horner(c, t):
    r = np.full_like(t, c[-1])
    for k in c[-2::-1]:
        r = fma(r, t, k)
    return r


def gelu(c, end, x):
    t = np.minimum(np.abs(x), np.float32(end))
    r = horner(c, t)
    r = r * r
    r = r * r
    return fma(-t, r, np.maximum(x, np.float32(0)))


def exact_zero(coefficients, end, steps):
    """The f32 coefficients with the second moved by `steps` ulps and the first made to give r(end) = 0; or None."""
    c = coefficients.astype(np.float32)
    c[1] = c[1] + np.float32(steps) * np.spacing(c[1])
    h = horner(c[1:], np.array([end], np.float32))[0]
    product = float(h) * end
    c[0] = np.float32(-product)
    return c if float(c[0]) == -product else None


def main():
    degree = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    end = float(sys.argv[2]) if len(sys.argv) > 2 else 5.5
    ideal, coefficients = fit(degree, end)
    x = np.unique(np.concatenate([np.linspace(-10, 10, 400001), np.linspace(-1, 1, 100001)]).astype(np.float32))
    exact = x.astype(np.float64) * phi_minus(-x.astype(np.float64))
    found = []
    for steps in range(-40, 41):
        c = exact_zero(coefficients, end, steps)
        if c is not None:
            found.append((np.abs(gelu(c, end, x).astype(np.float64) - exact).max(), steps, c))
    error, steps, c = min(found, key=lambda item: item[0])
    print(f"degree {degree}, T {end}: {ideal:.3g} in exact arithmetic, {error:.3g} in f32")
    for i, k in enumerate(c):
        print(f"c{i} = {float(k).hex()}  {k:.9g}")
    print("gelu(-100) =", gelu(c, end, np.array([-100], np.float32))[0])


main()
