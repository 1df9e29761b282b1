/* SPDX-License-Identifier: MIT */
/* Which file it is that is locked, and whether everybody locks the same. */
#include <string.h>
#include <sys/stat.h>

#include "analyzer/findings/watch.h"

/* ---- Names */

static const char deleted[] = " (deleted)";

static bool has_tail(const char *path)
{
	size_t length = strlen(path), tail = sizeof(deleted) - 1;

	return length > tail && !strcmp(path + length - tail, deleted);
}

struct path_key {
	const struct findings_builder *builder;
	const char *path;
	size_t length;
};

static bool same_name(const void *context, uint32_t index)
{
	const struct path_key *key = context;
	const char *path = key->builder->names.items[index].path;

	return !strncmp(path, key->path, key->length) && !path[key->length];
}

/* The name that a path once was, also where the kernel says that it is no more. */
static uint32_t name_of(struct findings_builder *builder, const char *path)
{
	struct path_key key = { builder, path, strlen(path) };
	uint32_t *at;

	if (has_tail(path))
		key.length -= sizeof(deleted) - 1;
	at = map_find(&builder->name_map, hash_bytes(path, key.length), same_name, &key);
	if (*at == MAP_NEW) {
		struct name name = { xcalloc(1, key.length + 1), NONE };

		memcpy(name.path, path, key.length);
		*at = builder->names.count;
		vec_push(&builder->names, name);
	}
	return *at;
}

static void look_at(struct findings_builder *builder, struct seen_file *file,
		    const struct file_info *info)
{
	if (file->looked_at && file->path == info->path)
		return;
	file->looked_at = true;
	file->path = info->path;
	file->regular = S_ISREG(info->mode) && *info->path == '/';
	if (file->regular)
		file->name = name_of(builder, info->path);
}

/* ---- replaced-lock-file */

static void look_for_older(struct findings_builder *builder, const struct file_info *info,
			   struct name *name, const struct request *request)
{
	struct asked asked = asked_by(request);
	const struct file_info *older = &builder->catalog->files[name->file];
	struct hold hold;

	asked.file = name->file;
	if (older->device == info->device && watch_in_the_way(builder, &asked, &hold))
		found(builder, FINDING_REPLACED_LOCK_FILE, request->file, request->world, asked.by,
		      side_of_hold(&hold), nobody);
}

/* ---- unlinked-lock-file */

/* Some unlink a file at once, to share it by inheritance alone: they never locked it by name. */
static void look_for_links(struct findings_builder *builder, struct seen_file *file,
			   const struct file_info *info, const struct request *request)
{
	struct nameless nameless = { .taken = side_of_request(request), .linked = file->linked };

	if (info->links || !has_tail(info->path)) {
		file->linked = nameless.taken;
		return;
	}
	if (!file->linked.time || watch_descends(builder, request->process, file->linked.process))
		return;
	nameless.hold = (struct hold){
		.file = request->file,
		.world = request->world,
		.granted = request->begin + request->duration,
	};
	vec_push(&builder->nameless, nameless);
}

static void conclude(struct findings_builder *builder, uint32_t at, bool matters)
{
	struct nameless nameless = builder->nameless.items[at];

	vec_remove(&builder->nameless, at);
	if (matters)
		found(builder, FINDING_UNLINKED_LOCK_FILE, nameless.hold.file, nameless.hold.world,
		      nameless.taken, nameless.linked, nobody);
}

void files_hold(struct findings_builder *builder, const struct hold *hold)
{
	for (uint32_t i = builder->nameless.count; i-- > 0;) {
		struct nameless *nameless = &builder->nameless.items[i];

		if (nameless->hold.file == hold->file && nameless->hold.world == hold->world &&
		    nameless->taken.process == hold->process &&
		    nameless->hold.granted == hold->granted && !nameless->hold.released)
			nameless->hold.released = hold->released;
	}
}

/* It used the lock; or it looked, saw, and tries the file that has the name now. */
static bool used(const struct nameless *nameless)
{
	return nameless->hold.released >= nameless->hold.granted + WENT_ON_NS;
}

static void look_for_retry(struct findings_builder *builder, const struct request *request)
{
	for (uint32_t i = builder->nameless.count; i-- > 0;) {
		const struct nameless *nameless = &builder->nameless.items[i];

		if (nameless->hold.released && nameless->taken.process == request->process)
			conclude(builder, i,
				 used(nameless) &&
					 (nameless->hold.file == request->file ||
					  watch_file(builder, nameless->hold.file)->name !=
						  watch_file(builder, request->file)->name));
	}
}

void files_after(struct findings_builder *builder, const struct event *event)
{
	bool over = event->kind == EVENT_DEATH ||
		    (event->kind == EVENT_CALL && event->call.call == EXIT_PROCESS);

	for (uint32_t i = over ? builder->nameless.count : 0; i-- > 0;) {
		struct nameless *nameless = &builder->nameless.items[i];

		if (nameless->taken.process != event->process)
			continue;
		if (!nameless->hold.released)
			nameless->hold.released = event->time;
		conclude(builder, i, used(nameless));
	}
}

/* ---- excludes-nobody */

/* What the kernel's sources say of each: locks are not passed on to where the files are. */
static bool stays_here(uint64_t fs_type, const struct request *request)
{
	switch (fs_type) {
	case 0x786f4256: /* vboxsf: neither kind */
	case 0x73757245: /* coda: neither kind */
		return true;
	case 0x5346414f: /* OpenAFS: locks of the whole file alone are the server's */
		return request->start || request->end != RANGE_TO_EOF;
	default:
		return false;
	}
}

