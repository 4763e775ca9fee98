// The discretised logistic mixture: the log-probability of every pixel, and in the same launch its gradient.

#define HALF (0.5f / 255.0f)
#define TINY_MASS 1e-5f
#define MIN_LOG_SCALE -7.0f
#define LOG_255 5.541263545158426f

struct Bin {
    float log_mass, for_mean, for_log_scale;
};

// Log-mass of the bin around `x` under a logistic. With h and l the bin's ends in units of the scale,
// σ(h) − σ(l) = σ(h) · σ(−l) · (1 − exp(l − h)): nothing cancels, so float is enough.
__device__ inline Bin bin_of(float x, float mean, float raw_log_scale) {
    float log_scale = fmaxf(raw_log_scale, MIN_LOG_SCALE), inverse = expf(-log_scale), centred = x - mean;
    float high = inverse * (centred + HALF), low = inverse * (centred - HALF), width = 2.0f * HALF * inverse;
    // Derivatives for a shift to the right, and for the log-scale.
    float log_mass, shift, scale;
    if (x < HALF) {
        log_mass = high - softplus_of(high);
        shift = sigmoid(-high);
        scale = -shift * high;
    } else if (x > 1.0f - HALF) {
        log_mass = -softplus_of(low);
        shift = -sigmoid(low);
        scale = -shift * low;
    } else {
        float above = sigmoid(-high), below = sigmoid(low), part = -expm1f(-width);
        if (sigmoid(high) * sigmoid(-low) * part > TINY_MASS) {
            log_mass = logf(part) - softplus_of(-high) - softplus_of(low);
            shift = above - below;
            scale = below * low - above * high - width * (1.0f - part) / part;
        } else {
            float middle = inverse * centred;
            log_mass = middle - log_scale - 2.0f * softplus_of(middle) - LOG_255;
            shift = 1.0f - 2.0f * sigmoid(middle);
            scale = -1.0f - shift * middle;
        }
    }
    Bin bin;
    bin.log_mass = log_mass;
    bin.for_mean = -inverse * shift;
    bin.for_log_scale = raw_log_scale < MIN_LOG_SCALE ? 0.0f : scale;
    return bin;
}

// One pixel of one image; `logits` and `x` point at it, values of another channel lie `pixels` further.
struct Pixel {
    const float* logits;
    float x[3];
    u32 pixels, channels, components;
};

__device__ inline float logit(const Pixel& pixel, u32 group) {
    return pixel.logits[(u64)group * pixel.pixels];
}

// tanh of the coefficients of a component: green on red, blue on red, blue on green.
__device__ inline void coefficients(const Pixel& pixel, u32 component, float* k) {
    u32 first = pixel.components * (1 + 2 * pixel.channels) + component * 3;
    for (u32 i = 0; i < 3; ++i) k[i] = pixel.channels == 3 ? tanhf(logit(pixel, first + i)) : 0.0f;
}

__device__ inline Bin component_bin(const Pixel& pixel, u32 component, u32 channel, const float* k) {
    u32 at = pixel.components + component * pixel.channels + channel;
    float mean = logit(pixel, at);
    if (channel == 1) mean += k[0] * pixel.x[0];
    if (channel == 2) mean += k[1] * pixel.x[0] + k[2] * pixel.x[1];
    return bin_of(pixel.x[channel], mean, logit(pixel, at + pixel.components * pixel.channels));
}

__device__ inline float component_log_mass(const Pixel& pixel, u32 component) {
    float k[3], sum = 0.0f;
    coefficients(pixel, component, k);
    for (u32 channel = 0; channel < pixel.channels; ++channel)
        sum += component_bin(pixel, component, channel, k).log_mass;
    return sum;
}

// log Σ exp, number by number.
struct LogSum {
    float top, sum;
};

__device__ inline void add(LogSum& total, float value) {
    if (value > total.top) {
        total.sum = total.sum * expf(total.top - value) + 1.0f;
        total.top = value;
    } else {
        total.sum += expf(value - total.top);
    }
}

__device__ inline float result(const LogSum& total) {
    return total.top + logf(total.sum);
}

__device__ inline void slopes(const Pixel& pixel, float evidence, float weights, float* out) {
    u32 all = pixel.components * pixel.channels;
    for (u32 component = 0; component < pixel.components; ++component) {
        float k[3], for_mean[3] = {0.0f, 0.0f, 0.0f}, weight = logit(pixel, component);
        float share = expf(component_log_mass(pixel, component) + weight - evidence);
        out[(u64)component * pixel.pixels] = share - expf(weight - weights);
        coefficients(pixel, component, k);
        for (u32 channel = 0; channel < pixel.channels; ++channel) {
            Bin bin = component_bin(pixel, component, channel, k);
            u32 at = pixel.components + component * pixel.channels + channel;
            for_mean[channel] = share * bin.for_mean;
            out[(u64)at * pixel.pixels] = for_mean[channel];
            out[(u64)(at + all) * pixel.pixels] = share * bin.for_log_scale;
        }
        if (pixel.channels == 3) {
            float* to = out + (u64)(pixel.components + 2 * all + component * 3) * pixel.pixels;
            to[0] = for_mean[1] * pixel.x[0] * (1.0f - k[0] * k[0]);
            to[pixel.pixels] = for_mean[2] * pixel.x[0] * (1.0f - k[1] * k[1]);
            to[2 * (u64)pixel.pixels] = for_mean[2] * pixel.x[1] * (1.0f - k[2] * k[2]);
        }
    }
}

