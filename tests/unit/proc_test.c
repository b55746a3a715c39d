/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/io/proc and libha/io/worker against real processes: found by command
 * line, told apart by start time, a zombie leader with a living thread counts
 * as alive, a hanging call is left behind at its deadline.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "ha/clock.h"
#include "ha/proc.h"
#include "ha/worker.h"

#define UUID_A "0b5a2e0e-7a51-4b59-a1a1-6a2a52c1f7a1"
#define UUID_B "0b5a2e0e-7a51-4b59-a1a1-6a2a52c1f7a2"
#define NAME "vmha-unit-test"
#define SOCKET "/run/vmha/qmp/unit%2etest.00000001.sock"
#define FAR_MS 10000
#define QEMU_UID 4711

static char qemu_path[64]; /* this program under a QEMU's name */

/* This program again, under a QEMU's command line, as `program`. */
static pid_t
spawn_as(const char *program, uid_t uid, const char *uuid, const char *name,
	 const char *chardev)
{
	char guest[128] = "guest=";
	const char *argv[] = { "qemu-test", "-name",    guest,   "-uuid",
			       uuid,        "-chardev", chardev, NULL };
	int ready[2];
	char byte;
	pid_t pid;

	strncat(guest, name, sizeof(guest) - 7);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ready[1], STDOUT_FILENO);
		if (setuid(uid) == 0) {
			/* execv() takes char *const[] and changes nothing. */
			execv(program, (char *const *)(uintptr_t)argv);
		}
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static pid_t
spawn(const char *uuid, const char *name, const char *chardev)
{
	return spawn_as(qemu_path, 0, uuid, name, chardev);
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int
find(const char *resource, const char *uuid, const char *name,
     struct ha_qemu_found *found)
{
	struct ha_qemu_want want = { .resource = resource,
				     .uuid = uuid,
				     .name = name,
				     .qemu_uid = QEMU_UID };

	return ha_proc_find_qemu(&want, found, NULL);
}

static void
finds_by_identity(void **state)
{
	pid_t pid = spawn(UUID_A, NAME,
			  "socket,id=vmha-qmp,path=" SOCKET ",server=on");
	struct ha_qemu_found found;

	(void)state;
	assert_int_equal(find(NULL, UUID_A, NULL, &found), 1);
	assert_int_equal(found.id.pid, pid);
	assert_string_equal(found.args.qmp_path, SOCKET);
	assert_int_equal(find("unit.test", NULL, NULL, &found), 1);
	assert_int_equal(find("unit", NULL, NULL, &found), 0);
	/* The same name under another UUID is another VM. */
	assert_int_equal(find(NULL, UUID_B, NAME, &found), 0);
	assert_int_equal(found.n_namesakes, 1);
	/* ... unless our own socket says that it is ours. */
	assert_int_equal(find("unit.test", UUID_B, NAME, &found), 1);
	/* It carries a socket of ours, so it is nobody's unknown VM. */
	assert_int_equal(find(NULL, UUID_B, NULL, &found), 0);
	assert_int_equal(found.n_foreign, 0);
	end(pid);
	assert_int_equal(find(NULL, UUID_A, NULL, &found), 0);
}

static struct ha_qemu_seen
seen_as(const struct ha_qemu_seen *seen, uint32_t count, pid_t pid)
{
	for (uint32_t i = 0; i < count; i++) {
		if (seen[i].id.pid == pid) {
			return seen[i];
		}
	}
	return (struct ha_qemu_seen){ .id = { .pid = 0 } };
}

static void
lists_all(void **state)
{
	static struct ha_qemu_seen seen[64];
	pid_t a = spawn(UUID_A, NAME,
			"socket,id=vmha-qmp,path=" SOCKET ",server=on");
	pid_t b = spawn(UUID_B, NAME, "null");
	pid_t strange = spawn_as(qemu_path, QEMU_UID + 1, UUID_A, NAME, "null");
	struct ha_qemu_seen one;
	uint32_t count = 0;

	(void)state;
	assert_int_equal(ha_proc_list_qemu(QEMU_UID, seen, 64, &count, NULL),
			 0);
	one = seen_as(seen, count, a);
	assert_int_equal(one.id.pid, a);
	assert_string_equal(one.args.qmp_path, SOCKET);
	assert_string_equal(one.args.uuid, UUID_A);
	assert_false(one.is_named);
	one = seen_as(seen, count, b);
	assert_int_equal(one.id.pid, b);
	assert_string_equal(one.args.name, NAME);
	/* Of a user who only pretends. */
	assert_int_equal(seen_as(seen, count, strange).id.pid, 0);
	assert_int_equal(ha_proc_list_qemu(QEMU_UID, seen, 1, &count, NULL),
			 -E2BIG);
	end(a);
	end(b);
	end(strange);
	assert_int_equal(ha_proc_list_qemu(QEMU_UID, seen, 64, &count, NULL),
			 0);
	assert_int_equal(seen_as(seen, count, a).id.pid, 0);
	assert_int_equal(seen_as(seen, count, b).id.pid, 0);
}

static void
counts_foreign_and_doubles(void **state)
{
	pid_t a = spawn(UUID_A, NAME, "null");
	pid_t b = spawn(UUID_A, NAME, "null");
	struct ha_qemu_found found;

	(void)state;
	assert_int_equal(find(NULL, UUID_B, NULL, &found), 0);
	assert_int_equal(found.n_foreign, 2);
	assert_int_equal(find(NULL, UUID_A, NULL, &found), 1);
	assert_int_equal(found.n_matches, 2);
	end(a);
	end(b);
}

/* Anybody may write anything on a command line. */
static void
pretenders_do_not_count(void **state)
{
	pid_t not_qemu = spawn_as("/proc/self/exe", 0, UUID_A, NAME, "null");
	pid_t stranger = spawn_as(qemu_path, QEMU_UID + 1, UUID_A, NAME,
				  "socket,id=vmha-qmp,path=" SOCKET);
	struct ha_qemu_found found;
	pid_t qemu;
	pid_t own;

	(void)state;
	/* The stranger is ignored; what root runs under the UUID is in doubt,
	 * since an emulator may have any name. */
	assert_int_equal(find("unit.test", UUID_A, NAME, &found), 0);
	assert_int_equal(found.n_foreign, 0);
	assert_int_equal(found.n_namesakes, 0);
	assert_int_equal(found.n_doubtful, 1);
	assert_int_equal(found.a_doubtful, not_qemu);
	own = spawn_as("/proc/self/exe", 0, UUID_B, NAME,
		       "socket,id=vmha-qmp,path=" SOCKET);
	assert_int_equal(find("unit.test", UUID_A, NAME, &found), 1);
	assert_int_equal(found.id.pid, own);
	end(own);
	qemu = spawn_as(qemu_path, QEMU_UID, UUID_A, NAME, "null");
	assert_int_equal(find("unit.test", UUID_A, NAME, &found), 1);
	assert_int_equal(found.id.pid, qemu);
	assert_int_equal(found.n_matches, 1);
	end(not_qemu);
	end(stranger);
	end(qemu);
}

/* The name alone is believed only with libvirt's own pid file. */
static void
name_needs_a_pid_file(void **state)
{
	pid_t pid = spawn(UUID_A, NAME, "null");
	struct ha_qemu_found found;
	FILE *f;

	(void)state;
	assert_int_equal(find(NULL, NULL, NAME, &found), 0);
	assert_int_equal(found.n_namesakes, 1);
	assert_int_equal(found.a_namesake, pid);
	assert_int_equal(mount("t", "/run", "tmpfs", 0, NULL), 0);
	assert_int_equal(mkdir("/run/libvirt", 0755), 0);
	assert_int_equal(mkdir("/run/libvirt/qemu", 0755), 0);
	f = fopen("/run/libvirt/qemu/" NAME ".pid", "w");
	assert_non_null(f);
	fprintf(f, "%d\n", (int)pid);
	fclose(f);
	assert_int_equal(find(NULL, NULL, NAME, &found), 1);
	assert_int_equal(found.id.pid, pid);
	assert_int_equal(umount("/run"), 0);
	end(pid);
}

static void
start_time_tells_apart(void **state)
{
	pid_t pid = spawn(UUID_A, NAME, "null");
	struct ha_proc_id id = { .pid = pid };
	int pidfd;

	(void)state;
	assert_int_equal(ha_proc_start_ticks(pid, &id.start_ticks), 0);
	assert_int_equal(ha_proc_is_alive(&id), 1);
	id.start_ticks++;
	assert_int_equal(ha_proc_is_alive(&id), 0);
	assert_int_equal(ha_proc_open(&id), -ESRCH);
	id.start_ticks--;
	pidfd = ha_proc_open(&id);
	assert_true(pidfd >= 0);
	assert_int_equal(ha_proc_wait_end(pidfd, ha_clock_now_ms() + 20),
			 -ETIMEDOUT);
	assert_int_equal(ha_proc_signal(pidfd, SIGKILL), 0);
	assert_int_equal(ha_proc_wait_end(pidfd, ha_clock_now_ms() + FAR_MS),
			 0);
	/* A zombie without threads is gone, reaped or not. */
	assert_int_equal(ha_proc_is_alive(&id), 0);
	waitpid(pid, NULL, 0);
	assert_int_equal(ha_proc_is_alive(&id), 0);
	assert_int_equal(ha_proc_signal(pidfd, SIGKILL), 0);
	close(pidfd);
}

static void *
linger(void *arg)
{
	(void)arg;
	for (;;) {
		pause();
	}
	return NULL;
}

/* A leader that has exited while a thread lives on: what a QEMU looks like
 * of which one thread is stuck on a dead disk. */
static void
living_thread_counts(void **state)
{
	struct ha_qemu_found found;
	struct ha_proc_id id;
	char proc_state = ' ';
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "qemu-test");
		pthread_create(&thread, NULL, linger, NULL);
		pthread_exit(NULL);
	}
	for (int i = 0; i < 200 && proc_state != 'Z'; i++) {
		usleep(10000);
		(void)ha_proc_state(pid, &proc_state);
	}
	assert_int_equal(proc_state, 'Z');
	id.pid = pid;
	assert_int_equal(ha_proc_start_ticks(pid, &id.start_ticks), 0);
	assert_int_equal(ha_proc_is_alive(&id), 1);
	assert_int_equal(find(NULL, UUID_A, NAME, &found), 0);
	assert_int_equal(found.n_dying, 1);
	assert_int_equal(found.dying[0].pid, pid);
	end(pid);
	assert_int_equal(find(NULL, UUID_A, NAME, &found), 0);
	assert_int_equal(found.n_dying, 0);
}

