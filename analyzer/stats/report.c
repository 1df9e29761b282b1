/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/report.h"

#include <stdlib.h>

#include "analyzer/base/memory.h"
#include "analyzer/stats/balance.h"
#include "analyzer/stats/blame.h"
#include "analyzer/stats/builder.h"
#include "analyzer/stats/by_process.h"
#include "analyzer/stats/chains.h"
#include "analyzer/stats/connections.h"
#include "analyzer/stats/doings.h"
#include "analyzer/stats/errors.h"
#include "analyzer/stats/filter.h"
#include "analyzer/stats/folds.h"
#include "analyzer/stats/groups.h"
#include "analyzer/stats/ioctls.h"
#include "analyzer/stats/polls.h"
#include "analyzer/stats/resources.h"
#include "analyzer/stats/waits.h"

struct report_builder {
	struct model *model;
	struct resources resources;
	struct longest_waits waits;
	struct blames blames, roots;
	struct chains chains;
	struct by_process processes;
	struct errors errors;
	struct ioctls ioctls;
	struct connections connections;
	struct polls polls;
	struct doings doings;
	struct report report;
	struct groups groups, folds;
	const struct catalog *catalog; /* while events are read; NULL: no filter */
	uint32_t *new_index;	       /* of the resources' entries */
	struct model_callbacks also;
	bool begun; /* the first event of the ring was seen */
	uint64_t last_time;
};

static bool for_a_lock(const struct request *request)
{
	return request->mode == MODE_SHARED || request->mode == MODE_EXCLUSIVE;
}

static bool filtered(const struct report_builder *builder)
{
	return !filter_is_empty(builder->report.filter);
}

/* The line of a site, process or command; NULL: the table is of resources. */
static struct group_entry *group_of(struct report_builder *builder, uint32_t process,
				    uint32_t stack)
{
	if (builder->report.by == BY_RESOURCE)
		return NULL;
	return groups_find(&builder->groups, builder->report.by, process, stack);
}

static void count_request(struct resource *counts, const struct request *request)
{
	counts->ops |= UINT32_C(1) << request->op;
	if (!request->error)
		counts->acquisitions++;
	else if (is_conflict(request))
		counts->failed_tries++;
	else
		counts->errors++;
}

static void on_request(void *context, const struct request *request)
{
	struct report_builder *builder = context;
	struct group_entry *group;
	uint32_t at;

	if (builder->also.request)
		builder->also.request(builder->also.context, request);
	polls_request(&builder->polls, request);
	if (filtered(builder) &&
	    !filter_wants_request(builder->report.filter, builder->catalog, request))
		return;
	builder->report.requests++;
	if (!request->may_block && (request->query || for_a_lock(request))) {
		builder->report.tries++;
		builder->report.tries_taken += request->found || is_conflict(request);
		builder->report.found += request->found;
	}
	if (request->error) {
		builder->report.failed++;
		errors_add(&builder->errors, request);
	}
	if (request->query || !for_a_lock(request))
		return;
	/* A failed request may have had no valid file or range: it makes no resource. */
	if (request->error && (request->file == NONE || request->start >= request->end))
		return;
	at = resources_find(&builder->resources, request->file, request->world, request->start,
			    request->end);
	count_request(&builder->resources.entries.items[at].counts, request);
	if (!request->error)
		usage_acquired(&builder->resources.entries.items[at].usage,
			       &builder->resources.entries.items[at].counts, request->process);
	group = group_of(builder, request->process, request->stack);
	if (group)
		count_request(&group->group.counts, request);
}

/* No other hold of the resource can have been at the same time. */
static bool excludes_all(const struct hold *hold, const struct resource *resource)
{
	return hold->mode == MODE_EXCLUSIVE && hold->start <= resource->start &&
	       hold->end >= resource->end;
}

static void count_nested(struct resource *counts, uint64_t waited)
{
	counts->nested += waited != 0;
	counts->nested_waits += waited;
}