// x [N, C, pixels], logits [N, G, pixels] to log_prob [N, pixels] and, where `gradient` is not null, the gradient of
// log_prob for the logits.
__device__ inline void mixture(const float* x, const float* logits, float* log_prob, float* gradient, u32 images,
                               u32 channels, u32 pixels, u32 components) {
    u32 groups = components * (1 + 2 * channels + channels * (channels - 1) / 2);
    EACH(i, images * pixels) {
        u32 image = i / pixels, at = i % pixels;
        u64 start = (u64)image * groups * pixels + at;
        Pixel pixel;
        pixel.logits = logits + start;
        pixel.pixels = pixels;
        pixel.channels = channels;
        pixel.components = components;
        for (u32 channel = 0; channel < channels; ++channel)
            pixel.x[channel] = x[(u64)(image * channels + channel) * pixels + at];
        LogSum joint = {-__uint_as_float(0x7f800000u), 0.0f}, weights = {-__uint_as_float(0x7f800000u), 0.0f};
        for (u32 component = 0; component < components; ++component) {
            float weight = logit(pixel, component);
            add(weights, weight);
            add(joint, component_log_mass(pixel, component) + weight);
        }
        float evidence = result(joint), normaliser = result(weights);
        log_prob[i] = evidence - normaliser;
        if (gradient) slopes(pixel, evidence, normaliser, gradient + start);
    }
}

__device__ inline float between(float x, float least, float most) {
    return x < least ? least : x > most ? most : x;
}

// A value of every pixel, [N, C, pixels]: `pick`, uniform numbers [N, K, pixels], chooses the component, the likeliest where
// it is null; `spread`, uniform numbers [N, C, pixels], the place around its mean, the mean itself where it is null.
__device__ inline void mixture_value(const float* logits, const float* pick, const float* spread, float* out, u32 images,
                                     u32 channels, u32 pixels, u32 components) {
    u32 groups = components * (1 + 2 * channels + channels * (channels - 1) / 2), all = components * channels;
    EACH(i, images * pixels) {
        u32 image = i / pixels, at = i % pixels, chosen = 0;
        Pixel pixel;
        pixel.logits = logits + (u64)image * groups * pixels + at;
        pixel.pixels = pixels;
        pixel.channels = channels;
        pixel.components = components;
        float best = 0.0f, k[3];
        for (u32 component = 0; component < components; ++component) {
            float score = logit(pixel, component);
            if (pick) {
                float u = pick[(u64)(image * components + component) * pixels + at];
                score -= logf(-logf(between(u, 1e-7f, 1.0f - 1e-7f)));
            }
            if (component == 0 || score > best) {
                best = score;
                chosen = component;
            }
        }
        coefficients(pixel, chosen, k);
        for (u32 channel = 0; channel < channels; ++channel) {
            u32 group = components + chosen * channels + channel;
            u64 place = (u64)(image * channels + channel) * pixels + at;
            float value = logit(pixel, group);
            if (spread) {
                float u = between(spread[place], 1e-5f, 1.0f - 1e-5f);
                value += expf(fmaxf(logit(pixel, group + all), MIN_LOG_SCALE)) * (logf(u) - log1pf(-u));
            }
            if (channel == 1) value += k[0] * pixel.x[0];
            if (channel == 2) value += k[1] * pixel.x[0] + k[2] * pixel.x[1];
            pixel.x[channel] = between(value, 0.0f, 1.0f);
            out[place] = pixel.x[channel];
        }
    }
}

// x, times one number per row of `size`.
__device__ inline void scale_rows(const float* x, const float* factors, float* out, u32 count, u32 size) {
    EACH(i, count) out[i] = x[i] * factors[i / size];
}

KERNEL(mixture_f32,
       (const float* x, const float* logits, float* log_prob, float* gradient, u32 images, u32 channels, u32 pixels,
        u32 components),
       mixture(x, logits, log_prob, gradient, images, channels, pixels, components))
KERNEL(scale_rows_f32, (const float* x, const float* factors, float* out, u32 count, u32 size),
       scale_rows(x, factors, out, count, size))
KERNEL(mixture_value_f32,
       (const float* logits, const float* pick, const float* spread, float* out, u32 images, u32 channels, u32 pixels,
        u32 components),
       mixture_value(logits, pick, spread, out, images, channels, pixels, components))
