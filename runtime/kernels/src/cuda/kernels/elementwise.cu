// ELU over a stack that grows (elu_of and elu_slope are made from its definition): the concatenation of a dense layer costs no pass of its own.

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
    ALONG(i, pixels) store(to, i, load(gradient, i) * elu_slope(0.0f, load(out, i)));
}

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
