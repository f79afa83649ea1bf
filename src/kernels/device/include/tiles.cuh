// Products of matrices in tiles, for the kernels of linear layers, attention and convolutions:
//
//   C[r, c] (+)= Σ_k A[r, k] B[k, c] (+ bias[c])
//
// An entry of a row and an entry of the sum each give a *spot* (an offset, a row and a column of an image); the sum
// of the two spots is where the number of A stands, or is outside, where it is 0.
//
// A tile of C is 64×64, or 256×16 where C is narrow; A and B pass through shared memory 16 entries of the
// sum at a time; a thread has 4×4 numbers of the tile. With fewer than 256 threads a block goes over its tile
// several times: any block size is right. Each number of C is one sum in order, so nothing depends on the
// launch.

#pragma once

#include "real.cuh"

#define DEPTH 16
// Columns of the padding of a tile of shared memory: rows start on different banks.
#define PAD 4

// Where a number stands: an offset, and a place in an image.
struct Spot {
    long long base;
    int y, x;
};
FN Spot nowhere() { return {0, -(1 << 29), 0}; }

// Loads of a tile go along the sum (where numbers of one row are neighbours), else along the rows.
template <class T, int ROWS, int COLS, class Of>
FN void tile_of(const Of& of, T* a, T* b, Spot* spots, Spot* inner, long long* columns, long long* below,
                int row0, int col0, int from, int to) {
    const int items = ROWS * COLS / 16, threads = (int)blockDim.x, me = (int)threadIdx.x;
    const int wide = ROWS + PAD, narrow = COLS + PAD;
    __syncthreads();
    for (int i = me; i < ROWS; i += threads) spots[i] = row0 + i < of.rows ? of.row(row0 + i) : nowhere();
    for (int i = me; i < COLS; i += threads) columns[i] = col0 + i < of.cols ? of.column(col0 + i) : -1;
    for (int first = 0; first < items; first += threads) {
        const int item = first + me;
        const int r = item / (COLS / 4) * 4, c = item % (COLS / 4) * 4;
        T sum[4][4];
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) sum[i][j] = (T)0;
        for (int k0 = from; k0 < to; k0 += DEPTH) {
            __syncthreads();
            for (int i = me; i < DEPTH; i += threads) {
                inner[i] = k0 + i < to ? of.inner(k0 + i) : nowhere();
                below[i] = k0 + i < to ? of.below(k0 + i) : -1;
            }
            __syncthreads();
            for (int i = me; i < DEPTH * ROWS; i += threads) {
                const int k = of.a_along ? i % DEPTH : i / ROWS, row = of.a_along ? i / DEPTH : i % ROWS;
                const Spot p = spots[row], q = inner[k];
                a[k * wide + row] = of.a({p.base + q.base, p.y + q.y, p.x + q.x});
            }
            for (int i = me; i < DEPTH * COLS; i += threads) {
                const int k = of.b_along ? i % DEPTH : i / COLS, col = of.b_along ? i / DEPTH : i % COLS;
                b[k * narrow + col] = columns[col] < 0 || below[k] < 0 ? (T)0 : of.b[columns[col] + below[k]];
            }
            __syncthreads();
            if (item >= items) continue;
            for (int k = 0; k < DEPTH; k++) {
                T left[4], right[4];
                for (int i = 0; i < 4; i++) left[i] = a[k * wide + r + i];
                for (int j = 0; j < 4; j++) right[j] = b[k * narrow + c + j];
                for (int i = 0; i < 4; i++)
                    for (int j = 0; j < 4; j++) sum[i][j] = fma(left[i], right[j], sum[i][j]);
            }
        }
        if (item >= items) continue;
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++)
                if (row0 + r + i < of.rows && col0 + c + j < of.cols) of.store(row0 + r + i, col0 + c + j, sum[i][j]);
    }
}

// All tiles of `parts` products; `of(part)` is the product, and which of its sum it takes.
template <class T, int ROWS, int COLS, class All> FN void tiles_of(const All& all, T* a, T* b, Spot* spots) {
    __shared__ Spot inner[DEPTH];
    __shared__ long long columns[64], below[DEPTH];
    const int down = (all.rows + ROWS - 1) / ROWS, across = (all.cols + COLS - 1) / COLS;
    const long long tiles = (long long)down * across * all.parts;
    for (long long t = blockIdx.x; t < tiles; t += gridDim.x) {
        const int part = (int)(t / ((long long)down * across)), tile = (int)(t % ((long long)down * across));
        const auto of = all.of(part);
        tile_of<T, ROWS, COLS>(of, a, b, spots, inner, columns, below, tile / across * ROWS,
                               tile % across * COLS, all.from(part), all.to(part));
    }
}
template <class T, class All> FN void tiles(const All& all) {
    __shared__ T a[DEPTH * (256 + PAD)];
    __shared__ T b[DEPTH * (64 + PAD)];
    __shared__ Spot spots[256];
    if (all.cols > 32) tiles_of<T, 64, 64>(all, a, b, spots);
    else tiles_of<T, 256, 16>(all, a, b, spots);
}
