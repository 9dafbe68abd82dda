#include "histogram.h"

// Below 64 a bucket holds one value; above, each power of two is cut into 64 buckets.
static unsigned bucket_of(uint64_t value) {
    if (value < HISTOGRAM_STEPS) return (unsigned)value;
    unsigned power = 63u - (unsigned)__builtin_clzll(value);
    return (power - 5) * HISTOGRAM_STEPS + (unsigned)((value >> (power - 6)) - HISTOGRAM_STEPS);
}

static uint64_t middle_of(unsigned bucket) {
    if (bucket < HISTOGRAM_STEPS) return bucket;
    unsigned shift = bucket / HISTOGRAM_STEPS - 1;
    uint64_t low = (uint64_t)(HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS) << shift;
    return low + ((1ull << shift) >> 1);
}

void histogram_add(histogram *h, uint64_t value) {
    h->buckets[bucket_of(value)]++;
    h->count++;
    if (value > h->max) h->max = value;
}

uint64_t histogram_quantile(const histogram *h, double q) {
    uint64_t wanted = (uint64_t)(q * (double)h->count), seen = 0;
    if (!h->count) return 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        if ((seen += h->buckets[i]) > wanted) return middle_of(i) < h->max ? middle_of(i) : h->max;
    return h->max;
}
