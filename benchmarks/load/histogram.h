// Latencies in fixed memory: every value is counted, a quantile is off by at most 1.6 %.
#pragma once
#include <stdint.h>

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_BUCKETS = 59 * HISTOGRAM_STEPS };

typedef struct {
    uint64_t count, max, buckets[HISTOGRAM_BUCKETS];
} histogram;

void histogram_add(histogram *h, uint64_t value);

// The value below which the fraction `q` of all values lies; 0 where there are none.
uint64_t histogram_quantile(const histogram *h, double q);
