/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/ioctls.h"

#include <stdlib.h>

#include "analyzer/stats/filter.h"

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

struct wanted_ioctl {
	const struct ioctls *ioctls;
	uint32_t request, file;
};

static bool same_ioctl(const void *context, uint32_t index)
{
	const struct wanted_ioctl *wanted = context;
	const struct report_ioctl *counts = &wanted->ioctls->entries.items[index].counts;

	return counts->request == wanted->request && counts->file == wanted->file &&
	       !counts->others;
}

static struct ioctl_entry *add(struct ioctls *ioctls, const struct report_ioctl *counts)
{
	struct ioctl_entry entry = { .counts = *counts };

	vec_push(&ioctls->entries, entry);
	return &ioctls->entries.items[ioctls->entries.count - 1];
}

static struct ioctl_entry *find_others(struct ioctls *ioctls)
{
	struct report_ioctl others = { .file = NONE, .others = true };

	if (ioctls->entries.count > IOCTLS_KEPT)
		return &ioctls->entries.items[IOCTLS_KEPT];
	return add(ioctls, &others);
}

/* The kernel takes the low 32 bits of a request, whatever the caller has above them. */
static struct ioctl_entry *find(struct ioctls *ioctls, const struct event *event)
{
	struct wanted_ioctl wanted = { ioctls, (uint32_t)event->call.value, event->file };
	struct report_ioctl counts = { .request = wanted.request, .file = wanted.file };
	uint64_t hash = hash_u64(wanted.request, wanted.file);
	uint32_t *at;

	if (ioctls->entries.count >= IOCTLS_KEPT) {
		uint32_t known = map_peek(&ioctls->map, hash, same_ioctl, &wanted);

		return known == MAP_NEW ? find_others(ioctls) : &ioctls->entries.items[known];
	}
	at = map_find(&ioctls->map, hash, same_ioctl, &wanted);
	if (*at != MAP_NEW)
		return &ioctls->entries.items[*at];
	*at = ioctls->entries.count;
	return add(ioctls, &counts);
}

static void count(struct ioctl_entry *entry, const struct event *event)
{
	struct report_ioctl *counts = &entry->counts;

	entry->ended++;
	counts->errors += event->call.error != 0;
	if (!counts->calls++ || event->call.duration > entry->time.max) {
		counts->process = event->process;
		counts->tid = event->tid;
		counts->stack = event->stack;
		counts->slowest = event->time;
	}
	histogram_add(&entry->time, event->call.duration);
}

void ioctls_event(struct ioctls *ioctls, const struct event *event,
		  const struct report_filter *filter, const struct catalog *catalog)
{
	struct ioctl_entry *entry;

	if ((event->kind != EVENT_CALL && event->kind != EVENT_CALL_RESULT) ||
	    event->call.call != IOCTL)
		return;
	if (!filter_is_empty(filter) &&
	    !filter_wants(filter, catalog, event->file, &event->process, 1, event->time,
			  event->time + event->call.duration))
		return;
	entry = find(ioctls, event);
	if (event->kind == EVENT_CALL)
		entry->begun++;
	else
		count(entry, event);
}

static int by_time(const void *left, const void *right)
{
	const struct report_ioctl *a = left, *b = right;
	int order = ORDER(b->time.total, a->time.total);

	if (!order)
		order = ORDER(b->calls, a->calls);
	if (!order)
		order = ORDER(a->request, b->request);
	return order ? order : ORDER(a->file, b->file);
}

struct report_ioctl *ioctls_finish(struct ioctls *ioctls, uint32_t *count)
{
	for (uint32_t i = 0; i < ioctls->entries.count; i++) {
		struct ioctl_entry *entry = &ioctls->entries.items[i];

		entry->counts.time = histogram_distribution(&entry->time);
		if (entry->begun > entry->ended)
			entry->counts.unfinished = entry->begun - entry->ended;
		if (!entry->counts.calls)
			entry->counts.stack = entry->counts.process = NONE;
		vec_push(&ioctls->list, entry->counts);
	}
	*count = ioctls->list.count;
	if (*count)
		qsort(ioctls->list.items, *count, sizeof(*ioctls->list.items), by_time);
	return ioctls->list.items;
}

void ioctls_free(struct ioctls *ioctls)
{
	for (uint32_t i = 0; i < ioctls->entries.count; i++)
		histogram_free(&ioctls->entries.items[i].time);
	vec_free(&ioctls->entries);
	vec_free(&ioctls->list);
	map_free(&ioctls->map);
}
