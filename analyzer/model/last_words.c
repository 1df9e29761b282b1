/* SPDX-License-Identifier: MIT */
#include "analyzer/model/last_words.h"

#define NOT_LEAVING UINT64_MAX
/* From the word that it exits until a process has given up its locks: its memory goes first. */
#define LEAVING_NS UINT64_C(100000000)

struct farewell {
	uint64_t last_word; /* ns */
	bool leaves;	    /* and it was of an exit, for all of them */
};

bool owner_may_be_gone(const struct model *model, uint32_t owner)
{
	const struct process *process;
	const struct description *description;

	if (owner_is_description(owner)) {
		description = &model->descriptions.items[owner_index(owner)];
		return description->refs == description->quiet;
	}
	process = process_known(model, owner_index(owner));
	return !process || process->exiting || process->dead;
}

static uint32_t references_in(const struct descriptor_table *table, uint32_t description)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < table->count; i++)
		count += table->items[i].description == description;
	return count;
}

/* The newest processes first, because most often it is they who share it. */
static struct farewell farewell_of_description(const struct model *model, uint32_t at)
{
	const struct description *description = &model->descriptions.items[at];
	struct farewell farewell = { description->kept_until, true };
	uint32_t left = description->refs;

	for (uint32_t i = model->processes.count; i-- > 0 && left;) {
		const struct process *process = model->processes.items[i];
		uint32_t here = process ? references_in(&process->descriptors, at) : 0;

		if (!here)
			continue;
		farewell.last_word = later_of(farewell.last_word, process->last_word);
		farewell.leaves &= process->exiting;
		left -= here;
	}
	farewell.leaves &= !left; /* a child that has not spoken yet may stay for long */
	return farewell;
}

static struct farewell farewell_of(const struct model *model, uint32_t owner)
{
	const struct process *process;

	if (owner_is_description(owner))
		return farewell_of_description(model, owner_index(owner));
	process = process_known(model, owner_index(owner));
	if (!process)
		return (struct farewell){ 0, true };
	return (struct farewell){ process->last_word, process->exiting || process->dead };
}

uint64_t owner_last_word(const struct model *model, uint32_t owner)
{
	return farewell_of(model, owner).last_word;
}

/* A grant that came at once proves that the lock was free, any other end of a request does not. */
static bool has_waited(const struct flight *flight, uint64_t time, bool granted)
{
	return !granted || time - flight->begin >= WAIT_UNKNOWN_NS;
}

/* Until when an owner may have been in the way of a request, as far as he tells himself. */
static uint64_t in_the_way_until(struct farewell farewell, bool has_waited)
{
	if (!has_waited)
		return farewell.last_word;
	return farewell.leaves ? farewell.last_word + LEAVING_NS : NOT_LEAVING;
}

bool find_last_leaver(const struct model *model, struct flight *flight, uint64_t time, bool granted)
{
	bool waited = has_waited(flight, time, granted);

	flight->last_leaver = 0;
	for (uint32_t i = 0; i < flight->standing.count; i++) {
		uint32_t owner = flight->standing.items[i].owner;

		flight->last_leaver = later_of(flight->last_leaver,
					       in_the_way_until(farewell_of(model, owner), waited));
	}
	if (flight->last_leaver <= flight->begin)
		flight->last_leaver = 0;
	return flight->last_leaver;
}

struct unseen_end unseen_end(const struct model *model, const struct flight *flight, uint32_t owner,
			     uint64_t time, bool granted)
{
	struct farewell farewell = farewell_of(model, owner);
	bool waited = has_waited(flight, time, granted);

	if (flight->last_leaver && in_the_way_until(farewell, waited) == flight->last_leaver)
		return (struct unseen_end){ time, false };
	return (struct unseen_end){ earlier_of(farewell.last_word, time), !farewell.leaves };
}