/* ---- mixed-apis */

/* flock(1) on a descriptor that its caller has open locks for the caller and all that it runs. Of
 * a fork's child the recorder takes every descriptor for an inherited one. */
static uint32_t root_of(struct findings_builder *builder, uint32_t process)
{
	const struct seen_process *seen = watch_process(builder, process);
	const struct event *event = &builder->event;

	if (event->kind == EVENT_RESULT && event->lock.inherited && seen->executes &&
	    seen->parent != NONE)
		return seen->parent;
	return process;
}

/* Under a flock of somebody else, as what flock(1) runs, it needs none of its own. */
static bool is_covered(struct findings_builder *builder, const struct seen_file *file,
		       uint32_t process)
{
	for (uint32_t i = 0; i < file->users.count; i++)
		if (file->users.items[i].uses[FLOCK_LOCKS] &&
		    watch_descends(builder, process, file->users.items[i].root))
			return true;
	return false;
}

static bool strangers(struct findings_builder *builder, const struct user *a, const struct user *b)
{
	return !watch_descends(builder, a->process, b->root) &&
	       !watch_descends(builder, b->process, a->root);
}

static bool at_odds(struct findings_builder *builder, const struct user *by_flock,
		    const struct user *by_record)
{
	return by_flock->uses[FLOCK_LOCKS] && !by_flock->uses[RECORD_LOCKS] &&
	       by_record->uses[RECORD_LOCKS] && !by_record->uses[FLOCK_LOCKS] &&
	       (by_flock->exclusive[FLOCK_LOCKS] || by_record->exclusive[RECORD_LOCKS]) &&
	       strangers(builder, by_flock, by_record);
}

static void compare_users(struct findings_builder *builder, uint32_t file)
{
	const struct seen_file *seen = &builder->files.items[file];

	for (uint32_t i = 0; i < seen->users.count && !seen->crowded; i++) {
		for (uint32_t j = 0; j < seen->users.count; j++) {
			const struct user *a = &seen->users.items[i], *b = &seen->users.items[j];

			if (!at_odds(builder, a, b))
				continue;
			found(builder, FINDING_MIXED_APIS, file, FLOCK_LOCKS, a->side[FLOCK_LOCKS],
			      b->side[RECORD_LOCKS], nobody);
			return;
		}
	}
}

/* Of those who do as others did before them one is enough. */
static bool is_like_another(const struct seen_file *file, uint32_t at)
{
	const struct user *user = &file->users.items[at];

	for (uint32_t i = 0; i < at; i++)
		if (!memcmp(file->users.items[i].uses, user->uses, sizeof(user->uses)) &&
		    !memcmp(file->users.items[i].exclusive, user->exclusive,
			    sizeof(user->exclusive)))
			return true;
	return false;
}

static void make_room(struct findings_builder *builder, struct seen_file *file)
{
	for (uint32_t i = file->users.count; i-- > 1;)
		if (builder->processes.items[file->users.items[i].process].gone &&
		    is_like_another(file, i))
			vec_remove(&file->users, i);
}

static struct user *user_of(struct findings_builder *builder, struct seen_file *file,
			    uint32_t process)
{
	struct user user = { .process = process };

	if (file->last_user < file->users.count &&
	    file->users.items[file->last_user].process == process)
		return &file->users.items[file->last_user];
	for (uint32_t i = 0; i < file->users.count; i++)
		if (file->users.items[i].process == process)
			return &file->users.items[file->last_user = i];
	if (file->users.count == USERS_KEPT)
		make_room(builder, file);
	if (file->users.count == USERS_KEPT)
		return NULL;
	file->last_user = file->users.count;
	user.root = root_of(builder, process);
	user.uses[FLOCK_LOCKS] = is_covered(builder, file, process);
	vec_push(&file->users, user);
	return &file->users.items[file->last_user];
}

static bool see_user(struct findings_builder *builder, struct seen_file *file,
		     const struct request *request)
{
	struct user *user = user_of(builder, file, request->process);
	bool first;

	if (!user) {
		file->crowded = true;
		return false;
	}
	first = !user->uses[request->world];
	if (first)
		user->side[request->world] = side_of_request(request);
	user->uses[request->world] = true;
	user->exclusive[request->world] |= request->mode == MODE_EXCLUSIVE;
	return first;
}

/* ---- */

void files_grant(struct findings_builder *builder, const struct request *request)
{
	const struct file_info *info;
	struct seen_file *file;
	struct name *name;

	if (request->file >= builder->catalog->file_count)
		return;
	info = &builder->catalog->files[request->file];
	file = watch_file(builder, request->file);
	look_at(builder, file, info);
	if (!file->regular)
		return;
	if (see_user(builder, file, request) && stays_here(info->fs_type, request))
		found(builder, FINDING_EXCLUDES_NOBODY, request->file, request->world,
		      side_of_request(request), nobody, nobody);
	if (builder->nameless.count)
		look_for_retry(builder, request);
	name = &builder->names.items[file->name];
	if (name->file != request->file && name->file != NONE)
		look_for_older(builder, info, name, request);
	look_for_links(builder, file, info, request);
	if (name->file != request->file && info->links && !has_tail(info->path))
		name->file = request->file;
}

void files_finish(struct findings_builder *builder)
{
	while (builder->nameless.count) {
		struct nameless *last = &builder->nameless.items[builder->nameless.count - 1];

		if (!last->hold.released)
			last->hold.released = builder->event.time;
		conclude(builder, builder->nameless.count - 1, used(last));
	}
	for (uint32_t i = 0; i < builder->files.count; i++)
		compare_users(builder, i);
}
