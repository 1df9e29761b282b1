/* SPDX-License-Identifier: MIT */
/* What holders were seen doing, in words. */
#include "analyzer/base/system_calls.h"
#include "analyzer/base/units.h"
#include "analyzer/render/phrases.h"

#define SHOWN 3

static const char *in_words(struct scratch *scratch, enum doing doing, int32_t call)
{
	const char *name = system_call_name(call);

	switch (doing) {
	case DOING_RUNS:
		return "running";
	case DOING_SLEEPS:
		return name ? scratch_format(scratch, "in %s", name) : "asleep";
	case DOING_IO:
		return name ? scratch_format(scratch, "in %s", name) : "in uninterruptible I/O";
	case DOING_STOPPED:
		return "stopped";
	case DOING_ZOMBIE:
		return "ended";
	case DOING_WAITS:
		break;
	}
	return "waiting for a lock";
}

/* A call that sleeps in one way and in the other is one call. */
static bool is_same_call(const struct doing_count *a, const struct doing_count *b)
{
	return a->call != CALL_UNKNOWN && a->call == b->call;
}

static uint64_t looks_of(const struct doing_looks *looks, uint32_t at)
{
	uint64_t sum = looks->of[at].looks;

	for (uint32_t i = 0; i < at; i++)
		if (is_same_call(&looks->of[i], &looks->of[at]))
			return 0;
	for (uint32_t i = at + 1; i < looks->count; i++)
		if (is_same_call(&looks->of[i], &looks->of[at]))
			sum += looks->of[i].looks;
	return sum;
}

static uint32_t next_most(const struct doing_looks *looks, const bool *told)
{
	uint32_t most = NONE;

	for (uint32_t i = 0; i < looks->count; i++)
		if (!told[i] && looks_of(looks, i) &&
		    (most == NONE || looks_of(looks, i) > looks_of(looks, most)))
			most = i;
	return most;
}

const char *phrase_doing(struct scratch *scratch, const struct doing_looks *looks)
{
	uint64_t rest = looks->looks;
	const char *text = "";
	bool told[DOINGS] = { false };
	char share[UNITS_ROOM];
	uint32_t at;

	for (unsigned i = 0; i < SHOWN && (at = next_most(looks, told)) != NONE; i++) {
		uint64_t part = looks_of(looks, at);

		told[at] = true;
		rest -= part;
		text = scratch_format(scratch, "%s%s%s %s", text, *text ? ", " : "",
				      units_share(share, part, looks->looks),
				      in_words(scratch, looks->of[at].doing, looks->of[at].call));
	}
	return rest ? scratch_format(scratch, "%s, %s otherwise", text,
				     units_share(share, rest, looks->looks))
		    : text;
}

const char *doing_name(enum doing doing)
{
	switch (doing) {
	case DOING_RUNS:
		return "running";
	case DOING_SLEEPS:
		return "asleep";
	case DOING_IO:
		return "io";
	case DOING_STOPPED:
		return "stopped";
	case DOING_ZOMBIE:
		return "zombie";
	case DOING_WAITS:
		break;
	}
	return "waiting";
}