/* For how long its taker waited for other locks, while he still had this one. */
static uint64_t waited_meanwhile(const struct chains *chains, const struct hold *hold,
				 uint64_t released)
{
	uint64_t until = hold->keeper == hold->process ? released : hold->taker_until;

	return chains_waited(chains, hold->process, hold->tid, hold->granted, until);
}

static void on_hold(void *context, const struct hold *hold)
{
	struct report_builder *builder = context;
	struct group_entry *group;
	uint64_t released = hold->released;
	uint32_t entry;

	if (builder->also.hold)
		builder->also.hold(builder->also.context, hold);
	polls_hold(&builder->polls, hold);
	if (filtered(builder) && !filter_wants_hold(builder->report.filter, builder->catalog, hold))
		return;
	if (hold->how == HOLD_OPEN && released < builder->last_time)
		released = builder->last_time;
	entry = resources_find_held(&builder->resources, hold->file, hold->world, hold->start,
				    hold->end);
	usage_held(&builder->resources.entries.items[entry].usage, hold->granted, released,
		   excludes_all(hold, &builder->resources.entries.items[entry].counts));
	count_nested(&builder->resources.entries.items[entry].counts,
		     waited_meanwhile(&builder->chains, hold, released));
	released = released > hold->granted ? released - hold->granted : 0;
	histogram_add(&builder->resources.entries.items[entry].hold, released);
	group = group_of(builder, hold->process, hold->stack);
	if (group)
		histogram_add(&group->hold, released);
}

static void add_parts(struct wait_parts *sum, const struct wait_parts *parts)
{
	sum->held += parts->held;
	sum->omitted += parts->omitted;
	sum->hand_off += parts->hand_off;
	sum->unknown += parts->unknown;
}

static bool wants_wait(const struct report_builder *builder, const struct wait *wait)
{
	return !filtered(builder) ||
	       filter_wants_wait(builder->report.filter, builder->catalog, wait);
}

static void count_wait(struct report_builder *builder, const struct wait *wait,
		       const struct poll *poll)
{
	uint64_t duration = wait->finish - wait->begin;
	struct wait_parts parts;
	struct resource_entry *entry;
	struct group_entry *group;
	uint32_t at;

	if (!wants_wait(builder, wait))
		return;
	group = group_of(builder, wait->process, wait->stack);
	if (group) {
		group->group.counts.contended++;
		group->group.counts.waits_at_most += wait->at_most;
		group->group.counts.ops |= UINT32_C(1) << wait->op;
		histogram_add(&group->wait, duration);
	}
	at = resources_find(&builder->resources, wait->file, wait->world, wait->start, wait->end);
	entry = &builder->resources.entries.items[at];
	entry->counts.contended++;
	entry->counts.waits_at_most += wait->at_most;
	entry->counts.ops |= UINT32_C(1) << wait->op;
	histogram_add(&entry->wait, duration);
	usage_waited(&entry->usage, &entry->counts, wait);
	builder->report.waits_total++;
	builder->report.wait_ns += duration;
	builder->report.waits_at_most += wait->at_most;
	builder->report.at_most_ns += wait->at_most ? duration : 0;
	if (wait->holder_unknown || !wait->overlap_count)
		builder->report.untraced_holders++;
	builder->report.died_waiting += wait->outcome == OUTCOME_DIED;
	if (is_brief(wait->outcome, duration)) {
		builder->report.brief_waits++;
		builder->report.brief_ns += duration;
	}
	if (wait->outcome == OUTCOME_WAITING && !wait->at_most) {
		builder->report.still_waiting++;
		if (duration > builder->report.longest_pending)
			builder->report.longest_pending = duration;
	}
	builder->report.polls += poll->never_blocked;
	builder->report.wasted_calls += poll->wasted;
	builder->report.poll_free_ns += poll->free;
	parts = blames_add(&builder->blames, wait, at);
	add_parts(&entry->counts.parts, &parts);
	add_parts(&builder->report.parts, &parts);
	by_process_waited(&builder->processes, wait->process, duration);
	for (uint32_t i = 0; i < wait->overlap_count; i++)
		by_process_blame(&builder->processes, wait->overlaps[i].hold.keeper,
				 builder->blames.shares.items[i], 0);
	chains_add(&builder->chains, wait, poll, builder->blames.shares.items, at, &parts);
}

