// What the kernels on f32 and f64 alike share: bits, elementary functions without fused products, the
// stride over a grid, and both versions of a kernel from one template.
//
// The CPU twins are mask_weight/elementary.rs (f32) and numerics/vector.rs (f64): the bits are theirs.

#pragma once

#include "prelude.cuh"

typedef unsigned char u8;

// Kernels `name_f32` and `name_f64` out of the template `name<T>`: `parameters(T)` is the list of parameters
// in brackets, `arguments` their names.
#define BOTH(name, parameters, arguments) \
    extern "C" __global__ void name##_f32 parameters(float) { name<float> arguments; } \
    extern "C" __global__ void name##_f64 parameters(double) { name<double> arguments; }

// Elements of a chunk of a sum, and its lanes: mask_weight/chunks.rs and measure.rs.
#define CHUNK 16384ll
#define SUM_LANES 32ll

namespace real {

using mirror::bits_of;
FN u32 bits_of(float v) { return __float_as_uint(v); }
FN double absolute(double v) { return __longlong_as_double((long long)(bits_of(v) & ~(1ull << 63))); }
FN float absolute(float v) { return __uint_as_float(bits_of(v) & 0x7FFFFFFFu); }
using mirror::copy_sign;
FN float copy_sign(float size, float sign) {
    return __uint_as_float((bits_of(size) & 0x7FFFFFFFu) | (bits_of(sign) & 0x80000000u));
}
FN bool is_finite(double v) { return bits_of(absolute(v)) < 0x7FF0000000000000ull; }
FN bool is_finite(float v) { return bits_of(absolute(v)) < 0x7F800000u; }
FN u64 magnitude(double v) { return bits_of(absolute(v)); }
FN u64 magnitude(float v) { return bits_of(absolute(v)); }

// This thread, and all of them.
FN long long first_of_grid() { return (long long)blockIdx.x * blockDim.x + threadIdx.x; }
FN long long stride_of_grid() { return (long long)gridDim.x * blockDim.x; }
#define OVER_GRID(i, n) for (long long i = first_of_grid(); i < (n); i += stride_of_grid())

// e^v = 2^k e^r: mask_weight/elementary.rs.
FN float power_of_two(float k) { return __uint_as_float(bits_of(k + 8388735.0f) << 23); }
FN float exponential(float v) {
    v = v > 100.0f ? 100.0f : v;
    v = v < -110.0f ? -110.0f : v;
    const float k = (v * 1.44269504f + 12582912.0f) - 12582912.0f;
    const float h = v - k * 0.69314575f;
    const float low = k * 1.4286068e-6f;
    const float r = h - low;
    float p = 0.0001989103f;
    p = p * r + 0.0013933686f;
    p = p * r + 0.008333311f;
    p = p * r + 0.041666463f;
    p = p * r + 0.16666667f;
    p = p * r + 0.5f;
    const float e = 1.0f + (h + (r * r * p - low));
    float first = k > 126.0f ? 126.0f : k;
    first = first < -126.0f ? -126.0f : first;
    return e * power_of_two(first) * power_of_two(k - first);
}

// As numerics/vector.rs, not fused: e^(hi + lo).
FN double power_of_two(double k) {
    return __longlong_as_double((long long)(bits_of(k + 4503599627371519.0) << 52));
}
FN double exponential(double hi, double lo) {
    lo = absolute(hi) < 1400.0 ? lo : 0.0;
    hi = hi > 1400.0 ? 1400.0 : hi;
    hi = hi < -1400.0 ? -1400.0 : hi;
    const double k = (hi * 1.4426950408889634 + 6755399441055744.0) - 6755399441055744.0;
    const double r = (-k * 1.9082149292705877e-10 + (-k * 0.6931471803691238 + hi)) + lo;
    double p = 2.5110130323222028e-08;
    p = p * r + 2.762020157262752e-07;
    p = p * r + 2.7557242117466096e-06;
    p = p * r + 2.4801521057819133e-05;
    p = p * r + 0.00019841269886791807;
    p = p * r + 0.0013888888917367246;
    p = p * r + 0.008333333333322139;
    p = p * r + 0.04166666666662382;
    p = p * r + 0.16666666666666674;
    p = p * r + 0.5000000000000001;
    const double e = 1.0 + (r * r * p + r);
    double first = k > 1020.0 ? 1020.0 : k;
    first = first < -1020.0 ? -1020.0 : first;
    return e * power_of_two(first) * power_of_two(k - first);
}
FN double exponential(double v) { return exponential(v, 0.0); }

// σ(v), and σ(1 − σ) into `slope`.
template <class T> FN T sigmoid(T v, T* slope) {
    const T e = exponential(-absolute(v));
    const T top = (T)1 / ((T)1 + e);
    const T bottom = e * top;
    *slope = bottom * top;
    return v < (T)0 ? bottom : top;
}

} // namespace real
