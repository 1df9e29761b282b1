/* SPDX-License-Identifier: MIT */
/*
 * Locks that their owner lost: who lost one often knows, as a program that closes all it has, or
 * gives up after a failed try. It matters where it went on.
 */
#include "analyzer/findings/watch.h"

static void conclude(struct findings_builder *builder, uint32_t at, uint64_t time, bool matters)
{
	struct lost lost = builder->lost.items[at];
	struct finding *finding;

	vec_remove(&builder->lost, at);
	if (!matters)
		return;
	finding = found(builder, lost.id, lost.hold.file, lost.hold.world, lost.dropped,
			side_of_hold(&lost.hold), lost.taken_then);
	found_range(finding, lost.hold.start, lost.hold.end);
	if (time - lost.dropped.time > finding->duration)
		finding->duration = time - lost.dropped.time;
}

static void lose(struct findings_builder *builder, enum finding_id id, const struct hold *hold,
		 const struct act *act)
{
	vec_push(&builder->lost,
		 (struct lost){
			 .id = id,
			 .hold = *hold,
			 .dropped = act->by,
			 .taken_then = watch_taken(builder, hold, act->by.time, UINT64_MAX),
		 });
}

/* ---- How a hold ended */

static bool closed_by_another(const struct hold *hold, const struct act *act)
{
	return hold->how == HOLD_CLOSED && hold->ownership == OWNED_BY_PROCESS && act->closes &&
	       (hold->fd < act->fd || hold->fd > act->last);
}

static bool is_conversion(const struct hold *hold, const struct act *act)
{
	return hold->world == FLOCK_LOCKS && hold->how == HOLD_RELEASED &&
	       act->world == FLOCK_LOCKS && act->by.process == hold->process &&
	       act->mode != hold->mode && (act->mode == MODE_SHARED || act->mode == MODE_EXCLUSIVE);
}

/* A shared lock that comes back after other readers is as good as kept. */
static void look_for_gap(struct findings_builder *builder, const struct hold *hold,
			 const struct act *act)
{
	struct hold weaker = *hold;
	struct finding_side other;

	if (act->mode == MODE_SHARED)
		weaker.mode = MODE_SHARED;
	other = watch_taken(builder, &weaker, act->by.time,
			    act->by.time + builder->event.lock.duration);
	if (other.process != NONE)
		found(builder, FINDING_UPGRADE_GAP, hold->file, hold->world, act->by,
		      side_of_hold(hold), other);
}

static void converted(struct findings_builder *builder, const struct hold *hold,
		      const struct act *act)
{
	const struct event *event = &builder->event;

	if (event->kind != EVENT_RESULT || act != &builder->now)
		return;
	if (!event->lock.error)
		look_for_gap(builder, hold, act);
	else if (!event->lock.may_block && event->lock.error == EWOULDBLOCK)
		lose(builder, FINDING_UPGRADE_LOST_LOCK, hold, act);
}

/*
 * A child that unlocks what its parent has taken, and still has. What flock(1) has taken for the
 * shell that called it is the shell's, or anybody's.
 */
static bool released_by_another(struct findings_builder *builder, const struct hold *hold,
				const struct act *act)
{
	return hold->how == HOLD_RELEASED && act->mode == MODE_UNLOCK &&
	       (act->by.process != hold->process || act->by.tid != hold->tid) &&
	       hold->keeper == hold->process && !watch_process(builder, hold->process)->gone;
}

void lost_hold(struct findings_builder *builder, const struct hold *hold)
{
	const struct act *act = watch_ender(builder, hold);

	if (!act)
		return;
	if (closed_by_another(hold, act))
		lose(builder, FINDING_CLOSE_DROPS_LOCK, hold, act);
	else if (is_conversion(hold, act))
		converted(builder, hold, act);
	else if (released_by_another(builder, hold, act))
		lose(builder, FINDING_UNLOCKED_BY_OTHER, hold, act);
}

/* ---- Who got in */

static void got_in(struct lost *lost, const struct request *request)
{
	const struct hold *hold = &lost->hold;

	if (lost->taken_then.process == NONE && request->file == hold->file &&
	    request->world == hold->world && request->process != hold->process &&
	    request->start < hold->end && hold->start < request->end &&
	    (request->mode == MODE_EXCLUSIVE || hold->mode == MODE_EXCLUSIVE))
		lost->taken_then = side_of_request(request);
}

void lost_request(struct findings_builder *builder, const struct request *request)
{
	for (uint32_t i = 0; i < builder->lost.count; i++)
		got_in(&builder->lost.items[i], request);
}

/* ---- Whether it went on */

static bool overlaps(const struct event *event, const struct hold *hold)
{
	return event->lock.world == FLOCK_LOCKS ||
	       (event->lock.start < hold->end && hold->start < event->lock.end);
}

static bool is_request(const struct event *event)
{
	return (event->kind == EVENT_REQUEST ||
		(event->kind == EVENT_RESULT && !event->lock.has_request)) &&
	       !event->lock.query;
}

static bool closes(const struct event *event, int32_t fd)
{
	if (event->kind != EVENT_CALL)
		return false;
	if (event->call.call == DUP_FD)
		return event->call.last == fd;
	return event->call.call == CLOSE_FDS && event->call.fd <= fd && fd <= event->call.last;
}

static bool is_over(const struct event *event)
{
	return event->kind == EVENT_DEATH || event->kind == EVENT_PROCESS ||
	       (event->kind == EVENT_CALL && event->call.call == EXIT_PROCESS);
}

/* By the taker's next step: an unlock of what it hasn't any more says that it relied on it. */
static bool matters(const struct lost *lost, const struct event *event)
{
	bool went_on = event->time >= lost->dropped.time + WENT_ON_NS;

	if (lost->id == FINDING_CLOSE_DROPS_LOCK)
		return is_request(event) || went_on;
	if (lost->id == FINDING_UPGRADE_LOST_LOCK)
		return went_on;
	if (is_request(event))
		return event->lock.mode == MODE_UNLOCK && overlaps(event, &lost->hold);
	return went_on && lost->taken_then.process != NONE &&
	       lost->dropped.process != lost->hold.process;
}

static bool concerns(const struct lost *lost, const struct event *event)
{
	const struct hold *hold = &lost->hold;

	if (event->process != hold->process || event->time < lost->dropped.time)
		return false;
	if (lost->id == FINDING_UNLOCKED_BY_OTHER && event->tid != hold->tid)
		return is_over(event);
	return is_over(event) || closes(event, hold->fd) ||
	       (is_request(event) && event->file == hold->file &&
		event->lock.world == hold->world &&
		(hold->ownership == OWNED_BY_PROCESS || event->lock.fd == hold->fd));
}

void lost_after(struct findings_builder *builder, const struct event *event)
{
	for (uint32_t i = builder->lost.count; i-- > 0;) {
		const struct lost *lost = &builder->lost.items[i];

		if (event->kind == EVENT_END || concerns(lost, event))
			conclude(builder, i, event->time, matters(lost, event));
	}
}
