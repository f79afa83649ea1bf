// Fibers for blocks of many threads: each has a stack of its own, and a barrier hands over to the next.
// The scheduler sees when some threads wait at a barrier that others never reach.

// Before the shim, whose macros the standard headers would trip over.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

#include "shim.hpp"

#if defined(__x86_64__)
// Keeps the registers that a call must keep, and the stack pointer; the pair of it is `load`.
extern "C" void host_switch(void** save, void* load);
asm(R"(
    .text
    .globl host_switch
    .type host_switch, @function
host_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size host_switch, .-host_switch
    .section .note.GNU-stack,"",@progbits
    .text
)");
#else
#include <ucontext.h>
#endif

namespace host {

thread_local Place place;

namespace {

constexpr std::size_t STACK = 64 << 10;

struct Fiber {
#if defined(__x86_64__)
    void* stack_pointer;
#else
    ucontext_t context;
#endif
    std::unique_ptr<char[]> stack;
    bool done;
    int line;
};

struct Scheduler {
    std::vector<Fiber> fibers;
    std::vector<std::uint64_t> shared;
    unsigned current = 0;
    void (*body)(void*) = nullptr;
    void* data = nullptr;
    char trouble[160];
#if defined(__x86_64__)
    void* stack_pointer = nullptr;
#else
    ucontext_t context;
#endif
};
thread_local Scheduler scheduler;

void to_scheduler() {
    Fiber& fiber = scheduler.fibers[scheduler.current];
#if defined(__x86_64__)
    host_switch(&fiber.stack_pointer, scheduler.stack_pointer);
#else
    swapcontext(&fiber.context, &scheduler.context);
#endif
}

void to_fiber(unsigned index) {
    scheduler.current = index;
    Fiber& fiber = scheduler.fibers[index];
#if defined(__x86_64__)
    host_switch(&scheduler.stack_pointer, fiber.stack_pointer);
#else
    swapcontext(&scheduler.context, &fiber.context);
#endif
}

void start() {
    scheduler.body(scheduler.data);
    scheduler.fibers[scheduler.current].done = true;
    to_scheduler();
}

void prepare(Fiber& fiber) {
    if (!fiber.stack) fiber.stack.reset(new char[STACK]);
    fiber.done = false;
    fiber.line = 0;
#if defined(__x86_64__)
    // As `host_switch` leaves a stack: six registers, then where to return to; a function expects its
    // stack 8 bytes off a multiple of 16.
    auto top = reinterpret_cast<std::uintptr_t>(fiber.stack.get() + STACK) / 16 * 16;
    auto* words = reinterpret_cast<void**>(top) - 8;
    for (int i = 0; i < 8; i++) words[i] = nullptr;
    words[6] = reinterpret_cast<void*>(&start);
    fiber.stack_pointer = words;
#else
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = STACK;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, &start, 0);
#endif
}

} // namespace

void enter(const Shape& shape) {
    scheduler.shared.assign(shape.shared / 8 + 1, ~std::uint64_t{0});
    place = {{shape.index, 0, 0}, {shape.grid, 1, 1}, scheduler.shared.data()};
}

unsigned fiber() { return scheduler.current; }

void barrier(int line) {
    scheduler.fibers[scheduler.current].line = line;
    to_scheduler();
}

const char* run_fibers(const Shape& shape, void (*body)(void*), void* data) {
    Scheduler& s = scheduler;
    if (s.fibers.size() < shape.block) s.fibers.resize(shape.block);
    for (unsigned t = 0; t < shape.block; t++) prepare(s.fibers[t]);
    s.body = body;
    s.data = data;
    for (;;) {
        unsigned done = 0, waiting = 0, last = 0;
        for (unsigned k = 0; k < shape.block; k++) {
            const unsigned t = shape.reverse ? shape.block - 1 - k : k;
            to_fiber(t);
            if (s.fibers[t].done) {
                done++;
            } else {
                if (waiting && s.fibers[t].line != s.fibers[last].line) {
                    std::snprintf(s.trouble, sizeof s.trouble,
                                  "thread %u waits at the barrier of line %d and thread %u at that of line %d",
                                  last, s.fibers[last].line, t, s.fibers[t].line);
                    return s.trouble;
                }
                waiting++;
                last = t;
            }
        }
        if (!waiting) return nullptr;
        if (done) {
            std::snprintf(s.trouble, sizeof s.trouble,
                          "thread %u waits at the barrier of line %d, which %u threads never reach", last,
                          s.fibers[last].line, done);
            return s.trouble;
        }
    }
}

} // namespace host
