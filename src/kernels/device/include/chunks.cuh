// Sums over pixels or rows go in chunks, a thread for each chunk and channel, in double; then over the chunks in
// order, a thread for each channel. How long a chunk is depends on the shape alone: nothing depends on the
// launch.

#pragma once

#include "real.cuh"

#define PIXELS long long pixels, int channels, long long chunk
#define PIXEL_NAMES pixels, channels, chunk
FN long long chunks_of(long long pixels, long long chunk) { return (pixels + chunk - 1) / chunk; }
