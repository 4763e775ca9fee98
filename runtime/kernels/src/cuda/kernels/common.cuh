// What every kernel file begins with. NVRTC compiles them for the GPU, and a C++ compiler compiles the same text for the
// tests (runtime/tests/kernels): so no headers, no warp intrinsics, nothing but what stands here and the mathematics
// of float.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

// Threads of a block where a kernel sums over the block; a power of two.
#define BLOCK 256

// An exported kernel: its name, its parameters, and the function that does its work.
#ifndef KERNEL
#define KERNEL(name, parameters, call) extern "C" __global__ void __launch_bounds__(BLOCK) name parameters { call; }
#endif

// Every element `i` of `n`, whatever the grid.
#define EACH(i, n) for (u32 i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += gridDim.x * blockDim.x)
// Every element of a row that a whole block works on.
#define ALONG(i, n) for (u32 i = threadIdx.x; i < (n); i += blockDim.x)

// The upper half of a float. Arithmetic is in float; only memory holds these.
struct bf16 {
    u16 bits;
};

__device__ inline float load(const float* from, u32 at) {
    return from[at];
}

__device__ inline float load(const bf16* from, u32 at) {
    return __uint_as_float((u32)from[at].bits << 16);
}

__device__ inline void store(float* to, u32 at, float value) {
    to[at] = value;
}

// Rounds to nearest, ties to even; a NaN stays one.
__device__ inline void store(bf16* to, u32 at, float value) {
    u32 bits = __float_as_uint(value);
    bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
    to[at].bits = nan ? (u16)0x7fff : (u16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// The sum over a block, for every thread of it. The order is fixed, so results repeat.
__device__ inline float block_sum(float value) {
    __shared__ float scratch[BLOCK];
    scratch[threadIdx.x] = value;
    __syncthreads();
    for (u32 half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) scratch[threadIdx.x] += scratch[threadIdx.x + half];
        __syncthreads();
    }
    float sum = scratch[0];
    __syncthreads();
    return sum;
}

__device__ inline float sigmoid(float x) {
    return 1.0f / (1.0f + expf(-x));
}
