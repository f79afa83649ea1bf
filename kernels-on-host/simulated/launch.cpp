// Launches of the simulated driver: the kernels that were compiled for the host, blocks on as many threads as there are cores.

#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "../shim/shim.hpp"

using Run = const char* (*)(void**, const host::Shape*);
struct Kernel {
    const char* name;
    Run one, many;
};

// The kernels by name, a line for each, written by build.rs.
#define ENTRY(name) extern "C" const char *run_##name##_one(void**, const host::Shape*), *run_##name##_many(void**, const host::Shape*);
#include "entries.inc"
#undef ENTRY
#define ENTRY(name) {#name, run_##name##_one, run_##name##_many},
static const Kernel kernels[] = {
#include "entries.inc"
};

static const Kernel* find(const char* name) {
    for (const Kernel& k : kernels)
        if (!std::strcmp(k.name, name)) return &k;
    return nullptr;
}

extern "C" int simulated_has(const char* name) { return find(name) != nullptr; }

extern "C" int simulated_launch(const char* name, unsigned grid, unsigned block, std::size_t shared, void** arguments) {
    const Kernel* kernel = find(name);
    if (!kernel) return 1;
    std::atomic<unsigned> next{0};
    std::atomic<int> wrong{0};
    auto blocks = [&] {
        for (unsigned index; (index = next++) < grid && !wrong;) {
            const host::Shape shape{index, grid, block, 0, shared};
            const char* said = (block == 1 ? kernel->one : kernel->many)(arguments, &shape);
            if (said && !wrong.exchange(1)) std::fprintf(stderr, "%s: %s\n", name, said);
        }
    };
    std::vector<std::thread> others;
    // A thread costs more than a few blocks do.
    for (unsigned i = 1; i < std::thread::hardware_concurrency() && i * 4 < grid; i++) others.emplace_back(blocks);
    blocks();
    for (auto& thread : others) thread.join();
    return wrong;
}
