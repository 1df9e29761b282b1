/* SPDX-License-Identifier: MIT */
#include "analyzer/render/phrases.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "analyzer/base/units.h"
#include "analyzer/render/utf8.h"
#include "trace/names.h"

static bool is_control(const unsigned char *at, unsigned length)
{
	if (length == 1)
		return *at < 0x20 || *at == 0x7f;
	return length == 2 && at[0] == 0xc2 && at[1] < 0xa0; /* U+0080 .. U+009F */
}

const char *phrase_escaped(struct scratch *scratch, const char *bytes)
{
	const unsigned char *at = (const unsigned char *)bytes;
	char *text = xrealloc(NULL, 4 * strlen(bytes) + 1), *to = text;

	while (*at) {
		unsigned length = utf8_length(at);

		if (length && !is_control(at, length)) {
			memcpy(to, at, length);
			to += length;
			at += length;
		} else if (*at == '\n' || *at == '\t') {
			to += sprintf(to, *at++ == '\n' ? "\\n" : "\\t");
		} else {
			to += sprintf(to, "\\x%02x", *at++);
		}
	}
	*to = '\0';
	return scratch_take(scratch, text);
}

static const char *relative_to(struct scratch *scratch, const char *path, const char *directory)
{
	size_t common = 0, ups = 0;
	const char *rest, *name;
	char *text, *to;

	if (!directory || directory[0] != '/' || path[0] != '/')
		return path;
	/* How far both go the same way, up to a whole name. */
	for (size_t i = 0;; i++) {
		bool path_ends = path[i] == '/' || !path[i];
		bool directory_ends = directory[i] == '/' || !directory[i];

		if (path_ends && directory_ends)
			common = i;
		if (path[i] != directory[i] || !path[i])
			break;
	}
	for (name = directory + common; *name; name++)
		ups += *name == '/' && name[1];
	rest = path[common] == '/' ? path + common + 1 : path + common;
	if (!*rest || 3 * ups + strlen(rest) >= strlen(path))
		return path;
	text = to = xrealloc(NULL, 3 * ups + strlen(rest) + 1);
	while (ups--)
		to = stpcpy(to, "../");
	strcpy(to, rest);
	return scratch_take(scratch, text);
}

const char *phrase_path(struct scratch *scratch, const char *path, const char *directory)
{
	return phrase_escaped(scratch, relative_to(scratch, path, directory));
}

const char *phrase_file(struct scratch *scratch, const struct catalog *catalog, uint32_t file,
			const char *directory)
{
	const struct file_info *info;

	if (file >= catalog->file_count)
		return "an unknown file";
	info = &catalog->files[file];
	if (*info->path)
		return phrase_path(scratch, info->path, directory);
	return scratch_format(scratch, "inode %llu on device %u:%u",
			      (unsigned long long)info->inode, major(info->device),
			      minor(info->device));
}

const char *phrase_process(struct scratch *scratch, const struct catalog *catalog, uint32_t process,
			   uint32_t tid)
{
	const struct process_info *info;
	const char *name;

	if (process >= catalog->process_count)
		return "an unknown process";
	info = &catalog->processes[process];
	if (!info->pid) /* its announcement was lost, or never made */
		return tid ? scratch_format(scratch, "thread %u of an unknown process", tid)
			   : "an unknown process";
	name = *info->command ? phrase_escaped(scratch, info->command) : "process";
	if (!tid || tid == (uint32_t)info->pid)
		return scratch_format(scratch, "%s[%d]", name, info->pid);
	return scratch_format(scratch, "%s[%d] thread %u", name, info->pid, tid);
}

const char *phrase_mode(enum mode mode)
{
	switch (mode) {
	case MODE_SHARED:
		return "shared";
	case MODE_EXCLUSIVE:
		return "exclusive";
	case MODE_UNLOCK:
		return "unlock";
	case MODE_NONE:
		break;
	}
	return "unknown";
}

const char *phrase_range(struct scratch *scratch, struct range_names *names, uint32_t file,
			 enum world world, uint64_t start, uint64_t end)
{
	char room[NAMES_ROOM];
	const char *name = range_names_of(names, file, world, start, end, room);

