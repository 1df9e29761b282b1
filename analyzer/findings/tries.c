/* SPDX-License-Identifier: MIT */
/* Calls that don't wait: whether they come again and again, come in vain, or take long. */
#include <stdlib.h>

#include "analyzer/findings/watch.h"

#define POLLS_MIN  20
#define POLL_NS	   UINT64_C(10000000) /* on average from one try to the next */
#define SLOW_NS	   UINT64_C(10000000)
#define SLOW_CALLS 3  /* so many on a local file system, */
#define SLOW_SHARE 20 /* and one in so many: else others had the processor */

/* ---- polling */

static void conclude(struct findings_builder *builder, struct series *series)
{
	uint64_t duration = series->last - series->first.by.time;
	struct finding *finding;

	if (series->tries >= POLLS_MIN && duration / (series->tries - 1) < POLL_NS) {
		finding = found(builder, FINDING_POLLING, series->first.file, series->first.world,
				series->first.by, series->holder, nobody);
		found_range(finding, series->first.start, series->first.end);
		if (series->tries > finding->number) {
			finding->number = series->tries;
			finding->duration = duration;
		}
	}
	series->tries = 0;
}

static struct series *find_series(struct seen_process *process, const struct asked *asked)
{
	for (unsigned i = 0; process->series && i < SERIES_KEPT; i++)
		if (process->series[i].tries && same_lock(&process->series[i].first, asked))
			return &process->series[i];
	return NULL;
}

/* A free one, else the one that has been quiet for longest. */
static struct series *new_series(struct findings_builder *builder, struct seen_process *process)
{
	struct series *oldest;

	if (!process->series)
		process->series = xcalloc(SERIES_KEPT, sizeof(*process->series));
	oldest = process->series;
	for (unsigned i = 1; oldest->tries && i < SERIES_KEPT; i++)
		if (!process->series[i].tries || process->series[i].last < oldest->last)
			oldest = &process->series[i];
	conclude(builder, oldest);
	return oldest;
}

static void refused(struct findings_builder *builder, const struct asked *asked)
{
	struct seen_process *process = watch_process(builder, asked->by.process);
	struct series *series = find_series(process, asked);
	struct hold hold;

	watch_file(builder, asked->file)->refused = asked->by;
	if (!series) {
		series = new_series(builder, process);
		*series = (struct series){ .first = *asked, .holder = nobody };
	}
	series->last = asked->by.time;
	if (++series->tries == POLLS_MIN && watch_in_the_way(builder, asked, &hold))
		series->holder = side_of_hold(&hold);
}

static void other_end(struct findings_builder *builder, const struct asked *asked)
{
	struct series *series = find_series(watch_process(builder, asked->by.process), asked);

	if (series)
		conclude(builder, series);
}

void tries_gone(struct findings_builder *builder, uint32_t process)
{
	struct series *series = watch_process(builder, process)->series;

	for (unsigned i = 0; series && i < SERIES_KEPT; i++)
		conclude(builder, &series[i]);
	free(series);
	watch_process(builder, process)->series = NULL;
}

/* ---- test-then-lock */

/* Counted from the outermost. */
static bool same_frame(const struct stack_info *a, const struct stack_info *b, uint32_t at)
{
	const struct frame *left = &a->frames[a->count - 1 - at];
	const struct frame *right = &b->frames[b->count - 1 - at];

	return left->module == right->module && left->address == right->address;
}

static bool same_function(const struct script_frame *a, const struct script_frame *b)
{
	return !strcmp(a->function, b->function) && !strcmp(a->file, b->file);
}

/* The interpreter's own frames are the same anyway. */
static bool same_place_of_script(const struct stack_info *a, const struct stack_info *b)
{
	const struct script_frame *left = a->scripts + a->script_count;
	const struct script_frame *right = b->scripts + b->script_count;
	bool outermost = same_function(left - 1, right - 1);

	while (left > a->scripts && right > b->scripts && left[-1].line == right[-1].line &&
	       same_function(left - 1, right - 1))
		left--, right--;
	return outermost && left - a->scripts <= 2 && right - b->scripts <= 2;
}

/* In one function, or in two small helpers of one: whoever tests elsewhere may just want to know.
 */
