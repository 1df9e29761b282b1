/* SPDX-License-Identifier: MIT */
#include "analyzer/stats/connections.h"

static uint32_t *chain_of(struct connections *connections, uint32_t process)
{
	while (connections->first.count <= process)
		vec_push(&connections->first, NONE);
	return &connections->first.items[process];
}

/* Comes to the front of its chain: the next question is for the same file, as a rule. */
static struct connection *find(struct connections *connections, uint32_t process, uint32_t file)
{
	uint32_t *first = chain_of(connections, process), *link = first;

	while (*link != NONE) {
		uint32_t at = *link;
		struct connection *one = &connections->items.items[at];

		if (one->file == file) {
			*link = one->next;
			one->next = *first;
			*first = at;
			return one;
		}
		link = &one->next;
	}
	return NULL;
}

static void locked(struct connections *connections, uint32_t process, uint32_t file, int32_t fd)
{
	struct connection *one = find(connections, process, file);
	uint32_t *first;

	if (!one) {
		first = chain_of(connections, process);
		vec_push(&connections->items,
			 (struct connection){
				 .process = process, .file = file, .fd = fd, .next = *first });
		*first = connections->items.count - 1;
		return;
	}
	if (one->fd == -1)
		one->fd = fd;
	if (one->fd == fd || one->several)
		return;
	one->several = true;
	vec_push(&connections->several, (struct several_descriptors){ process, file });
}

/* What is opened afterwards may be the same connection, anew. */
static void closed(struct connections *connections, uint32_t process, int32_t fd, int32_t last)
{
	for (uint32_t at = *chain_of(connections, process); at != NONE;
	     at = connections->items.items[at].next) {
		struct connection *one = &connections->items.items[at];

		if (one->fd >= fd && one->fd <= last)
			one->fd = -1;
	}
}

void connections_event(struct connections *connections, const struct event *event)
{
	if (event->process == NONE)
		return;
	if (event->kind == EVENT_RESULT && event->file != NONE &&
	    event->lock.world == RECORD_LOCKS && event->lock.ownership == OWNED_BY_PROCESS &&
	    !event->lock.query && !event->lock.error)
		locked(connections, event->process, event->file, event->lock.fd);
	else if (event->kind == EVENT_CALL && event->call.call == CLOSE_FDS)
		closed(connections, event->process, event->call.fd, event->call.last);
	else if (event->kind == EVENT_PROCESS && event->born.birth == BIRTH_EXEC)
		closed(connections, event->process, 0, INT32_MAX);
}

void connections_free(struct connections *connections)
{
	vec_free(&connections->items);
	vec_free(&connections->first);
	vec_free(&connections->several);
}