static void on_poll(void *context, const struct wait *wait, const struct poll *poll)
{
	count_wait(context, wait, poll);
}

static void on_wait(void *context, const struct wait *wait)
{
	static const struct poll blocked_at_once = { .tries = 1 };
	struct report_builder *builder = context;

	if (builder->also.wait)
		builder->also.wait(builder->also.context, wait);
	/* What never came back is no request that has ended: on_request() does not see it. */
	if (wait->outcome != OUTCOME_GRANTED && wait->outcome != OUTCOME_FAILED)
		builder->report.requests += wants_wait(builder, wait);
	if (!polls_wait(&builder->polls, wait))
		count_wait(builder, wait, &blocked_at_once);
}

static void on_root(void *context, const struct chain_wait *wait, const struct hold *hold,
		    uint64_t ns)
{
	struct report_builder *builder = context;

	blames_charge(&builder->roots, &wait->wait, wait->resource, hold, ns, ns, 0);
	by_process_blame(&builder->processes, hold->keeper, 0, ns);
}

static void on_chain(void *context, const struct chain_wait *wait, const struct passed_on *passed)
{
	struct report_builder *builder = context;
	const struct wait_parts *parts = &wait->parts;
	uint64_t rest = wait_parts_sum(parts) - parts->held;

	if (rest)
		blames_charge(&builder->roots, &wait->wait, wait->resource, NULL, rest, rest,
			      parts->hand_off);
	blames_next(&builder->roots);
	longest_waits_add(&builder->waits, wait, passed, &builder->doings);
}

struct model_callbacks report_builder_callbacks(struct report_builder *builder)
{
	return (struct model_callbacks){
		.context = builder,
		.request = on_request,
		.hold = on_hold,
		.wait = on_wait,
	};
}

struct report_builder *report_builder_new(uint32_t waits_kept, const struct model_callbacks *also)
{
	struct report_builder *builder = xcalloc(1, sizeof(*builder));
	struct model_callbacks callbacks = report_builder_callbacks(builder);

	if (also)
		builder->also = *also;
	builder->waits.limit = waits_kept;
	builder->chains.context = builder;
	builder->chains.root = on_root;
	builder->chains.done = on_chain;
	blames_next(&builder->roots);
	builder->model = model_new(&callbacks);
	builder->polls.context = builder;
	builder->polls.found = on_poll;
	builder->polls.model = builder->model;
	return builder;
}

const struct model *report_builder_model(const struct report_builder *builder)
{
	return builder->model;
}

void report_builder_trying(void *builder, uint64_t now,
			   void (*each)(void *context, const struct standing *standing),
			   void *context)
{
	polls_standing(&((struct report_builder *)builder)->polls, now, each, context);
}

/* Position 0: from a slot or from the recorder's store of slow waits, where nothing follows on. */
static void see_begin(struct report_builder *builder, const struct event *event)
{
	if (builder->begun || !event->position)
		return;
	if (event->kind == EVENT_LOST) {
		builder->report.begins_late = true;
		return;
	}
	builder->begun = true;
	builder->report.covered_since = event->time;
}

static void see_doing(struct report_builder *builder, const struct event *event)
{
	if (!filtered(builder) ||
	    filter_wants(builder->report.filter, builder->catalog, event->file, &event->process, 1,
			 event->doing.since, event->time))
		doings_event(&builder->doings, &builder->resources, event);
}

