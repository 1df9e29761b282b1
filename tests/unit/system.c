/* SPDX-License-Identifier: MIT */
#include "analyzer/system/elf.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "analyzer/launch/preload.h"
#include "analyzer/system/descendants.h"
#include "analyzer/system/process.h"
#include "analyzer/system/task.h"

static char directory[] = "/tmp/flocktrace-system-XXXXXX";
static char path[PATH_MAX];

static void make_directory(void)
{
	cr_assert(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/file", directory);
}

static void remove_directory(void)
{
	unlink(path);
	rmdir(directory);
}

TestSuite(system, .init = make_directory, .fini = remove_directory);

static void write_file(const void *bytes, size_t size, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
	cr_assert_eq(fchmod(fd, mode), 0);
	close(fd);
}

static size_t read_true(char *bytes, size_t room)
{
	int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, bytes, room);

	close(fd);
	cr_assert(got > 1000 && (size_t)got < room);
	return (size_t)got;
}

static char bytes[1 << 20];

static enum obstacle obstacle_of(const char *file)
{
	struct elf_summary elf;

	elf_look(file, &elf);
	return elf_obstacle(&elf);
}

Test(system, a_dynamic_program_has_no_obstacle)
{
	struct elf_summary elf;
	char name[64];

	cr_expect_eq(obstacle_of("/bin/true"), OBSTACLE_NONE);
	elf_look("/bin/true", &elf);
	cr_expect_eq(elf.state, ELF_READ);
	cr_expect(elf_needs("/bin/true", "libc.so", name, sizeof(name)) &&
		  !strcmp(name, "libc.so.6"));
	cr_expect(!elf_needs("/bin/true", "libasan.so", name, sizeof(name)));
	cr_expect(!elf.go);
	cr_expect(elf.has_interpreter && elf.interpreter[0] == '/');
}

Test(system, a_static_program_is_static)
{
	cr_expect_eq(obstacle_of(SYSTEM_STATIC), OBSTACLE_STATIC);
}

Test(system, a_setuid_copy_is_setuid_and_a_setgid_copy_is_setgid)
{
	size_t size = read_true(bytes, sizeof(bytes));

	write_file(bytes, size, 04755);
	cr_expect_eq(elf_privileges(path), OBSTACLE_SETUID);
	write_file(bytes, size, 02755);
	cr_expect_eq(elf_privileges(path), OBSTACLE_SETGID);
	write_file(bytes, size, 0755);
	cr_expect_eq(elf_privileges(path), OBSTACLE_NONE);
}

Test(system, a_copy_with_file_capabilities_gains_rights)
{
	struct vfs_cap_data capabilities = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data[0].permitted = 1U << CAP_NET_BIND_SERVICE,
	};

	write_file(bytes, read_true(bytes, sizeof(bytes)), 0755);
	if (setxattr(path, "security.capability", &capabilities, sizeof(capabilities), 0))
		cr_skip("may not give capabilities here");
	cr_expect_eq(elf_privileges(path), OBSTACLE_CAPABILITIES);
}

Test(system, a_32_bit_file_is_named_by_its_class)
{
	size_t size = read_true(bytes, sizeof(bytes));

	bytes[4] = 1;
	write_file(bytes, size, 0755);
	cr_expect_eq(obstacle_of(path), OBSTACLE_OTHER_CLASS);
	cr_expect_str_eq(obstacle_row(OBSTACLE_OTHER_CLASS)->word, "32 bit");
}

Test(system, a_file_for_another_processor_is_named_by_that)
{
	size_t size = read_true(bytes, sizeof(bytes));
	uint16_t machine = EM_S390;

	memcpy((char *)bytes + offsetof(Elf64_Ehdr, e_machine), &machine, sizeof(machine));
	write_file(bytes, size, 0755);
	cr_expect_eq(obstacle_of(path), OBSTACLE_OTHER_MACHINE);
}

Test(system, a_program_for_musl_runs_on_another_libc)
{
	size_t size = read_true(bytes, sizeof(bytes));
	char *interpreter = memmem(bytes, size, "/lib64/ld-linux-x86-64.so.2", 28);

	if (!interpreter)
		cr_skip("no x86-64 program");
	strcpy(interpreter, "/lib/ld-musl-x86_64.so.1");
	write_file(bytes, size, 0755);
	cr_expect_eq(obstacle_of(path), OBSTACLE_OTHER_LIBC);
}

