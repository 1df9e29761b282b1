/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/histogram.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/base/memory.h"

#define OCTAVE_BITS 5
#define OCTAVE	    (1u << OCTAVE_BITS)

/* Below 2 * OCTAVE each value has a bucket of its own; above, each octave has OCTAVE of them. */
static uint32_t bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < OCTAVE)
		return (uint32_t)value;
	shift = 63 - (unsigned)__builtin_clzll(value) - OCTAVE_BITS;
	return (shift << OCTAVE_BITS) + (uint32_t)(value >> shift);
}

/* The middle of a bucket. */
static uint64_t value_of(uint32_t bucket)
{
	unsigned shift;

	if (bucket < 2 * OCTAVE)
		return bucket;
	shift = (bucket >> OCTAVE_BITS) - 1;
	return ((uint64_t)(OCTAVE + bucket % OCTAVE) << shift) + ((UINT64_C(1) << shift) >> 1);
}

static void cover(struct histogram *histogram, uint32_t first, uint32_t end)
{
	uint32_t old_end = histogram->first + histogram->span;
	uint64_t *buckets;

	if (histogram->span && first >= histogram->first && end <= old_end)
		return;
	if (histogram->span) {
		if (first > histogram->first)
			first = histogram->first;
		if (end < old_end)
			end = old_end;
	}
	buckets = xcalloc(end - first, sizeof(*buckets));
	if (histogram->span)
		memcpy(buckets + (histogram->first - first), histogram->buckets,
		       histogram->span * sizeof(*buckets));
	free(histogram->buckets);
	histogram->buckets = buckets;
	histogram->first = first;
	histogram->span = end - first;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
	uint32_t bucket = bucket_of(value);

	cover(histogram, bucket, bucket + 1);
	histogram->buckets[bucket - histogram->first]++;
	if (!histogram->count || value < histogram->min)
		histogram->min = value;
	if (value > histogram->max)
		histogram->max = value;
	histogram->count++;
	histogram->total += value;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	if (!from->count)
		return;
	cover(into, from->first, from->first + from->span);
	for (uint32_t i = 0; i < from->span; i++)
		into->buckets[from->first - into->first + i] += from->buckets[i];
	if (!into->count || from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	into->count += from->count;
	into->total += from->total;
}

uint64_t histogram_quantile(const struct histogram *histogram, unsigned per_mille)
{
	/* The rank rounded up, without overflow of count * per_mille. */
	uint64_t whole = histogram->count / 1000, rest = histogram->count % 1000;
	uint64_t rank = whole * per_mille + (rest * per_mille + 999) / 1000;
	uint64_t below = 0, value;

	if (!histogram->count)
		return 0;
	if (rank <= 1)
		return histogram->min;
	if (rank >= histogram->count)
		return histogram->max;
	for (uint32_t i = 0; i < histogram->span; i++) {
		below += histogram->buckets[i];
		if (below < rank)
			continue;
		value = value_of(histogram->first + i);
		if (value < histogram->min)
			return histogram->min;
		return value > histogram->max ? histogram->max : value;
	}
	return histogram->max;
}

struct distribution histogram_distribution(const struct histogram *histogram)
{
	return (struct distribution){
		.count = histogram->count,
		.total = histogram->total,
		.max = histogram->max,
		.p50 = histogram_quantile(histogram, 500),
		.p90 = histogram_quantile(histogram, 900),
		.p99 = histogram_quantile(histogram, 990),
	};
}

void histogram_free(struct histogram *histogram)
{
	free(histogram->buckets);
	memset(histogram, 0, sizeof(*histogram));
}