void report_builder_event(struct report_builder *builder, const struct event *event)
{
	see_begin(builder, event);
	connections_event(&builder->connections, event);
	ioctls_event(&builder->ioctls, event, builder->report.filter, builder->catalog);
	/* Who is found dead long after the last event holds nothing open until then. */
	if (event->time > builder->last_time && !(event->kind == EVENT_DEATH && event->death.late))
		builder->last_time = event->time;
	model_event(builder->model, event);
	polls_event(&builder->polls, event);
	if (event->kind == EVENT_DOING)
		see_doing(builder, event);
}

static void renumber_waits(struct report_builder *builder, const uint32_t *new_index)
{
	for (uint32_t i = 0; i < builder->waits.heap.count; i++) {
		struct report_wait *wait = &builder->waits.heap.items[i];

		wait->resource = new_index[wait->resource];
	}
}

const struct report *report_builder_finish(struct report_builder *builder,
					   const struct catalog *catalog)
{
	struct report *report = &builder->report;
	uint32_t *new_index;

	chains_finish(&builder->chains);
	report->catalog = catalog;
	if (catalog->quality.last_time > catalog->quality.first_time)
		report->recorded = catalog->quality.last_time - catalog->quality.first_time;
	report->resources = resources_finish(&builder->resources, catalog, &new_index);
	report->resource_count = builder->resources.entries.count;
	report->blame = blames_finish(&builder->blames, new_index);
	report->blame_count = builder->blames.entries.count;
	report->roots = blames_finish(&builder->roots, new_index);
	report->root_count = builder->roots.entries.count;
	report->processes = by_process_finish(&builder->processes, &report->process_count);
	renumber_waits(builder, new_index);
	builder->new_index = new_index;
	longest_waits_sort(&builder->waits);
	report->waits = builder->waits.heap.items;
	report->wait_count = builder->waits.heap.count;
	report->waits_omitted = builder->waits.omitted;
	groups_finish(&builder->groups, report->by, catalog);
	report->groups = groups_list(&builder->groups);
	report->group_count = builder->groups.entries.count;
	report->several = builder->connections.several.items;
	report->several_count = builder->connections.several.count;
	errors_sort(&builder->errors);
	report->errors = builder->errors.items.items;
	report->error_count = builder->errors.items.count;
	report->ioctls = ioctls_finish(&builder->ioctls, &report->ioctl_count);
	report->quality = *model_quality(builder->model);
	report->unbalanced = unbalanced(report);
	return report;
}

void report_builder_view(struct report_builder *builder, enum view_by by,
			 const struct report_filter *filter, const struct catalog *catalog)
{
	builder->report.by = by;
	builder->report.filter = filter;
	builder->catalog = catalog;
}

void report_builder_fold(struct report_builder *builder,
			 bool (*named)(void *context, const struct resource *resource),
			 void *context)
{
	struct report *report = &builder->report;

	folds_make(&builder->folds, &builder->resources, report->catalog, report->resources,
		   builder->new_index, named, context);
	report->folds = groups_list(&builder->folds);
	report->fold_count = builder->folds.entries.count;
}

void report_builder_free(struct report_builder *builder)
{
	if (!builder)
		return;
	model_free(builder->model);
	free(builder->new_index);
	free(builder->report.groups);
	free(builder->report.folds);
	groups_free(&builder->groups);
	groups_free(&builder->folds);
	free(builder->report.resources);
	free(builder->report.blame);
	free(builder->report.roots);
	free(builder->report.processes);
	chains_free(&builder->chains);
	by_process_free(&builder->processes);
	blames_free(&builder->roots);
	resources_free(&builder->resources);
	longest_waits_free(&builder->waits);
	blames_free(&builder->blames);
	errors_free(&builder->errors);
	ioctls_free(&builder->ioctls);
	connections_free(&builder->connections);
	polls_free(&builder->polls);
	doings_free(&builder->doings);
	free(builder);
}
