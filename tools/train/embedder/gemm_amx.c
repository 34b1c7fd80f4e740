/* SPDX-License-Identifier: MIT */
/* Matrix products on Intel's AMX tiles: 32 x 32 sums in four tiles. */
#include "gemm.h"

#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux lends tile memory on request: arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA). */
int gemm_amx_is_usable(void)
{
    unsigned a = 7, b, c = 0, d; /* CPUID 7.0: EDX bit 22 AMX-BF16, bit 24 AMX-TILE */
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if ((d >> 22 & 5) != 5 || !__builtin_cpu_supports("avx512bf16"))
        return 0;
    return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

/* All eight tiles: 16 rows of 64 bytes. */
static void start_thread(void)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } tiles = {1, 0, {0}, {0}, {0}};
    for (int i = 0; i < 8; i++) {
        tiles.row_bytes[i] = 64;
        tiles.rows[i] = 16;
    }
    _tile_loadconfig(&tiles);
}

static void panel(const operand *rows, long row_stride, const operand *packed, long k, long used_k, long n,
                  float *out, long out_stride)
{
    long steps = k / 32, used = (used_k + 31) / 32, tiles = n / 16, tile = 0;
    size_t in_bytes = (size_t)row_stride * 2, out_bytes = (size_t)out_stride * 4;
    const operand *lower = rows + 16 * row_stride;
    float *out_lower = out + 16 * out_stride;
    for (; tile + 1 < tiles; tile += 2) {
        const operand *b0 = packed + tile * steps * TILE, *b1 = b0 + steps * TILE;
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (long step = 0; step < used; step++) {
            _tile_loadd(4, rows + step * 32, in_bytes);
            _tile_loadd(6, b0 + step * TILE, 64);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(7, b1 + step * TILE, 64);
            _tile_dpbf16ps(1, 4, 7);
            _tile_loadd(5, lower + step * 32, in_bytes);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
        _tile_stored(0, out + tile * 16, out_bytes);
        _tile_stored(1, out + tile * 16 + 16, out_bytes);
        _tile_stored(2, out_lower + tile * 16, out_bytes);
        _tile_stored(3, out_lower + tile * 16 + 16, out_bytes);
    }
    if (tile < tiles) {
        const operand *b0 = packed + tile * steps * TILE;
        _tile_zero(0);
        _tile_zero(2);
        for (long step = 0; step < used; step++) {
            _tile_loadd(4, rows + step * 32, in_bytes);
            _tile_loadd(6, b0 + step * TILE, 64);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(5, lower + step * 32, in_bytes);
            _tile_dpbf16ps(2, 5, 6);
        }
        _tile_stored(0, out + tile * 16, out_bytes);
        _tile_stored(2, out_lower + tile * 16, out_bytes);
    }
}

/* One or two tiles each way; left tiles lie left_step operands apart. */
INLINE void gradient_block(const int two_down, const int two_across, const operand *left, long left_step,
                           const operand *right, long steps, long n, float *sum)
{
    size_t bytes = (size_t)n * 4;
    float *lower = sum + 16 * n;
    _tile_loadd(0, sum, bytes);
    if (two_across)
        _tile_loadd(1, sum + 16, bytes);
    if (two_down)
        _tile_loadd(2, lower, bytes);
    if (two_down && two_across)
        _tile_loadd(3, lower + 16, bytes);
    for (long step = 0; step < steps; step++, left += TILE, right += n * PANEL) {
        _tile_loadd(4, left, 64);
        _tile_loadd(6, right, 64);
        _tile_dpbf16ps(0, 4, 6);
        if (two_across) {
            _tile_loadd(7, right + TILE, 64);
            _tile_dpbf16ps(1, 4, 7);
        }
        if (two_down) {
            _tile_loadd(5, left + left_step, 64);
            _tile_dpbf16ps(2, 5, 6);
        }
        if (two_down && two_across)
            _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, sum, bytes);
    if (two_across)
        _tile_stored(1, sum + 16, bytes);
    if (two_down)
        _tile_stored(2, lower, bytes);
    if (two_down && two_across)
        _tile_stored(3, lower + 16, bytes);
}

static void gradient(const operand *left, const operand *right, long m, long n, long rows, float *sum)
{
    long steps = rows / PANEL, left_step = steps * TILE, m_tiles = m / 16, n_tiles = n / 16;
    for (long i = 0; i < m_tiles; i += 2)
        for (long j = 0; j < n_tiles; j += 2) {
            const operand *a = left + i * left_step, *b = right + j * TILE;
            float *o = sum + i * 16 * n + j * 16;
            if (i + 1 < m_tiles && j + 1 < n_tiles)
                gradient_block(1, 1, a, left_step, b, steps, n, o);
            else if (i + 1 < m_tiles)
                gradient_block(1, 0, a, left_step, b, steps, n, o);
            else if (j + 1 < n_tiles)
                gradient_block(0, 1, a, left_step, b, steps, n, o);
            else
                gradient_block(0, 0, a, left_step, b, steps, n, o);
        }
}

const gemm_kernels gemm_amx = {"amx", start_thread, panel, gradient};
