// Norms, counts and masks of the k largest on a device; the CPU twins are host/{measure,selection}.rs.
//
// Sums go as in the twin: a thread has a lane of a chunk (chunks of 16384, 32 lanes), `fold_lanes` adds the
// lanes of each chunk in halves, and `add_neighbours` at distance 1, 2, 4, … the chunks.
//
// No product is fused with an addition (compile with --fmad=false, or -ffp-contract=off on a host), divisions
// and square roots are correctly rounded: the bits are those of the twins. Every loop strides over the
// grid, so any launch shape is right; there are no barriers and no atomics.

#include "real.cuh"

using namespace real;

// The sum of the 32 lanes of each chunk, in halves.
extern "C" __global__ void fold_lanes(long long chunks, const double* lanes, double* sums) {
    for (long long c = first_of_grid(); c < chunks; c += stride_of_grid()) {
        double of_lane[SUM_LANES];
        for (int l = 0; l < SUM_LANES; l++) of_lane[l] = lanes[c * SUM_LANES + l];
        for (int width = SUM_LANES / 2; width > 0; width /= 2)
            for (int l = 0; l < width; l++) of_lane[l] += of_lane[l + width];
        sums[c] = of_lane[0];
    }
}
// sums[i] += sums[i + distance] for every i that is a multiple of 2·distance; launched with distance 1, 2, 4, … below
// `chunks`, it leaves the whole in sums[0].
extern "C" __global__ void add_neighbours(long long chunks, long long distance, double* sums) {
    for (long long k = first_of_grid(); 2 * distance * k + distance < chunks;
         k += stride_of_grid())
        sums[2 * distance * k] += sums[2 * distance * k + distance];
}


// How many of those whose magnitude agrees with `prefix` above bit `high` have each of the 16 digits in
// bits low..high (at most 4); counts is 16 for each lane of each chunk. The host adds and chooses.
template <class T>
FN void digit_counts(long long n, int low, int high, u64 prefix, const T* x, u32* counts) {
    const long long places = (n + CHUNK - 1) / CHUNK * SUM_LANES;
    const u64 digit = (1ull << (high - low)) - 1;
    for (long long p = first_of_grid(); p < places; p += stride_of_grid()) {
        const long long start = p / SUM_LANES * CHUNK;
        const long long end = start + CHUNK < n ? start + CHUNK : n;
        u32 of_digit[16] = {0};
        for (long long i = start + p % SUM_LANES; i < end; i += SUM_LANES) {
            const u64 bits = magnitude(x[i]);
            if (bits >> high == prefix) of_digit[(bits >> low) & digit]++;
        }
        for (int k = 0; k < 16; k++) counts[p * 16 + k] = of_digit[k];
    }
}
// The mask of a cut: magnitudes of at least `bits` up to index `end`, above `bits` from there on.
template <class T> FN void write_mask(long long n, u64 bits, long long end, const T* x, u8* keep) {
    for (long long i = first_of_grid(); i < n; i += stride_of_grid()) {
        keep[i] = magnitude(x[i]) >= bits + (i < end ? 0 : 1) ? 1 : 0;
    }
}

// The lanes of ‖x‖₁, ‖x‖², and zeros, 32 for each chunk.
template <class T>
FN void measure(long long n, const T* x, double* l1, double* l2, u32* zeros) {
    const long long places = (n + CHUNK - 1) / CHUNK * SUM_LANES;
    for (long long p = first_of_grid(); p < places; p += stride_of_grid()) {
        const long long start = p / SUM_LANES * CHUNK;
        const long long end = start + CHUNK < n ? start + CHUNK : n;
        double first = 0.0, second = 0.0;
        u32 none = 0;
        for (long long i = start + p % SUM_LANES; i < end; i += SUM_LANES) {
            const double v = (double)x[i];
            first += absolute(v);
            second += v * v;
            none += v == 0.0 ? 1 : 0;
        }
        l1[p] = first;
        l2[p] = second;
        zeros[p] = none;
    }
}
// Entries positive in one state and negative in the other, for each lane of each chunk.
template <class T> FN void sign_flips(long long n, const T* before, const T* after, u32* counts) {
    const long long places = (n + CHUNK - 1) / CHUNK * SUM_LANES;
    for (long long p = first_of_grid(); p < places; p += stride_of_grid()) {
        const long long start = p / SUM_LANES * CHUNK;
        const long long end = start + CHUNK < n ? start + CHUNK : n;
        u32 count = 0;
        for (long long i = start + p % SUM_LANES; i < end; i += SUM_LANES) {
            const T a = before[i], b = after[i];
            count += (a > (T)0 && b < (T)0) || (a < (T)0 && b > (T)0) ? 1 : 0;
        }
        counts[p] = count;
    }
}

// As kernels.
#define P(T) (long long n, int low, int high, u64 prefix, const T* x, u32* counts)
BOTH(digit_counts, P, (n, low, high, prefix, x, counts))
#undef P
#define P(T) (long long n, u64 bits, long long end, const T* x, u8* keep)
BOTH(write_mask, P, (n, bits, end, x, keep))
#undef P
#define P(T) (long long n, const T* x, double* l1, double* l2, u32* zeros)
BOTH(measure, P, (n, x, l1, l2, zeros))
#undef P
#define P(T) (long long n, const T* before, const T* after, u32* counts)
BOTH(sign_flips, P, (n, before, after, counts))
#undef P
