#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fits the polynomial of lib/kernels/gelu.h and prints its coefficients and the error of the whole f32 evaluation.

    gelu(x) = max(x, 0) - t * r(t)^4,    t = min(|x|, T),    r(t) ~ Phi(-t)^(1/4)

Phi(-t) falls like exp(-t^2 / 2); its fourth root is smooth enough for a short polynomial. r(T) is 0 exactly in f32
arithmetic (Horner with fused multiply-add), so that large negative arguments give 0 and not a small rest: the last
coefficient is the exact negative of a product, and the others are moved by some units in the last place until that
product has 24 bits. NEON adds in another order than Horner's; both must give that 0.

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


def pairs(c, t):
    """The order of the NEON kernel, for an even degree: Horner in t^2 over c[2i] + c[2i + 1] t."""
    u = (t * t).astype(np.float32)
    r = np.full_like(t, c[-1])
    for i in range(len(c) - 3, -1, -2):
        r = fma(u, r, fma(t, np.broadcast_to(c[i + 1], t.shape), c[i]))
    return r


def gelu(polynomial, c, end, x):
    t = np.minimum(np.abs(x), np.float32(end))
    r = polynomial(c, t)
    r = r * r
    r = r * r
    return fma(-t, r, np.maximum(x, np.float32(0)))


def exact_zero(coefficients, end, rng):
    """The f32 coefficients, some moved by a few ulps and the first one then made to give r(end) = 0 in either order;
    or None."""
    c = coefficients.astype(np.float32)
    for i in range(1, 5):
        c[i] = c[i] + np.float32(rng.integers(-6, 7)) * np.spacing(c[i])
    t = np.array([end], np.float32)
    c[0] = -t[0] * horner(c[1:], t)[0]
    return c if horner(c, t)[0] == 0 and pairs(c, t)[0] == 0 else None


def main():
    degree = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    end = float(sys.argv[2]) if len(sys.argv) > 2 else 5.5
    ideal, coefficients = fit(degree, end)
    x = np.unique(np.concatenate([np.linspace(-10, 10, 400001), np.linspace(-1, 1, 100001)]).astype(np.float32))
    exact = x.astype(np.float64) * phi_minus(-x.astype(np.float64))
    found, rng = [], np.random.default_rng(1)
    while len(found) < 40:
        c = exact_zero(coefficients, end, rng)
        if c is not None:
            errors = [np.abs(gelu(p, c, end, x).astype(np.float64) - exact).max() for p in (horner, pairs)]
            found.append((max(errors), errors, c))
    error, errors, c = min(found, key=lambda item: item[0])
    print(f"degree {degree}, T {end}: {ideal:.3g} in exact arithmetic, {errors} in f32")
    for i, k in enumerate(c):
        print(f"c{i} = {float(k).hex()}  {k:.9g}")
    print("gelu(-100) =", gelu(pairs, c, end, np.array([-100], np.float32))[0])


main()