Test(system, every_truncation_of_a_program_is_noticed_without_a_crash)
{
	size_t size = read_true(bytes, sizeof(bytes));
	struct elf_summary elf;

	for (size_t length = 0; length < 4096; length += 7) {
		write_file(bytes, length, 0755);
		elf_look(path, &elf);
		cr_expect(elf.state == ELF_TRUNCATED || (length < 16 && elf.state == ELF_NONE),
			  "%zu bytes", length);
	}
	write_file(bytes, size / 2, 0755);
	elf_look(path, &elf);
	cr_expect_eq(elf.state, ELF_TRUNCATED);
}

Test(system, random_bytes_in_the_headers_do_no_harm)
{
	size_t size = read_true(bytes, sizeof(bytes));
	unsigned seed = (unsigned)getpid();
	struct elf_summary elf;

	fprintf(stderr, "seed %u\n", seed);
	for (int round = 0; round < 300; round++) {
		char kept[1024], name[64];

		memcpy(kept, bytes, sizeof(kept));
		for (int i = 0; i < 8; i++)
			bytes[16 + (size_t)rand_r(&seed) % 1000] = (char)rand_r(&seed);
		write_file(bytes, size, 0755);
		elf_look(path, &elf);
		cr_expect(memchr(elf.interpreter, 0, sizeof(elf.interpreter)));
		elf_needs(path, "libasan", name, sizeof(name));
		memcpy(bytes, kept, sizeof(kept));
	}
}

static void expect_refused(const char *file, const char *reason)
{
	char *error = preload_check(file);

	cr_assert(error, "%s was taken", file);
	cr_expect(strstr(error, file) == error && strstr(error, reason), "%s", error);
	free(error);
}

Test(system, a_preload_object_is_refused_by_name_and_reason)
{
	char spaced[PATH_MAX + 16];

	expect_refused("/nonexistent.so", "No such file");
	expect_refused("/etc/passwd", "not a shared object");
	expect_refused("/bin/true", "no format version");
	expect_refused(SYSTEM_OTHER_VERSION, "version 999999");
	cr_expect(!preload_check(SYSTEM_SAME_VERSION));
	snprintf(spaced, sizeof(spaced), "%s/a b", directory);
	cr_assert_eq(symlink(SYSTEM_SAME_VERSION, spaced), 0);
	expect_refused(spaced, "space");
	unlink(spaced);
}

/* ---- Processes ------------------------------------------------------------------------------- */

/* A shell with a child that ends when *end is closed. It has spoken when this returns:
 * posix_spawn() alone comes back while the new image is still being put together. */
static pid_t start_reader(int *end, char *const *environment)
{
	char *argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)"echo; cat; :", NULL };
	posix_spawn_file_actions_t actions;
	int ends[2], said[2];
	char line;
	pid_t pid;

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(said, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
	posix_spawn_file_actions_adddup2(&actions, said[1], 1);
	cr_assert_eq(posix_spawn(&pid, argv[0], &actions, NULL, argv, environment), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[0]);
	close(said[1]);
	cr_assert_eq(read(said[0], &line, 1), 1);
	close(said[0]);
	*end = ends[1];
	return pid;
}

Test(system, a_process_is_known_by_start_time_image_and_environment)
{
	char *environment[] = { (char *)"LD_PRELOAD=/x/libflocktrace.so", NULL };
	char *nothing[] = { (char *)"OTHER=1", NULL };
	struct process_stat stat, own;
	char exe[PATH_MAX];
	int end;
	pid_t pid = start_reader(&end, environment);

	cr_assert(process_stat(pid, &stat) && process_stat(getpid(), &own));
	cr_expect_eq(stat.parent, getpid());
	cr_expect(stat.start_time >= own.start_time);
	cr_expect_neq(stat.image, own.image);
	process_executable(pid, exe, sizeof(exe));
	cr_expect(strstr(exe, "sh"));
	cr_expect_eq(process_started_with(pid, "LD_PRELOAD", "/x/libflocktrace.so"), ANSWER_YES);
	cr_expect_eq(process_started_with(pid, "LD_PRELOAD", "/y/"), ANSWER_NO);
	cr_expect_eq(process_maps(pid, "libc"), ANSWER_YES);
	cr_expect_eq(process_maps(pid, "libflocktrace"), ANSWER_NO);
	cr_expect_eq(process_inner_pid(pid), pid);
	close(end);
	waitpid(pid, NULL, 0);
	cr_expect(!process_stat(pid, &stat));
	pid = start_reader(&end, nothing);
	cr_expect_eq(process_started_with(pid, "LD_PRELOAD", "/"), ANSWER_NO);
	close(end);
	waitpid(pid, NULL, 0);
}