	if (name)
		return phrase_escaped(scratch, name);
	if (world == FLOCK_LOCKS)
		return "flock";
	return units_range(scratch_room(scratch), start, end);
}

const char *phrase_lock(struct scratch *scratch, struct range_names *names, uint32_t file,
			enum world world, enum mode mode, uint64_t start, uint64_t end)
{
	return scratch_format(scratch, "%s %s", phrase_mode(mode),
			      phrase_range(scratch, names, file, world, start, end));
}

const char *phrase_file_range(struct scratch *scratch, const struct catalog *catalog,
			      struct range_names *names, uint32_t file, enum world world,
			      uint64_t start, uint64_t end, const char *directory)
{
	const char *path = phrase_file(scratch, catalog, file, directory), *name = NULL;
	char room[NAMES_ROOM];

	if (end)
		name = range_names_of(names, file, world, start, end, room);
	return name ? scratch_format(scratch, "%s %s", path, phrase_escaped(scratch, name)) : path;
}

/* One {placeholder} of a finding's sentence; `at` is moved behind it. */
static const char *placeholder(struct scratch *scratch, const struct catalog *catalog,
			       struct range_names *names, const struct finding *finding,
			       const char *directory, const char **at)
{
	const char *name = *at + 1, *end = strchr(name, '}');

	*at = end + 1;
	switch (*name) {
	case 'f':
		return phrase_file_range(scratch, catalog, names, finding->file, finding->world,
					 finding->start, finding->end, directory);
	case 'n':
		return phrase_count(scratch, finding->number);
	case 'o':
		/* Its name is not known: it may have executed another program since it had one. */
		return scratch_format(scratch, "process %d (not recorded)", finding->outsider);
	case 't':
		return phrase_duration(scratch, finding->duration);
	default:
		return phrase_process(scratch, catalog, finding->sides[*name - '0'].process, 0);
	}
}

const char *phrase_finding(struct scratch *scratch, const struct catalog *catalog,
			   struct range_names *names, const struct finding *finding,
			   const char *directory)
{
	const struct finding_kind *kind = &finding_kinds[finding->id];
	bool third = finding->sides[2].process != NONE;
	const char *template =
		scratch_format(scratch, "%s%s", kind->sentence, third ? kind->also : "");
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (const char *at = template; *at;) {
		if (*at == '{')
			fputs(placeholder(scratch, catalog, names, finding, directory, &at), out);
		else
			fputc(*at++, out);
	}
	fclose(out);
	return scratch_take(scratch, text);
}

const char *phrase_error(struct scratch *scratch, int error)
{
	const char *name = strerrorname_np(error);

	return name ? name : scratch_format(scratch, "error %d", error);
}

const char *phrase_signal(struct scratch *scratch, int signal)
{
	const char *name = sigabbrev_np(signal);

	return name ? scratch_format(scratch, "SIG%s", name)
		    : scratch_format(scratch, "signal %d", signal);
}

const char *phrase_call(struct scratch *scratch, uint8_t op)
{
	if (op >= LOCK_OPS)
		return "an unknown call";
	if (!*lock_ops[op].command)
		return lock_ops[op].call;
	return scratch_format(scratch, "%s %s", lock_ops[op].call, lock_ops[op].command);
}

const char *phrase_count(struct scratch *scratch, uint64_t count)
{
	return units_count(scratch_room(scratch), count);
}

const char *phrase_number(struct scratch *scratch, uint64_t count, const char *one,
			  const char *many)
{
	return scratch_format(scratch, "%s %s", phrase_count(scratch, count),
			      count == 1 ? one : many);
}

const char *phrase_duration(struct scratch *scratch, uint64_t ns)
{
	return units_duration(scratch_room(scratch), ns);
}

const char *phrase_clock(struct scratch *scratch, const struct catalog *catalog, uint64_t time)
{
	return units_clock(scratch_room(scratch), (int64_t)(time + (uint64_t)catalog->wall_offset));
}