static bool same_place(const struct findings_builder *builder, uint32_t left, uint32_t right)
{
	const struct catalog *catalog = builder->catalog;
	const struct stack_info *a, *b;
	uint32_t same = 0;

	if (left >= catalog->stack_count || right >= catalog->stack_count)
		return false;
	a = &catalog->stacks[left];
	b = &catalog->stacks[right];
	if (a->script_count && b->script_count)
		return !a->scripts_truncated && !b->scripts_truncated && same_place_of_script(a, b);
	if (a->truncated || b->truncated)
		return false;
	while (same < a->count && same < b->count && same_frame(a, b, same))
		same++;
	return same && a->count - same <= 2 && b->count - same <= 2;
}

static void look_for_test(struct findings_builder *builder, const struct request *request)
{
	struct seen_thread *thread = watch_thread(builder, request->process, request->tid);
	struct asked asked = asked_by(request);

	/* To test and then try is superfluous, but does no harm: sqlite3 does so. */
	if (thread->tested && request->may_block && same_lock(&thread->test, &asked) &&
	    same_place(builder, thread->test.by.stack, asked.by.stack))
		found_range(found(builder, FINDING_TEST_THEN_LOCK, request->file, request->world,
				  asked.by, thread->test.by, nobody),
			    request->start, request->end);
	thread->tested = request->query && !request->found && !request->error;
	if (thread->tested)
		thread->test = asked;
}

/* ---- slow-nonblocking */

/* Where a call goes over the network. */
static bool is_remote(uint64_t fs_type)
{
	static const uint32_t types[] = {
		0x6969,	    0xff534d42, 0xfe534d42, 0x517b,	0x65735546, 0x00c36400,
		0x01021997, 0x0bd00bd3, 0x5346414f, 0x47504653, 0x01161970, 0x7461636f,
	}; /* nfs cifs smb2 smb fuse ceph 9p lustre afs gpfs gfs2 ocfs2 */

	for (unsigned i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (fs_type == types[i])
			return true;
	return false;
}

static bool same_slow(const void *context, uint32_t index)
{
	const struct request *wanted = ((const void *const *)context)[0];
	const struct findings_builder *builder = ((const void *const *)context)[1];
	const struct slow *slow = &builder->slow.items[index];

	return slow->file == wanted->file && slow->by.stack == wanted->stack;
}

static void took_long(struct findings_builder *builder, const struct request *request)
{
	const void *context[] = { request, builder };
	uint32_t *at = map_find(&builder->slow_map, hash_u64(request->file, request->stack),
				same_slow, context);
	struct slow *slow;

	if (*at == MAP_NEW) {
		*at = builder->slow.count;
		vec_push(&builder->slow,
			 (struct slow){ .file = request->file, .world = request->world });
	}
	slow = &builder->slow.items[*at];
	slow->calls++;
	if (request->duration < slow->longest)
		return;
	slow->longest = request->duration;
	slow->by = side_of_request(request);
}

static void conclude_slow(struct findings_builder *builder, const struct slow *slow)
{
	const struct catalog *catalog = builder->catalog;
	struct finding *finding;

	if ((slow->file >= catalog->file_count || !is_remote(catalog->files[slow->file].fs_type)) &&
	    (slow->calls < SLOW_CALLS ||
	     slow->calls * SLOW_SHARE < watch_file(builder, slow->file)->calls))
		return;
	finding = found(builder, FINDING_SLOW_NONBLOCKING, slow->file, slow->world, slow->by,
			nobody, nobody);
	finding->count = finding->number = slow->calls;
	finding->duration = slow->longest;
}

/* ---- */

void tries_request(struct findings_builder *builder, const struct request *request)
{
	struct asked asked = asked_by(request);

	if (request->file == NONE)
		return;
	look_for_test(builder, request);
	if (is_refused(request))
		refused(builder, &asked);
	else if (!request->query)
		other_end(builder, &asked);
	if (request->may_block)
		return;
	watch_file(builder, request->file)->calls++;
	if (request->duration > SLOW_NS)
		took_long(builder, request);
}

void tries_finish(struct findings_builder *builder)
{
	for (uint32_t i = 0; i < builder->processes.count; i++)
		tries_gone(builder, i);
	for (uint32_t i = 0; i < builder->slow.count; i++)
		conclude_slow(builder, &builder->slow.items[i]);
}
