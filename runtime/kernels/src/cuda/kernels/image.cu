// Pictures: batches out of a data set of bytes, and changes of resolution.

// out[b] = picture plan[4b], mirrored if plan[4b + 1], moved by plan[4b + 2] down and plan[4b + 3] right (the edge is
// repeated), as numbers k/255, or as 0 and 1 if `binary`.
__device__ inline void batch(const u8* data, const int* plan, float* out, u32 images, u32 channels, u32 height,
                             u32 width, u32 binary) {
    u32 size = channels * height * width;
    EACH(i, images * size) {
        const int* how = plan + i / size * 4;
        int x = i % width, y = i / width % height, plane = i / (width * height) % channels;
        int row = y - how[2], column = x - how[3];
        row = row < 0 ? 0 : row >= (int)height ? (int)height - 1 : row;
        column = column < 0 ? 0 : column >= (int)width ? (int)width - 1 : column;
        if (how[1]) column = (int)width - 1 - column;
        u8 byte = data[(u64)how[0] * size + (plane * height + row) * width + column];
        out[i] = binary ? (byte >= 128 ? 1.0f : 0.0f) : byte / 255.0f;
    }
}

// The pixels behind one of a smaller picture: a triangle of support two output pixels, in fixed point. The weights of
// the longest filter, of 8 times, fit.
struct Filter {
    int first, count;
    long long weight[16];
};

__device__ inline Filter filter_of(int at, int width, int factor) {
    double centre = (at + 0.5) * factor, total = 0.0, raw[16];
    double start = centre - factor + 0.5;
    Filter filter;
    filter.first = start > 0.0 ? (int)start : 0;
    int end = (int)(centre + factor + 0.5);
    filter.count = (end < width ? end : width) - filter.first;
    for (int i = 0; i < filter.count; ++i) {
        double distance = (filter.first + i + 0.5 - centre) / factor;
        raw[i] = 1.0 - (distance < 0.0 ? -distance : distance);
        if (raw[i] < 0.0) raw[i] = 0.0;
        total += raw[i];
    }
    for (int i = 0; i < filter.count; ++i) filter.weight[i] = (long long)(raw[i] / total * 4194304.0 + 0.5);
    return filter;
}

__device__ inline long long rounded(long long sum) {
    sum = (sum + (1 << 21)) >> 22;
    return sum < 0 ? 0 : sum > 255 ? 255 : sum;
}

// Each plane `factor` times smaller: horizontal, then vertical, rounded to 8 bits after each. Exact.
__device__ inline void downscale(const float* x, float* out, u32 planes, u32 height, u32 width, u32 factor) {
    u32 low_height = height / factor, low_width = width / factor;
    EACH(i, planes * low_height * low_width) {
        Filter across = filter_of(i % low_width, width, factor);
        Filter along = filter_of(i / low_width % low_height, height, factor);
        const float* plane = x + (u64)(i / (low_width * low_height)) * height * width;
        long long sum = 0;
        for (int y = 0; y < along.count; ++y) {
            long long row = 0;
            for (int j = 0; j < across.count; ++j) {
                float value = plane[(along.first + y) * width + across.first + j];
                row += (long long)rintf(value * 255.0f) * across.weight[j];
            }
            sum += rounded(row) * along.weight[y];
        }
        out[i] = rounded(sum) / 255.0f;
    }
}

// The nearest of the numbers k/255.
__device__ inline void quantise(const float* x, float* out, u32 count) {
    EACH(i, count) out[i] = roundf((x[i] < 0.0f ? 0.0f : x[i] > 1.0f ? 1.0f : x[i]) * 255.0f) / 255.0f;
}

// Bilinear, pixel centres aligned, corners not.
__device__ inline void upsample(const float* x, float* out, u32 planes, u32 height, u32 width, u32 factor) {
    u32 high = height * factor, wide = width * factor;
    EACH(i, planes * high * wide) {
        float y = (i / wide % high + 0.5f) / factor - 0.5f, at = (i % wide + 0.5f) / factor - 0.5f;
        y = fmaxf(y, 0.0f);
        at = fmaxf(at, 0.0f);
        u32 top = (u32)y, left = (u32)at;
        u32 bottom = top + 1 < height ? top + 1 : height - 1, right = left + 1 < width ? left + 1 : width - 1;
        const float* plane = x + (u64)(i / (wide * high)) * height * width;
        float down = y - top, across = at - left;
        float low = plane[top * width + left] + (plane[bottom * width + left] - plane[top * width + left]) * down;
        float far = plane[top * width + right] + (plane[bottom * width + right] - plane[top * width + right]) * down;
        out[i] = low + (far - low) * across;
    }
}

// Where pixel (i, j) of a square goes among the four, 2i + j first: as it stands, or the diagonal first.
__device__ inline u32 square_place(u32 square, u32 diagonal) {
    return diagonal ? (square == 0 ? 0 : square == 3 ? 1 : square + 1) : square;
}

// [N, C, H, W] to [N, 4C, H/2, W/2], or back. In the plain order channel 4c + place holds a pixel of channel c, in the
// other channel C · place + c.
__device__ inline void squeeze(const float* x, float* out, u32 count, u32 channels, u32 height, u32 width, u32 diagonal,
                               u32 back) {
    EACH(i, count) {
        u32 column = i % width, row = i / width % height, channel = i / (width * height) % channels;
        u32 image = i / (width * height * channels), place = square_place(row % 2 * 2 + column % 2, diagonal);
        u32 packed = diagonal ? channels * place + channel : 4 * channel + place;
        u32 at = ((image * 4 * channels + packed) * (height / 2) + row / 2) * (width / 2) + column / 2;
        if (back) {
            out[i] = x[at];
        } else {
            out[at] = x[i];
        }
    }
}

KERNEL(batch_f32,
       (const u8* data, const int* plan, float* out, u32 images, u32 channels, u32 height, u32 width, u32 binary),
       batch(data, plan, out, images, channels, height, width, binary))
KERNEL(downscale_f32, (const float* x, float* out, u32 planes, u32 height, u32 width, u32 factor),
       downscale(x, out, planes, height, width, factor))
KERNEL(quantise_f32, (const float* x, float* out, u32 count), quantise(x, out, count))
KERNEL(upsample_f32, (const float* x, float* out, u32 planes, u32 height, u32 width, u32 factor),
       upsample(x, out, planes, height, width, factor))
KERNEL(squeeze_f32,
       (const float* x, float* out, u32 count, u32 channels, u32 height, u32 width, u32 diagonal, u32 back),
       squeeze(x, out, count, channels, height, width, diagonal, back))
