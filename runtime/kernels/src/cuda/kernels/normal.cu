// Diagonal normals: log-densities and divergences summed over rows, and their gradients.

#define LOG_2_PI 1.8378770664093453f

// Σ log N(z; mean, exp(log_var)); without mean and log_var, of the standard normal. One block per row.
__device__ inline void normal(const float* z, const float* mean, const float* log_var, float* out, u32 size) {
    float sum = 0.0f;
    u64 start = (u64)blockIdx.x * size;
    ALONG(i, size) {
        float centre = mean ? mean[start + i] : 0.0f, spread = log_var ? log_var[start + i] : 0.0f;
        float distance = z[start + i] - centre;
        sum += distance * distance * expf(-spread) + spread + LOG_2_PI;
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) out[blockIdx.x] = -0.5f * sum;
}

// Null where a gradient is not needed.
__device__ inline void normal_backward(const float* z, const float* mean, const float* log_var, const float* gradient,
                                       float* for_z, float* for_mean, float* for_log_var, u32 count, u32 size) {
    EACH(i, count) {
        float centre = mean ? mean[i] : 0.0f, precision = log_var ? expf(-log_var[i]) : 1.0f;
        float slope = gradient[i / size], distance = z[i] - centre, pull = slope * distance * precision;
        if (for_z) for_z[i] = -pull;
        if (for_mean) for_mean[i] = pull;
        if (for_log_var) for_log_var[i] = 0.5f * (pull * distance - slope);
    }
}

// KL of two normals with means `distance` apart. One block per row.
__device__ inline void divergence(const float* distance, const float* q, const float* p, float* out, u32 size) {
    float sum = 0.0f;
    u64 start = (u64)blockIdx.x * size;
    ALONG(i, size) {
        float apart = distance[start + i], wide = q[start + i], prior = p[start + i];
        sum += prior - wide + (expf(wide) + apart * apart) * expf(-prior) - 1.0f;
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) out[blockIdx.x] = 0.5f * sum;
}

__device__ inline void divergence_backward(const float* distance, const float* q, const float* p, const float* gradient,
                                           float* for_distance, float* for_q, float* for_p, u32 count, u32 size) {
    EACH(i, count) {
        float slope = gradient[i / size], precision = expf(-p[i]), variance = expf(q[i]), apart = distance[i];
        if (for_distance) for_distance[i] = slope * apart * precision;
        if (for_q) for_q[i] = 0.5f * slope * (variance * precision - 1.0f);
        if (for_p) for_p[i] = 0.5f * slope * (1.0f - (variance + apart * apart) * precision);
    }
}

// The first or the second half of every row of 2 · size values, clamped to ± bound; what is not a number stays so.
__device__ inline void half_of(const float* x, float* out, u32 count, u32 size, u32 second, float bound) {
    EACH(i, count) {
        float value = x[(u64)(i / size) * 2 * size + second * size + i % size];
        out[i] = value < -bound ? -bound : value > bound ? bound : value;
    }
}

// `count`: the values of all halves.
__device__ inline void half_of_backward(const float* x, const float* gradient, float* for_x, u32 count, u32 size,
                                        u32 second, float bound) {
    EACH(i, count) {
        u64 row = (u64)(i / size) * 2 * size, at = i % size;
        float value = x[row + second * size + at];
        for_x[row + second * size + at] = value < -bound || value > bound ? 0.0f : gradient[i];
        for_x[row + (1 - second) * size + at] = 0.0f;
    }
}

// z = mean + exp(log_var / 2) · noise.
__device__ inline void normal_draw(const float* mean, const float* log_var, const float* noise, float* z, u32 count) {
    EACH(i, count) z[i] = mean[i] + expf(0.5f * log_var[i]) * noise[i];
}

__device__ inline void normal_draw_backward(const float* log_var, const float* noise, const float* gradient,
                                            float* for_log_var, u32 count) {
    EACH(i, count) for_log_var[i] = 0.5f * gradient[i] * expf(0.5f * log_var[i]) * noise[i];
}

KERNEL(half_f32, (const float* x, float* out, u32 count, u32 size, u32 second, float bound),
       half_of(x, out, count, size, second, bound))
KERNEL(half_backward_f32,
       (const float* x, const float* gradient, float* for_x, u32 count, u32 size, u32 second, float bound),
       half_of_backward(x, gradient, for_x, count, size, second, bound))
KERNEL(normal_draw_f32, (const float* mean, const float* log_var, const float* noise, float* z, u32 count),
       normal_draw(mean, log_var, noise, z, count))
KERNEL(normal_draw_backward_f32,
       (const float* log_var, const float* noise, const float* gradient, float* for_log_var, u32 count),
       normal_draw_backward(log_var, noise, gradient, for_log_var, count))
KERNEL(normal_f32, (const float* z, const float* mean, const float* log_var, float* out, u32 size),
       normal(z, mean, log_var, out, size))
KERNEL(normal_backward_f32,
       (const float* z, const float* mean, const float* log_var, const float* gradient, float* for_z, float* for_mean,
        float* for_log_var, u32 count, u32 size),
       normal_backward(z, mean, log_var, gradient, for_z, for_mean, for_log_var, count, size))
KERNEL(divergence_f32, (const float* distance, const float* q, const float* p, float* out, u32 size),
       divergence(distance, q, p, out, size))
KERNEL(divergence_backward_f32,
       (const float* distance, const float* q, const float* p, const float* gradient, float* for_distance, float* for_q,
        float* for_p, u32 count, u32 size),
       divergence_backward(distance, q, p, gradient, for_distance, for_q, for_p, count, size))
