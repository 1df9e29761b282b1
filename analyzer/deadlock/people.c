/* SPDX-License-Identifier: MIT */
#include "analyzer/deadlock/people.h"

static struct family *family_get(struct people *people, uint32_t process)
{
	while (people->families.count <= process)
		vec_push(&people->families, (struct family){ .parent = NONE, .pid = -1 });
	return &people->families.items[process];
}

const struct family *people_family(const struct people *people, uint32_t process)
{
	return process < people->families.count ? &people->families.items[process] : NULL;
}

static struct person *person_get(struct family *family, uint32_t tid)
{
	if (family->last < family->threads.count && family->threads.items[family->last].tid == tid)
		return &family->threads.items[family->last];
	for (uint32_t i = 0; i < family->threads.count; i++)
		if (family->threads.items[i].tid == tid)
			return &family->threads.items[family->last = i];
	if (family->threads.count == THREADS_KEPT) {
		family->crowded = true;
		vec_remove(&family->threads, 0);
	}
	vec_push(&family->threads, (struct person){ .tid = tid });
	family->last = family->threads.count - 1;
	return &family->threads.items[family->last];
}

static void forget_silent(struct family *family, int64_t pid)
{
	for (uint32_t i = family->silent.count; i-- > 0;)
		if (family->silent.items[i] == pid)
			vec_remove(&family->silent, i);
}

static void die(struct family *family)
{
	family->alive = false;
	family->crowded = false;
	vec_free(&family->threads);
	vec_free(&family->silent);
	memset(family->timers, 0, sizeof(family->timers));
}

struct pid_key {
	const struct people *people;
	int64_t pid;
};

static bool same_pid(const void *context, uint32_t index)
{
	const struct pid_key *key = context;

	return key->people->families.items[index].pid == key->pid;
}

static void remember_pid(struct people *people, int64_t pid, uint32_t process)
{
	struct pid_key key = { people, pid };

	*map_find(&people->pids, hash_u64((uint64_t)pid, 0), same_pid, &key) = process;
}

static void be_born(struct people *people, const struct event *event)
{
	struct family *family = family_get(people, event->process);

	/* exec: one thread is left of all; an alarm goes on. */
	family->threads.count = 0;
	family->crowded = false;
	family->alive = true;
	family->pid = event->tid;
	remember_pid(people, family->pid, event->process);
	person_get(family, event->tid);
	if (event->born.birth == BIRTH_EXEC && family->parent != NONE)
		return;
	family->parent = event->born.parent;
	if (family->parent != NONE && family->parent != event->process)
		forget_silent(family_get(people, family->parent), event->tid);
}

uint32_t people_child(const struct people *people, uint32_t parent, int64_t pid)
{
	struct pid_key key = { people, pid };
	uint32_t at = pid > 0 ? map_peek(&people->pids, hash_u64((uint64_t)pid, 0), same_pid, &key)
			      : MAP_NEW;
	const struct family *family = at == MAP_NEW ? NULL : people_family(people, at);

	return family && family->alive && family->parent == parent ? at : NONE;
}

/* The child has been reaped: it is dead, whoever said so. */
static void reap(struct people *people, uint32_t parent, int64_t pid)
{
	uint32_t child = people_child(people, parent, pid);

	forget_silent(family_get(people, parent), pid);
	if (child != NONE)
		die(&people->families.items[child]);
}

/* waitpid also returns for a child that was stopped or continued. */
static bool ended(int32_t status)
{
	return (status & 0xff) != 0x7f && status != 0xffff;
}

static void learn_result(struct people *people, const struct event *event)
{
	struct family *family = family_get(people, event->process);
	uint64_t end = event->time + event->call.duration;

	if (event->call.call == FORK_CHILD && event->call.value > 0 && !event->call.error &&
	    people_child(people, event->process, event->call.value) == NONE)
		vec_push(&family->silent, event->call.value);
	if (event->call.call == WAIT_CHILD && event->call.value > 0 && ended(event->call.last))
		reap(people, event->process, event->call.value);
	if (event->call.call == ARM_TIMER && event->call.fd >= 0 && event->call.fd < TIMER_KINDS)
		family->timers[event->call.fd] =
			event->call.value > 0 ? end + (uint64_t)event->call.value : 0;
}

static void see_live(struct people *people, const struct event *event)
{
	struct person *person;

	if (event->process == NONE)
		return;
	person = person_get(family_get(people, event->process), event->tid);
	person->live.number = event->seen.number;
	person->live.other = event->seen.other;
	person->live.verdict = event->seen.verdict;
	person->live.waits_for = event->seen.waits_for;
	person->live.since = event->seen.since;
}

const struct person *people_person(const struct people *people, uint32_t process, uint32_t tid)
{
	const struct family *family = people_family(people, process);

	for (uint32_t i = 0; family && i < family->threads.count; i++)
		if (family->threads.items[i].tid == tid)
			return &family->threads.items[i];
	return NULL;
}

void people_event(struct people *people, const struct event *event)
{
	struct family *family;
	struct person *person;

	if (event->kind == EVENT_VERDICT) {
		see_live(people, event);
		return;
	}
	if (event_is_from_outside(event) || event->kind == EVENT_LOST || event->kind == EVENT_END ||
	    event->process == NONE)
		return;
	family = family_get(people, event->process);
	if (event->kind == EVENT_DEATH) {
		die(family);
		return;
	}
	family->alive = true;
	if (event->kind == EVENT_PROCESS) {
		be_born(people, event);
		return;
	}
	person = person_get(family, event->tid);
	/* In a livelock calls go on. */
	if (person->live.verdict != VERDICT_LIVELOCK || person->live.waits_for != WAITS_FOR_LOCK)
		person->live.number = 0;
	person->awaits = event->kind == EVENT_CALL && event->call.call == WAIT_CHILD;
	if (person->awaits) {
		person->wanted = event->call.value;
		person->since = event->time;
	}
	if (event->kind == EVENT_CALL_RESULT)
		learn_result(people, event);
}

uint64_t people_timer(const struct people *people, uint32_t process, uint64_t after)
{
	const struct family *family = people_family(people, process);
	uint64_t first = 0;

	for (int i = 0; family && i < TIMER_KINDS; i++)
		if (family->timers[i] && family->timers[i] >= after &&
		    (!first || family->timers[i] < first))
			first = family->timers[i];
	return first;
}

void people_free(struct people *people)
{
	for (uint32_t i = 0; i < people->families.count; i++) {
		vec_free(&people->families.items[i].threads);
		vec_free(&people->families.items[i].silent);
	}
	vec_free(&people->families);
	map_free(&people->pids);
}
