// A driver of CUDA without a device, as far as mirrorflow calls one: memory is the host's, launches go to the kernels that the
// host compiled. It is strict where a real driver is, and where mistakes would stay unseen: calls need a current context on
// their thread, copies must lie within one allocation, memory starts as NaN and ends in words that must not change.
//
// Names, types and meaning: the CUDA driver API.

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, INVALID_DEVICE = 101, INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201, UNSUPPORTED_PTX_VERSION = 222, INVALID_HANDLE = 400, NOT_FOUND = 500, ILLEGAL_ADDRESS = 700,
};

// launch.cpp: whether there is a kernel of this name, and a launch (0 where all went well).
int simulated_has(const char* kernel);
int simulated_launch(const char* kernel, unsigned grid, unsigned block, size_t shared, void** arguments);

#define MEMORY (1ull << 34)
#define GUARD 64
#define WORD 0xA5

struct block {
    unsigned char* data;
    size_t size;
    void* context;
    struct block* next;
};
static struct block* blocks;
int simulated_blocks;
static size_t taken;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int started;
static int contexts[2];
static __thread void* current;

static int ready(void) { return !started ? NOT_INITIALIZED : current ? OK : INVALID_CONTEXT; }
#define READY do { int state = ready(); if (state) return state; } while (0)

int cuInit(unsigned flags) { started = 1; return flags ? INVALID_VALUE : OK; }
int cuDriverGetVersion(int* version) { *version = 12080; return OK; }
int cuGetErrorName(int error, const char** name) {
    *name = error == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : error == ILLEGAL_ADDRESS ? "CUDA_ERROR_ILLEGAL_ADDRESS"
          : error == INVALID_CONTEXT ? "CUDA_ERROR_INVALID_CONTEXT" : "CUDA_ERROR_OF_THE_SIMULATION";
    return OK;
}
int cuGetErrorString(int error, const char** text) { (void)error; *text = "said by the simulated driver"; return OK; }

// One device; two where the environment says so.
static int devices(void) {
    const char* wanted = getenv("SIMULATED_DEVICES");
    return wanted && !strcmp(wanted, "2") ? 2 : 1;
}
static int is_device(int device) { return device >= 0 && device < devices() ? OK : INVALID_DEVICE; }
int cuDeviceGetCount(int* count) { *count = devices(); return started ? OK : NOT_INITIALIZED; }
int cuDeviceGet(int* device, int number) { *device = number; return is_device(number); }
int cuDeviceGetName(char* name, int length, int device) {
    snprintf(name, (size_t)length, "simulated");
    return is_device(device);
}
int cuDeviceTotalMem_v2(size_t* bytes, int device) { *bytes = MEMORY; return is_device(device); }
int cuDeviceGetAttribute(int* value, int attribute, int device) {
    switch (attribute) {
        case 16: *value = 132; break;        // multiprocessors
        case 75: *value = 9; break;          // compute capability
        case 76: *value = 0; break;
        case 97: *value = 227 << 10; break;  // shared memory of a block, asked for
        case 115: *value = 1; break;         // pools of memory
        default: *value = 0;
    }
    return is_device(device);
}
int cuDevicePrimaryCtxRetain(void** to, int device) { *to = contexts + device; return is_device(device); }
int cuDevicePrimaryCtxRelease_v2(int device) { return is_device(device); }
int cuCtxSetCurrent(void* to) { current = to; return to == NULL || to == contexts || to == contexts + 1 ? OK : INVALID_CONTEXT; }
int cuCtxGetCurrent(void** to) { *to = current; return OK; }
int cuCtxSynchronize(void) { READY; return OK; }

int cuMemGetInfo_v2(size_t* left, size_t* all) {
    READY;
    pthread_mutex_lock(&lock);
    *all = MEMORY;
    *left = MEMORY - taken;
    pthread_mutex_unlock(&lock);
    return OK;
}

int cuMemAlloc_v2(uint64_t* to, size_t size) {
    READY;
    if (!size) return INVALID_VALUE;
    pthread_mutex_lock(&lock);
    int enough = taken + size <= MEMORY;
    if (enough) {
        struct block* it = malloc(sizeof *it);
        it->data = aligned_alloc(256, (size + GUARD + 255) / 256 * 256);
        it->size = size;
        it->context = current;
        memset(it->data, 0xFF, size);
        memset(it->data + size, WORD, GUARD);
        it->next = blocks;
        blocks = it;
        simulated_blocks++;
        taken += size;
        *to = (uint64_t)(uintptr_t)it->data;
    }
    pthread_mutex_unlock(&lock);
    return enough ? OK : OUT_OF_MEMORY;
}
static int whole(const struct block* it) {
    for (int i = 0; i < GUARD; i++)
        if (it->data[it->size + i] != WORD) return 0;
    return 1;
}
int cuMemFree_v2(uint64_t at) {
    READY;
    int found = INVALID_VALUE;
    pthread_mutex_lock(&lock);
    for (struct block** link = &blocks; *link; link = &(*link)->next) {
        struct block* it = *link;
        if ((uint64_t)(uintptr_t)it->data != at) continue;
        found = !whole(it) ? ILLEGAL_ADDRESS : it->context == current ? OK : INVALID_CONTEXT;
        *link = it->next;
        simulated_blocks--;
        taken -= it->size;
        free(it->data);
        free(it);
        break;
    }
    pthread_mutex_unlock(&lock);
    return found;
}
static int within(uint64_t at, size_t size) {
    int inside = 0;
    pthread_mutex_lock(&lock);
    for (struct block* it = blocks; it && !inside; it = it->next) {
        uint64_t first = (uint64_t)(uintptr_t)it->data;
        inside = at >= first && at + size <= first + it->size && it->context == current;
    }
    pthread_mutex_unlock(&lock);
    return inside;
}
// Everything that libraries and kernels have written is where it may be.
int simulated_all_whole(void) {
    int all = 1;
    pthread_mutex_lock(&lock);
    for (struct block* it = blocks; it && all; it = it->next) all = whole(it);
    pthread_mutex_unlock(&lock);
    return all;
}

