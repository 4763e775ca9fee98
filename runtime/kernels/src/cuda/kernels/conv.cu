// What a convolution needs around the GEMMs: biases, patches, sums over images, another element type.

__device__ inline void narrow_to_bf16(const float* x, bf16* out, u32 count) {
    EACH(i, count) store(out, i, x[i]);
}

__device__ inline void widen_from_bf16(const bf16* x, float* out, u32 count) {
    EACH(i, count) out[i] = load(x, i);
}

// out += bias, one block per plane.
template <typename T>
__device__ void add_bias(T* out, const float* bias, u32 channels, u32 pixels) {
    float shift = bias[blockIdx.x % channels];
    T* plane = out + (u64)blockIdx.x * pixels;
    ALONG(i, pixels) store(plane, i, load(plane, i) + shift);
}

// The sum over pixels and `part` images, one block per channel and part: out [parts, channels].
template <typename T>
__device__ void bias_gradient(const T* gradient, float* out, u32 images, u32 channels, u32 pixels, u32 part) {
    // Small planes are shared out among the threads, several images at a time.
    u32 across = pixels < blockDim.x ? pixels : blockDim.x, together = blockDim.x / across;
    u32 first = threadIdx.x / across, begin = blockIdx.y * part, end = begin + part < images ? begin + part : images;
    float sum = 0.0f;
    for (u32 i = threadIdx.x % across; first < together && i < pixels; i += across) {
        for (u32 image = begin + first; image < end; image += together)
            sum += load(gradient + (u64)(image * channels + blockIdx.x) * pixels, i);
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) out[blockIdx.y * channels + blockIdx.x] = sum;
}

// out[i] = the sum of parts[part * count + i] over the parts.
__device__ inline void sum_parts(const float* parts, float* out, u32 part_count, u32 count) {
    EACH(i, count) {
        float sum = 0.0f;
        for (u32 part = 0; part < part_count; ++part) sum += parts[(u64)part * count + i];
        out[i] = sum;
    }
}

// Patches [image, channel * k * k, out pixels]: one block per row of them.
template <typename T>
__device__ void patches(const T* x, T* out, u32 height, u32 width, u32 kernel, u32 stride, u32 padding, u32 out_height,
                        u32 out_width, u32 channels) {
    u32 taps = kernel * kernel, row = blockIdx.x % (channels * taps), image = blockIdx.x / (channels * taps);
    u32 channel = row / taps, down = row / kernel % kernel, right = row % kernel;
    const T* plane = x + (u64)(image * channels + channel) * height * width;
    T* to = out + (u64)blockIdx.x * out_height * out_width;
    ALONG(i, out_height * out_width) {
        // Below the border the unsigned numbers wrap around, and are no less than the size.
        u32 y = i / out_width * stride + down - padding, at = i % out_width * stride + right - padding;
        store(to, i, y < height && at < width ? load(plane, y * width + at) : 0.0f);
    }
}

// The transpose of `patches`: each pixel of the image gathers what was made of it. One block per plane.
template <typename T>
__device__ void unpatch(const T* from, T* x, u32 height, u32 width, u32 kernel, u32 stride, u32 padding, u32 out_height,
                        u32 out_width) {
    u32 taps = kernel * kernel, area = out_height * out_width;
    from += (u64)blockIdx.x * taps * area;
    T* plane = x + (u64)blockIdx.x * height * width;
    ALONG(i, height * width) {
        float sum = 0.0f;
        for (u32 tap = 0; tap < taps; ++tap) {
            u32 y = i / width + padding - tap / kernel, at = i % width + padding - tap % kernel;
            if (y % stride == 0 && at % stride == 0 && y / stride < out_height && at / stride < out_width)
                sum += load(from, tap * area + y / stride * out_width + at / stride);
        }
        store(plane, i, sum);
    }
}

KERNEL(narrow_bf16, (const float* x, bf16* out, u32 count), narrow_to_bf16(x, out, count))
KERNEL(widen_bf16, (const bf16* x, float* out, u32 count), widen_from_bf16(x, out, count))
KERNEL(add_bias_f32, (float* out, const float* bias, u32 channels, u32 pixels), add_bias(out, bias, channels, pixels))
KERNEL(add_bias_bf16, (bf16* out, const float* bias, u32 channels, u32 pixels), add_bias(out, bias, channels, pixels))
KERNEL(bias_gradient_f32, (const float* gradient, float* out, u32 images, u32 channels, u32 pixels, u32 part),
       bias_gradient(gradient, out, images, channels, pixels, part))
KERNEL(bias_gradient_bf16, (const bf16* gradient, float* out, u32 images, u32 channels, u32 pixels, u32 part),
       bias_gradient(gradient, out, images, channels, pixels, part))
KERNEL(sum_parts_f32, (const float* parts, float* out, u32 part_count, u32 count),
       sum_parts(parts, out, part_count, count))
KERNEL(patches_f32,
       (const float* x, float* out, u32 height, u32 width, u32 kernel, u32 stride, u32 padding, u32 out_height,
        u32 out_width, u32 channels),
       patches(x, out, height, width, kernel, stride, padding, out_height, out_width, channels))
KERNEL(patches_bf16,
       (const bf16* x, bf16* out, u32 height, u32 width, u32 kernel, u32 stride, u32 padding, u32 out_height,
        u32 out_width, u32 channels),
       patches(x, out, height, width, kernel, stride, padding, out_height, out_width, channels))
KERNEL(unpatch_f32,
       (const float* from, float* x, u32 height, u32 width, u32 kernel, u32 stride, u32 padding, u32 out_height,
        u32 out_width),
       unpatch(from, x, height, width, kernel, stride, padding, out_height, out_width))
KERNEL(unpatch_bf16,
       (const bf16* from, bf16* x, u32 height, u32 width, u32 kernel, u32 stride, u32 padding, u32 out_height,
        u32 out_width),
       unpatch(from, x, height, width, kernel, stride, padding, out_height, out_width))
