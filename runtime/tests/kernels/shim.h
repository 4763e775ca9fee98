// CUDA C on the CPU, as far as the kernels use it. A block's threads are fibres: each runs up to a barrier, then the
// next one's turn comes, forwards or backwards, so that a barrier that is missing shows as another result. A barrier
// that some threads of a block pass and others do not is an error.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <ucontext.h>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __shared__ static

struct Three {
    unsigned x, y, z;
};
static Three threadIdx, blockIdx, blockDim, gridDim;

static inline float __uint_as_float(unsigned bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static inline unsigned __float_as_uint(float value) {
    unsigned bits;
    memcpy(&bits, &value, 4);
    return bits;
}

namespace shim {

struct Fibre {
    ucontext_t context;
    std::vector<char> stack;
    bool over;
};

struct Kernel {
    void (*call)(void* const*);
    std::vector<size_t> sizes;
    // Whether its first block met a barrier: kernels that have none need no fibres.
    bool started, waits;
};
static ucontext_t scheduler;
static std::vector<Fibre> fibres;
static Fibre* current;
static void (*body)(void* const*);
static void* const* values;
static bool waited;

static std::map<std::string, Kernel>& kernels() {
    static std::map<std::string, Kernel> all;
    return all;
}

template <auto function, typename... A, size_t... I>
void spread(void (*)(A...), void* const* arguments, std::index_sequence<I...>) {
    function(*(A*)arguments[I]...);
}

template <auto function, typename... A>
bool enter(const char* name, void (*)(A...)) {
    auto call = [](void* const* arguments) {
        spread<function>((void (*)(A...))nullptr, arguments, std::index_sequence_for<A...>());
    };
    kernels()[name] = {call, {sizeof(A)...}, false, false};
    return true;
}

static void run() {
    body(values);
    current->over = true;
    swapcontext(&current->context, &scheduler);
}

static bool run_block(unsigned threads, bool backwards) {
    if (fibres.size() < threads) fibres.resize(threads);
    for (unsigned i = 0; i < threads; ++i) {
        Fibre& fibre = fibres[i];
        fibre.stack.resize(1 << 16);
        fibre.over = false;
        getcontext(&fibre.context);
        fibre.context.uc_stack.ss_sp = fibre.stack.data();
        fibre.context.uc_stack.ss_size = fibre.stack.size();
        fibre.context.uc_link = &scheduler;
        makecontext(&fibre.context, run, 0);
    }
    for (;;) {
        unsigned over = 0;
        for (unsigned turn = 0; turn < threads; ++turn) {
            unsigned thread = backwards ? threads - 1 - turn : turn;
            threadIdx = {thread, 0, 0};
            current = &fibres[thread];
            swapcontext(&scheduler, &current->context);
            over += current->over;
        }
        if (over == threads) return true;
        if (over > 0) return false;
    }
}

}  // namespace shim

static inline void __syncthreads() {
    shim::waited = true;
    swapcontext(&shim::current->context, &shim::scheduler);
}

#define __launch_bounds__(threads)
#define KERNEL(name, parameters, call)                                          \
    static void name parameters { call; }                                       \
    static bool entered_##name = shim::enter<name>(#name, &name);

// 0, or what is wrong: 1 no such kernel, 2 other parameters, 3 a barrier that not all threads reached.
extern "C" int launch(const char* name, unsigned across, unsigned down, unsigned threads, void* const* arguments,
                      const size_t* sizes, size_t count, int backwards) {
    auto found = shim::kernels().find(name);
    if (found == shim::kernels().end()) return 1;
    shim::Kernel& kernel = found->second;
    if (kernel.sizes != std::vector<size_t>(sizes, sizes + count)) return 2;
    shim::body = kernel.call;
    shim::values = arguments;
    shim::waited = false;
    gridDim = {across, down, 1};
    blockDim = {threads, 1, 1};
    for (unsigned y = 0; y < down; ++y)
        for (unsigned x = 0; x < across; ++x) {
            blockIdx = {x, y, 0};
            if (kernel.started && !kernel.waits) {
                for (unsigned turn = 0; turn < threads; ++turn) {
                    threadIdx = {backwards ? threads - 1 - turn : turn, 0, 0};
                    kernel.call(arguments);
                }
                continue;
            }
            if (!shim::run_block(threads, backwards)) return 3;
            kernel.started = true;
            kernel.waits = kernel.waits || shim::waited;
        }
    return 0;
}
