// Philox 4x32-10 (Salmon et al. 2011): four numbers from a key and a counter, so a draw is a function of the seed, the
// number of the draw and the place in it, whatever the grid.

struct Four {
    u32 word[4];
};

__device__ inline u32 upper(u32 a, u32 b) {
    return (u32)(((u64)a * b) >> 32);
}

__device__ inline Four philox(u64 seed, u64 draw, u64 place) {
    u32 key[2] = {(u32)seed, (u32)(seed >> 32)};
    Four c = {{(u32)place, (u32)(place >> 32), (u32)draw, (u32)(draw >> 32)}};
    for (int round = 0; round < 10; ++round) {
        Four next = {{upper(0xCD9E8D57u, c.word[2]) ^ c.word[1] ^ key[0], 0xCD9E8D57u * c.word[2],
                      upper(0xD2511F53u, c.word[0]) ^ c.word[3] ^ key[1], 0xD2511F53u * c.word[0]}};
        c = next;
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    return c;
}

// The number of a row's draw: rows are samples of `images` images, the sample being the slow index; counted from `first`,
// with the image in the upper half. A single row's is `first`. What `base` points at is added, where it is not null.
__device__ inline u64 draw_of(u32 row, u64 first, const u64* base, u32 images) {
    return first + (base ? *base : 0) + ((u64)(row % images) << 32) + row / images;
}

// On [0, 1).
__device__ inline void uniform(float* out, u32 rows, u32 size, u32 images, u64 seed, u64 first,
                               const u64* base) {
    u32 groups = (size + 3) / 4;
    EACH(i, rows * groups) {
        u32 row = i / groups, at = 4 * (i % groups);
        Four four = philox(seed, draw_of(row, first, base, images), i % groups);
        float* to = out + (u64)row * size + at;
        for (u32 j = 0; j < 4 && at + j < size; ++j) to[j] = (four.word[j] >> 8) * 5.9604644775390625e-8f;
    }
}

// Box and Muller: two numbers from two.
__device__ inline void gaussian(float* out, u32 rows, u32 size, u32 images, u64 seed, u64 first,
                               const u64* base) {
    u32 groups = (size + 3) / 4;
    EACH(i, rows * groups) {
        u32 row = i / groups, at = 4 * (i % groups);
        Four four = philox(seed, draw_of(row, first, base, images), i % groups);
        float value[4];
        for (u32 j = 0; j < 4; j += 2) {
            float radius = sqrtf(-2.0f * logf((four.word[j] + 0.5f) * 2.3283064365386963e-10f));
            float angle = four.word[j + 1] * 1.4629180792671596e-9f;
            value[j] = radius * cosf(angle);
            value[j + 1] = radius * sinf(angle);
        }
        float* to = out + (u64)row * size + at;
        for (u32 j = 0; j < 4 && at + j < size; ++j) to[j] = value[j];
    }
}

KERNEL(uniform_f32, (float* out, u32 rows, u32 size, u32 images, u64 seed, u64 first, const u64* base),
       uniform(out, rows, size, images, seed, first, base))
KERNEL(gaussian_f32, (float* out, u32 rows, u32 size, u32 images, u64 seed, u64 first, const u64* base),
       gaussian(out, rows, size, images, seed, first, base))