static int
answer(void *arg, int fd)
{
	int rc = ha_worker_write(fd, "words", 5);

	return rc < 0 ? rc : *(int *)arg;
}

static int
hang(void *arg, int fd)
{
	(void)arg;
	(void)fd;
	for (;;) {
		pause();
	}
	return 0;
}

static int
crash(void *arg, int fd)
{
	(void)arg;
	(void)ha_worker_write(fd, "half", 4);
	raise(SIGKILL);
	return 0;
}

static void
worker_has_a_deadline(void **state)
{
	int result = -ENOSPC;
	uint64_t start_ms = ha_clock_now_ms();
	uint64_t far_ms = start_ms + FAR_MS;
	char *out = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(ha_worker_run(answer, &result, 5, far_ms, &out, &len),
			 -ENOSPC);
	assert_int_equal(len, 5);
	assert_string_equal(out, "words");
	free(out);
	out = NULL;
	assert_int_equal(ha_worker_run(crash, NULL, 5, far_ms, &out, &len),
			 -EIO);
	assert_int_equal(
		ha_worker_run(hang, NULL, 5, start_ms + 50, &out, &len),
		-ETIMEDOUT);
	assert_null(out);
	result = 0;
	assert_int_equal(ha_worker_run(answer, &result, 4, far_ms, &out, &len),
			 -E2BIG);
	assert_true(ha_clock_now_ms() < far_ms);
	free(out);
}