static bool contains(const struct pids *pids, pid_t pid)
{
	for (uint32_t i = 0; i < pids->vec.count; i++) {
		if (pids->vec.items[i] == pid)
			return true;
	}
	return false;
}

Test(system, children_are_found_by_list_and_by_scan)
{
	struct pids self = { 0 }, listed = { 0 }, scanned = { 0 };
	int end;
	pid_t pid = start_reader(&end, environ);

	vec_push(&self.vec, getpid());
	if (descendants_has_lists()) {
		descendants_children(getpid(), &listed);
		cr_expect(contains(&listed, pid));
	}
	descendants_scan(&self, &scanned);
	cr_expect(contains(&scanned, pid));
	close(end);
	waitpid(pid, NULL, 0);
	vec_free(&self.vec);
	vec_free(&listed.vec);
	vec_free(&scanned.vec);
}

/* ---- Threads */

#define SHORT 4

static atomic_int lasting;
static atomic_bool over;

static void *work_a_little(void *rounds)
{
	for (volatile intptr_t i = (intptr_t)rounds; i > 0; i--)
		;
	return NULL;
}

static void *last(void *none)
{
	lasting = gettid();
	while (!over)
		sched_yield();
	return none;
}

/* Or there may be others than are told. */
static bool is_in(const struct tasks *tasks, pid_t tid)
{
	for (uint32_t i = 0; i < tasks->vec.count; i++)
		if (tasks->vec.items[i].tid == tid || tasks->vec.items[i].state == '?')
			return true;
	return false;
}

static bool is_listed(pid_t tid)
{
	struct tasks tasks = { 0 };
	bool found;

	cr_assert(tasks_read(getpid(), &tasks));
	found = is_in(&tasks, tid);
	vec_free(&tasks.vec);
	return found;
}

/* The kernel leaves some out, about one of 200 lists. */
Test(system, a_thread_that_lives_is_listed_while_others_end)
{
	for (int i = 0; i < 3000; i++) {
		pthread_t shorts[SHORT], lasts;
		bool listed;

		lasting = 0;
		over = false;
		for (int j = 0; j < SHORT; j++)
			pthread_create(&shorts[j], NULL, work_a_little,
				       (void *)(intptr_t)(i * 7919 % 60000));
		pthread_create(&lasts, NULL, last, NULL);
		while (!lasting)
			sched_yield();
		listed = is_listed(lasting);
		over = true;
		for (int j = 0; j < SHORT; j++)
			pthread_join(shorts[j], NULL);
		pthread_join(lasts, NULL);
		cr_assert(listed, "round %d", i);
	}
}

static int pipes[2];
static atomic_int starter;

/* Starts a thread, and goes to sleep for good. */
static void *start_and_sleep(void *rounds)
{
	pthread_t lasts;
	char byte;

	starter = gettid();
	work_a_little(rounds);
	pthread_create(&lasts, NULL, last, NULL);
	cr_assert_eq(read(pipes[0], &byte, 1), 1);
	pthread_join(lasts, NULL);
	return NULL;
}

static bool sleeps(const struct tasks *tasks, pid_t tid)
{
	for (uint32_t i = 0; i < tasks->vec.count; i++)
		if (tasks->vec.items[i].tid == tid)
			return tasks->vec.items[i].state == 'S' &&
			       tasks->vec.items[i].number == SYS_read;
	return false;
}

Test(system, a_thread_that_was_started_by_one_that_sleeps_now_is_listed)
{
	cr_assert_eq(pipe(pipes), 0);
	for (int i = 0; i < 1000; i++) {
		pthread_t thread;
		struct tasks tasks = { 0 };

		starter = lasting = 0;
		over = false;
		pthread_create(&thread, NULL, start_and_sleep,
			       (void *)(intptr_t)(i * 7919 % 200000));
		do {
			tasks.vec.count = 0;
			cr_assert(tasks_read(getpid(), &tasks));
		} while (!sleeps(&tasks, starter));
		while (!lasting)
			sched_yield();
		over = true;
		cr_assert_eq(write(pipes[1], "", 1), 1);
		pthread_join(thread, NULL);
		cr_assert(is_in(&tasks, lasting), "round %d", i);
		vec_free(&tasks.vec);
	}
}
