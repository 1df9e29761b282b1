/* SPDX-License-Identifier: MIT */
/* Whether what a scene shows lasts. */
#include "analyzer/live/scene.h"

static bool is_waited_for(const struct scene *scene, const struct held *held,
			  const uint32_t *agents, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t wait = scene->actors.items[agents[i]].wait;

		if (wait != NONE && scene->files.items[wait].inode == held->lock.file.inode)
			return true;
	}
	return false;
}

/*
 * Who has been forked since may share a lock, without that its parent ran after it was looked at.
 * Of locks that nobody of them waits for it does not matter, and they come and go.
 */
static bool nobody_joined(const struct scene *scene, const uint32_t *agents, uint32_t count)
{
	struct open_files joined;
	bool nobody;

	open_files_read_new(&joined, &scene->open, scene->files.items, scene->files.count);
	nobody = !joined.hidden;
	for (uint32_t i = 0; nobody && i < joined.locks.count; i++)
		for (uint32_t j = 0; nobody && j < scene->held.count; j++)
			nobody = !held_is(&scene->held.items[j], &joined.locks.items[i]) ||
				 !is_waited_for(scene, &scene->held.items[j], agents, count);
	open_files_free(&joined);
	return nobody;
}

bool scene_stands(const struct scene *scene, const uint32_t *agents, uint32_t count)
{
	if (!nobody_joined(scene, agents, count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		const struct task *task = &scene->tasks.vec.items[agents[i]];

		if (!scene_tries(scene, agents[i]) && task_switches(task) != task->switches)
			return false;
	}
	return true;
}
