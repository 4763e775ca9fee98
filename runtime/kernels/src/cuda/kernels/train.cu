// A step of Adamax over many tensors at once, and the size of their gradient.

// Tensors of a launch, by value: row y of the grid works on tensor y. As long as `TABLE` in ops/cuda/optimiser.rs.
#define TABLE 64

struct Table {
    float* parameter[TABLE];
    const float* gradient[TABLE];
    float* mean[TABLE];
    float* peak[TABLE];
    u32 size[TABLE];
};

// What `rate` points at is corrected for the bias of the mean, `factor` scales the gradient.
__device__ inline void adamax(const Table& table, const float* rate, float factor, float decay, float peak_decay,
                              float epsilon) {
    u32 tensor = blockIdx.y;
    const float* gradient = table.gradient[tensor];
    EACH(i, table.size[tensor]) {
        float slope = gradient[i] * factor;
        float mean = decay * table.mean[tensor][i] + (1.0f - decay) * slope;
        float peak = fmaxf(peak_decay * table.peak[tensor][i], fabsf(slope) + epsilon);
        table.mean[tensor][i] = mean;
        table.peak[tensor][i] = peak;
        table.parameter[tensor][i] -= *rate * mean / peak;
    }
}

// The sum of squares of each block's part, one number per block.
__device__ inline void squares(const Table& table, float* out) {
    float sum = 0.0f;
    const float* gradient = table.gradient[blockIdx.y];
    EACH(i, table.size[blockIdx.y]) sum += gradient[i] * gradient[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) out[blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

KERNEL(adamax_f32, (Table table, const float* rate, float factor, float decay, float peak_decay, float epsilon),
       adamax(table, rate, factor, decay, peak_decay, epsilon))
KERNEL(squares_f32, (Table table, float* out), squares(table, out))