// Libraries that were closed without a context, or after their stream.
int simulated_faults;

struct stream { int alive; void* context; };
static int streams(const struct stream* it) { return it && it->alive == 1 && it->context == current ? OK : INVALID_HANDLE; }
void simulated_close(const struct stream* it) {
    if (ready() || (it && streams(it))) __atomic_add_fetch(&simulated_faults, 1, __ATOMIC_RELAXED);
}
#define STREAM(s) do { READY; if (streams(s)) return INVALID_HANDLE; } while (0)

int cuStreamCreate(struct stream** to, unsigned flags) {
    READY;
    (void)flags;
    *to = calloc(1, sizeof **to);
    **to = (struct stream){1, current};
    return OK;
}
int cuStreamDestroy_v2(struct stream* it) { STREAM(it); it->alive = 2; return OK; }  // kept: its users may be asked
int cuStreamSynchronize(struct stream* it) { STREAM(it); return simulated_all_whole() ? OK : ILLEGAL_ADDRESS; }
int cuMemAllocAsync(uint64_t* to, size_t size, struct stream* it) { STREAM(it); return cuMemAlloc_v2(to, size); }
int cuMemFreeAsync(uint64_t at, struct stream* it) { STREAM(it); return cuMemFree_v2(at); }
int cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t size, struct stream* it) {
    STREAM(it);
    if (!within(to, size)) return INVALID_VALUE;
    memcpy((void*)(uintptr_t)to, from, size);
    return OK;
}
int cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t size, struct stream* it) {
    STREAM(it);
    if (!within(from, size)) return INVALID_VALUE;
    memcpy(to, (const void*)(uintptr_t)from, size);
    return OK;
}
int cuMemsetD8Async(uint64_t to, unsigned char value, size_t size, struct stream* it) {
    STREAM(it);
    if (!within(to, size)) return INVALID_VALUE;
    memset((void*)(uintptr_t)to, value, size);
    return OK;
}

// A module is the text that nvrtc.c hands out: the source. A kernel must be named in it.
struct module { char* text; };
struct function { char name[128]; };
// 1: as a driver older than the compiler, which takes instructions only; 2: nor these.
int simulated_old;
int cuModuleLoadData(struct module** to, const void* image) {
    READY;
    if (simulated_old > !strncmp(image, "// simulated sm_90", 18)) return UNSUPPORTED_PTX_VERSION;
    if (strncmp(image, "// simulated", 12)) return INVALID_IMAGE;
    *to = malloc(sizeof **to);
    (*to)->text = strdup(image);
    return OK;
}
int cuModuleUnload(struct module* it) { READY; free(it->text); free(it); return OK; }
int cuModuleGetFunction(struct function** to, struct module* in, const char* name) {
    READY;
    char plain[128];
    snprintf(plain, sizeof plain, "%s", name);
    char* end = strstr(plain, "_f32") ? strstr(plain, "_f32") : strstr(plain, "_f64");
    if (end) *end = 0;
    if (!strstr(in->text, plain) || !simulated_has(name)) return NOT_FOUND;
    *to = malloc(sizeof **to);  // as long as the module, which lives as long as the process
    snprintf((*to)->name, sizeof (*to)->name, "%s", name);
    return OK;
}
int cuFuncGetAttribute(int* value, int attribute, struct function* of) { (void)attribute; (void)of; *value = 0; return OK; }
int cuFuncSetAttribute(struct function* of, int attribute, int value) {
    (void)of;
    return attribute == 8 && value > 227 << 10 ? INVALID_VALUE : OK;
}
int cuLaunchKernel(struct function* of, unsigned x, unsigned y, unsigned z, unsigned block, unsigned block_y, unsigned block_z,
                   unsigned shared, struct stream* it, void** arguments, void** extra) {
    STREAM(it);
    if (!x || y != 1 || z != 1 || !block || block > 1024 || block_y != 1 || block_z != 1 || shared > 227 << 10 || extra)
        return INVALID_VALUE;
    if (simulated_launch(of->name, x, block, shared, arguments)) return ILLEGAL_ADDRESS;
    return simulated_all_whole() ? OK : ILLEGAL_ADDRESS;
}