/* Waits for the child and ends with its exit status. */
static void
end_like(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		exit(1);
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* Counts of processes only mean something where nobody else's are: a pid
 * namespace with a /proc of its own. The tests are its pid 2, because
 * LeakSanitizer can't trace a pid 1. false: not allowed here. */
static bool
enter_own_namespace(void)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0) {
		return false;
	}
	pid = fork();
	if (pid != 0) {
		end_like(pid);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("proc", "/proc", "proc", 0, NULL) < 0) {
		return false;
	}
	pid = fork();
	if (pid != 0) {
		end_like(pid);
	}
	return true;
}

static int
copy_to_qemu(void **state)
{
	char command[160];

	(void)state;
	snprintf(qemu_path, sizeof(qemu_path), "/tmp/qemu-test.XXXXXX");
	if (!mkdtemp(qemu_path) || chmod(qemu_path, 0755) < 0) {
		return -1;
	}
	strcat(qemu_path, "/qemu-test");
	snprintf(command, sizeof(command), "cp /proc/%d/exe %s", (int)getpid(),
		 qemu_path);
	return system(command);
}

static int
remove_qemu(void **state)
{
	(void)state;
	unlink(qemu_path);
	*strrchr(qemu_path, '/') = '\0';
	return rmdir(qemu_path);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_by_identity),
		cmocka_unit_test(counts_foreign_and_doubles),
		cmocka_unit_test(lists_all),
		cmocka_unit_test(pretenders_do_not_count),
		cmocka_unit_test(name_needs_a_pid_file),
		cmocka_unit_test(start_time_tells_apart),
		cmocka_unit_test(living_thread_counts),
		cmocka_unit_test(worker_has_a_deadline),
	};

	if (argc > 1 && strcmp(argv[1], "-name") == 0) {
		if (write(STDOUT_FILENO, "+", 1) != 1) {
			return 1;
		}
		for (;;) {
			pause();
		}
	}
	if (!enter_own_namespace()) {
		fprintf(stderr, "proc_test needs root: own pid namespace\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, copy_to_qemu, remove_qemu);
}
