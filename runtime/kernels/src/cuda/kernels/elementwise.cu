// ELU alone, and ELU over a stack that grows: the concatenation of a dense layer costs no pass of its own.

__device__ inline float elu_of(float x) {
    return x > 0.0f ? x : expm1f(x);
}

// From the output: 1 above 0, else exp(x) = output + 1.
__device__ inline float elu_slope(float output) {
    return output > 0.0f ? 1.0f : output + 1.0f;
}

template <typename T>
__device__ void elu(const T* x, T* out, u32 count) {
    EACH(i, count) store(out, i, elu_of(load(x, i)));
}

template <typename T>
__device__ void elu_backward(const T* out, const T* gradient, T* for_x, u32 count) {
    EACH(i, count) store(for_x, i, load(gradient, i) * elu_slope(load(out, i)));
}

// out = elu(stack followed by grown + bias, along the channels). One block per plane: image, channel.
template <typename T>
__device__ void append(const T* stack, const T* grown, const float* bias, T* out, u32 below, u32 added, u32 pixels) {
    u32 channels = below + added, image = blockIdx.x / channels, channel = blockIdx.x % channels;
    bool old = channel < below;
    const T* from = old ? stack + (u64)(image * below + channel) * pixels
                        : grown + (u64)(image * added + channel - below) * pixels;
    float shift = old ? 0.0f : bias[channel - below];
    T* to = out + (u64)blockIdx.x * pixels;
    ALONG(i, pixels) store(to, i, elu_of(load(from, i) + shift));
}

template <typename T>
__device__ void append_backward(const T* out, const T* gradient, T* for_stack, T* for_grown, u32 below, u32 added,
                                u32 pixels) {
    u32 channels = below + added, image = blockIdx.x / channels, channel = blockIdx.x % channels;
    T* to = channel < below ? for_stack + (u64)(image * below + channel) * pixels
                            : for_grown + (u64)(image * added + channel - below) * pixels;
    out += (u64)blockIdx.x * pixels;
    gradient += (u64)blockIdx.x * pixels;
    ALONG(i, pixels) store(to, i, load(gradient, i) * elu_slope(load(out, i)));
}

KERNEL(elu_f32, (const float* x, float* out, u32 count), elu(x, out, count))
KERNEL(elu_bf16, (const bf16* x, bf16* out, u32 count), elu(x, out, count))
KERNEL(elu_backward_f32, (const float* out, const float* gradient, float* for_x, u32 count),
       elu_backward(out, gradient, for_x, count))
KERNEL(elu_backward_bf16, (const bf16* out, const bf16* gradient, bf16* for_x, u32 count),
       elu_backward(out, gradient, for_x, count))
KERNEL(append_f32,
       (const float* stack, const float* grown, const float* bias, float* out, u32 below, u32 added, u32 pixels),
       append(stack, grown, bias, out, below, added, pixels))
KERNEL(append_bf16,
       (const bf16* stack, const bf16* grown, const float* bias, bf16* out, u32 below, u32 added, u32 pixels),
       append(stack, grown, bias, out, below, added, pixels))
KERNEL(append_backward_f32,
       (const float* out, const float* gradient, float* for_stack, float* for_grown, u32 below, u32 added, u32 pixels),
       append_backward(out, gradient, for_stack, for_grown, below, added, pixels))
KERNEL(append_backward_bf16,
       (const bf16* out, const bf16* gradient, bf16* for_stack, bf16* for_grown, u32 below, u32 added, u32 pixels),
       append_backward(out, gradient, for_stack, for_grown, below, added, pixels))
