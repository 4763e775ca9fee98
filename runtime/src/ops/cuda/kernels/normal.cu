// Diagonal normals: log-densities and divergences summed over rows, and their slopes.

#define LOG_2_PI 1.8378770664093453f

// Σ log N(z; mean, exp(log_var)); without mean and log_var, of the standard normal. A block a row.
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

// KL of two normals with means `distance` apart. A block a row.
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
        for_distance[i] = slope * apart * precision;
        for_q[i] = 0.5f * slope * (variance * precision - 1.0f);
        for_p[i] = 0.5f * slope * (1.0f - (variance + apart * apart) * precision);
    }
}

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
