// Affine couplings. `mask` says what stays: 2 nothing, 0 pixels of odd row + column, 1 those of even.

__device__ inline bool changes(u32 pixel, u32 width, u32 mask) {
    return mask == 2 || (pixel / width + pixel % width + mask) % 2 == 0;
}

// What the network of a coupling sees: the pixels that stay, 0 elsewhere. Its own gradient.
__device__ inline void keep(const float* x, float* out, u32 count, u32 pixels, u32 width, u32 mask) {
    EACH(i, count) out[i] = changes(i % pixels, width, mask) ? 0.0f : x[i];
}

// head [N, 2C, pixels] to s = tanh(·) · rescale and t, 0 where the input stays. One block per plane.
__device__ inline void scale_shift(const float* head, const float* rescale, float* out, u32 channels, u32 pixels,
                                   u32 width, u32 mask) {
    u32 channel = blockIdx.x % (2 * channels);
    u64 start = (u64)blockIdx.x * pixels;
    ALONG(i, pixels) {
        float value = head[start + i];
        if (channel < channels) value = tanhf(value) * rescale[channel];
        out[start + i] = changes(i, width, mask) ? value : 0.0f;
    }
}

__device__ inline void scale_shift_backward(const float* head, const float* rescale, const float* gradient,
                                            float* for_head, u32 channels, u32 pixels, u32 width, u32 mask) {
    u32 channel = blockIdx.x % (2 * channels);
    u64 start = (u64)blockIdx.x * pixels;
    ALONG(i, pixels) {
        float slope = gradient[start + i];
        if (channel < channels) {
            float bent = tanhf(head[start + i]);
            slope *= rescale[channel] * (1.0f - bent * bent);
        }
        for_head[start + i] = changes(i, width, mask) ? slope : 0.0f;
    }
}

// The gradient for rescale: one block per channel.
__device__ inline void rescale_gradient(const float* head, const float* gradient, float* out, u32 images, u32 channels,
                                        u32 pixels, u32 width, u32 mask) {
    float sum = 0.0f;
    for (u32 image = 0; image < images; ++image) {
        u64 start = (u64)(image * 2 * channels + blockIdx.x) * pixels;
        ALONG(i, pixels) {
            if (changes(i, width, mask)) sum += gradient[start + i] * tanhf(head[start + i]);
        }
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

// v = (z + t) · exp(s); `size` values per image, s and t one after the other.
__device__ inline void affine(const float* z, const float* st, float* v, u32 count, u32 size) {
    EACH(i, count) {
        u64 at = (u64)(i / size) * 2 * size + i % size;
        v[i] = (z[i] + st[at + size]) * expf(st[at]);
    }
}

__device__ inline void affine_backward(const float* v, const float* st, const float* gradient, float* for_z,
                                       float* for_st, u32 count, u32 size) {
    EACH(i, count) {
        u64 at = (u64)(i / size) * 2 * size + i % size;
        float slope = gradient[i] * expf(st[at]);
        for_z[i] = slope;
        for_st[at] = gradient[i] * v[i];
        for_st[at + size] = slope;
    }
}

// z = v · exp(−s) − t.
__device__ inline void affine_inverse(const float* v, const float* st, float* z, u32 count, u32 size) {
    EACH(i, count) {
        u64 at = (u64)(i / size) * 2 * size + i % size;
        z[i] = v[i] * expf(-st[at]) - st[at + size];
    }
}

__device__ inline void affine_inverse_backward(const float* v, const float* st, const float* gradient, float* for_v,
                                               float* for_st, u32 count, u32 size) {
    EACH(i, count) {
        u64 at = (u64)(i / size) * 2 * size + i % size;
        float slope = gradient[i] * expf(-st[at]);
        for_v[i] = slope;
        for_st[at] = -slope * v[i];
        for_st[at + size] = -gradient[i];
    }
}

// The sum of the first `part` of every row's `length` values: one block per row.
__device__ inline void row_sum(const float* x, float* out, u32 length, u32 part) {
    float sum = 0.0f;
    ALONG(i, part) sum += x[(u64)blockIdx.x * length + i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

__device__ inline void row_sum_backward(const float* gradient, float* for_x, u32 length, u32 part) {
    ALONG(i, length) for_x[(u64)blockIdx.x * length + i] = i < part ? gradient[blockIdx.x] : 0.0f;
}

KERNEL(keep_f32, (const float* x, float* out, u32 count, u32 pixels, u32 width, u32 mask),
       keep(x, out, count, pixels, width, mask))
KERNEL(scale_shift_f32,
       (const float* head, const float* rescale, float* out, u32 channels, u32 pixels, u32 width, u32 mask),
       scale_shift(head, rescale, out, channels, pixels, width, mask))
KERNEL(scale_shift_backward_f32,
       (const float* head, const float* rescale, const float* gradient, float* for_head, u32 channels, u32 pixels,
        u32 width, u32 mask),
       scale_shift_backward(head, rescale, gradient, for_head, channels, pixels, width, mask))
KERNEL(rescale_gradient_f32,
       (const float* head, const float* gradient, float* out, u32 images, u32 channels, u32 pixels, u32 width,
        u32 mask),
       rescale_gradient(head, gradient, out, images, channels, pixels, width, mask))
KERNEL(affine_f32, (const float* z, const float* st, float* v, u32 count, u32 size), affine(z, st, v, count, size))
KERNEL(affine_backward_f32,
       (const float* v, const float* st, const float* gradient, float* for_z, float* for_st, u32 count, u32 size),
       affine_backward(v, st, gradient, for_z, for_st, count, size))
KERNEL(affine_inverse_f32, (const float* v, const float* st, float* z, u32 count, u32 size),
       affine_inverse(v, st, z, count, size))
KERNEL(affine_inverse_backward_f32,
       (const float* v, const float* st, const float* gradient, float* for_v, float* for_st, u32 count, u32 size),
       affine_inverse_backward(v, st, gradient, for_v, for_st, count, size))
KERNEL(row_sum_f32, (const float* x, float* out, u32 length, u32 part), row_sum(x, out, length, part))
KERNEL(row_sum_backward_f32, (const float* gradient, float* for_x, u32 length, u32 part),
       row_sum_backward(gradient, for_x, length, part))
