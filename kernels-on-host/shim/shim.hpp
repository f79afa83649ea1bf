// What a .cu file needs of CUDA, on the host: a block of threads is run by one thread of the system, as
// plain code where it has one thread (HOST_ONE), as fibers that meet at barriers where it has many
// (HOST_MANY).
#pragma once

#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>

namespace host {

// The shape of a launch, and which block of it is run.
struct Shape {
    unsigned index, grid, block;
    unsigned reverse;   // whether the threads are run last to first
    std::size_t shared; // bytes of dynamic shared memory
};

struct Dim {
    unsigned x, y, z;
};

// Set by the runner; one for each thread of the system.
struct Place {
    Dim block_index, grid;
    void* shared;
};
extern thread_local Place place;

// Prepares `place`, with shared memory that is full of NaN.
void enter(const Shape& shape);
// Runs `body` in every fiber of a block; what went wrong, or null.
const char* run_fibers(const Shape& shape, void (*body)(void*), void* data);
void barrier(int line);
unsigned fiber();

} // namespace host

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __restrict__ __restrict
#define __launch_bounds__(...)
#define __shared__ static thread_local
#define DYNAMIC_SHARED(type, name) type* name = static_cast<type*>(host::place.shared)
#define blockIdx (host::place.block_index)
#define gridDim (host::place.grid)

#ifdef HOST_ONE
static constexpr host::Dim threadIdx{0, 0, 0};
static constexpr host::Dim blockDim{1, 1, 1};
#define __syncthreads() ((void)0)
#else
static thread_local host::Dim blockDim{1, 1, 1};
#define threadIdx (host::Dim{host::fiber(), 0, 0})
#define __syncthreads() host::barrier(__LINE__)
#endif

static inline long long __double_as_longlong(double x) {
    long long bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline double __longlong_as_double(long long bits) {
    double x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}
static inline unsigned __float_as_uint(float x) {
    unsigned bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline float __uint_as_float(unsigned bits) {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}
using std::erfc;
using std::fabs;
using std::fma;
using std::rint;
using std::sqrt;

namespace host {

template <class... P, std::size_t... I>
void call(void (*kernel)(P...), void** arguments, std::index_sequence<I...>) {
    kernel(*static_cast<P*>(arguments[I])...);
}

// Runs one block of a kernel whose arguments are given as cuLaunchKernel takes them.
template <class... P> const char* run(void (*kernel)(P...), void** arguments, const Shape& shape) {
    enter(shape);
    auto all = [&] { call(kernel, arguments, std::index_sequence_for<P...>{}); };
#ifdef HOST_ONE
    all();
    return nullptr;
#else
    blockDim = {shape.block, 1, 1};
    return run_fibers(shape, [](void* f) { (*static_cast<decltype(all)*>(f))(); }, &all);
#endif
}

} // namespace host
