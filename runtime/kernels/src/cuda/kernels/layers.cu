// Weight normalisation and channel attention.

// A tensor [outer, size, inner], normalised over all but the middle: a block an index of the middle.
__device__ inline u64 place(u32 j, u32 size, u32 inner) {
    return (u64)(j / inner * size + blockIdx.x) * inner + j % inner;
}

// out = g · v / ‖v‖.
__device__ inline void weight_norm_of(const float* v, const float* g, float* out, u32 outer, u32 size, u32 inner) {
    float squares = 0.0f;
    ALONG(j, outer * inner) {
        float value = v[place(j, size, inner)];
        squares += value * value;
    }
    float factor = g[blockIdx.x] / sqrtf(block_sum(squares));
    ALONG(j, outer * inner) out[place(j, size, inner)] = v[place(j, size, inner)] * factor;
}

// for_g = ⟨gradient, v⟩ / ‖v‖; for_v = g / ‖v‖ · (gradient − v · ⟨gradient, v⟩ / ‖v‖²).
__device__ inline void weight_norm_gradient(const float* v, const float* g, const float* gradient, float* for_v,
                                            float* for_g, u32 outer, u32 size, u32 inner) {
    float squares = 0.0f, product = 0.0f;
    ALONG(j, outer * inner) {
        u64 at = place(j, size, inner);
        squares += v[at] * v[at];
        product += v[at] * gradient[at];
    }
    squares = block_sum(squares);
    product = block_sum(product);
    float norm = sqrtf(squares), factor = g[blockIdx.x] / norm, along = product / squares;
    ALONG(j, outer * inner) {
        u64 at = place(j, size, inner);
        for_v[at] = factor * (gradient[at] - v[at] * along);
    }
    if (threadIdx.x == 0) for_g[blockIdx.x] = product / norm;
}

// The mean of each plane, one block per plane.
template <typename T>
__device__ void plane_mean(const T* x, float* out, u32 pixels) {
    const T* plane = x + (u64)blockIdx.x * pixels;
    float sum = 0.0f;
    ALONG(i, pixels) sum += load(plane, i);
    sum = block_sum(sum);
    if (threadIdx.x == 0) out[blockIdx.x] = sum / pixels;
}

template <typename T>
__device__ void plane_mean_backward(const float* gradient, T* for_x, u32 pixels) {
    float share = gradient[blockIdx.x] / pixels;
    T* plane = for_x + (u64)blockIdx.x * pixels;
    ALONG(i, pixels) store(plane, i, share);
}

// The same, added to what is there.
template <typename T>
__device__ void plane_mean_add(const float* gradient, T* for_x, u32 pixels) {
    float share = gradient[blockIdx.x] / pixels;
    T* plane = for_x + (u64)blockIdx.x * pixels;
    ALONG(i, pixels) store(plane, i, load(plane, i) + share);
}

// out = x · sigmoid(logit of the plane).
template <typename T>
__device__ void gate(const T* x, const float* logits, T* out, u32 pixels) {
    float factor = sigmoid(logits[blockIdx.x]);
    u64 start = (u64)blockIdx.x * pixels;
    ALONG(i, pixels) store(out + start, i, load(x + start, i) * factor);
}

template <typename T>
__device__ void gate_backward(const T* x, const float* logits, const T* gradient, T* for_x, float* for_logits,
                              u32 pixels) {
    float factor = sigmoid(logits[blockIdx.x]), product = 0.0f;
    u64 start = (u64)blockIdx.x * pixels;
    ALONG(i, pixels) {
        float slope = load(gradient + start, i);
        product += slope * load(x + start, i);
        store(for_x + start, i, slope * factor);
    }
    product = block_sum(product);
    if (threadIdx.x == 0) for_logits[blockIdx.x] = product * factor * (1.0f - factor);
}

KERNEL(weight_norm, (const float* v, const float* g, float* out, u32 outer, u32 size, u32 inner),
       weight_norm_of(v, g, out, outer, size, inner))
KERNEL(weight_norm_backward,
       (const float* v, const float* g, const float* gradient, float* for_v, float* for_g, u32 outer, u32 size,
        u32 inner),
       weight_norm_gradient(v, g, gradient, for_v, for_g, outer, size, inner))
KERNEL(plane_mean_f32, (const float* x, float* out, u32 pixels), plane_mean(x, out, pixels))
KERNEL(plane_mean_bf16, (const bf16* x, float* out, u32 pixels), plane_mean(x, out, pixels))
KERNEL(plane_mean_backward_f32, (const float* gradient, float* for_x, u32 pixels),
       plane_mean_backward(gradient, for_x, pixels))
KERNEL(plane_mean_backward_bf16, (const float* gradient, bf16* for_x, u32 pixels),
       plane_mean_backward(gradient, for_x, pixels))
KERNEL(plane_mean_add_f32, (const float* gradient, float* for_x, u32 pixels), plane_mean_add(gradient, for_x, pixels))
KERNEL(plane_mean_add_bf16, (const float* gradient, bf16* for_x, u32 pixels), plane_mean_add(gradient, for_x, pixels))
KERNEL(gate_f32, (const float* x, const float* logits, float* out, u32 pixels), gate(x, logits, out, pixels))
KERNEL(gate_bf16, (const bf16* x, const float* logits, bf16* out, u32 pixels), gate(x, logits, out, pixels))
KERNEL(gate_backward_f32,
       (const float* x, const float* logits, const float* gradient, float* for_x, float* for_logits, u32 pixels),
       gate_backward(x, logits, gradient, for_x, for_logits, pixels))
KERNEL(gate_backward_bf16,
       (const bf16* x, const float* logits, const bf16* gradient, bf16* for_x, float* for_logits, u32 pixels),
       gate_backward(x, logits, gradient, for_x, for_logits, pixels))
