/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/io/watchdog without a device: sentences, the holder in /proc, the
 * timer that kills, and the reset, which is tried on a pid namespace of its
 * own whose sysrq-trigger is a plain file. The device's functions are tried
 * on the test bed's watchdog (make check-faults).
 */
#include <errno.h>
#include <fcntl.h>
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

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/watchdog.h"
#include "io/watchdog/holder.h"

#define FAR_MS 10000u
#define SHORT_MS 50u
#define FIRST_PID_NAMESPACE 0xEFFFFFFCu
#define SYSRQ "/proc/sysrq-trigger" /* not every kernel has it */
#define TIMEOUT_MS 10000u

static char path[] = "/tmp/vmha-watchdog-test.XXXXXX";

static void
wants(const struct ha_err *err, const char *words)
{
	if (!strstr(err->text, words)) {
		fail_msg("\"%s\" lacks \"%s\"", err->text, words);
	}
}

static void
says_what_is_no_watchdog(void **state)
{
	struct ha_watchdog dog;
	struct ha_err err = HA_ERR_INIT;
	struct stat st;

	(void)state;
	assert_int_equal(
		ha_watchdog_open("/dev/no-such-dog", TIMEOUT_MS, 0, &dog, &err),
		-ENOENT);
	wants(&err, "there is no watchdog /dev/no-such-dog");
	assert_int_equal(ha_watchdog_look("/dev/no-such-dog", &dog, &err),
			 -ENOENT);
	/* A plain file is refused, and the magic is not written into it. */
	assert_int_equal(ha_watchdog_open(path, TIMEOUT_MS, 0, &dog, &err),
			 -ENODEV);
	wants(&err, "is no watchdog device");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(ha_watchdog_open(path, 1500, 0, &dog, &err), -EINVAL);
	wants(&err, "1500 ms");
	assert_int_equal(ha_watchdog_open(path, 0, 0, &dog, &err), -EINVAL);
}

static void
looks_without_opening(void **state)
{
	struct ha_watchdog dog;

	(void)state;
	assert_int_equal(ha_watchdog_look(path, &dog, NULL), 0);
	assert_int_equal(dog.fd, -1);
	assert_string_equal(dog.identity, "");
	assert_string_equal(dog.path, path);
	/* A device, but no watchdog. */
	assert_int_equal(ha_watchdog_look("/dev/null", &dog, NULL), 0);
	assert_string_equal(dog.identity, "");
	assert_false(dog.is_soft);
}

static void
names_the_holder(void **state)
{
	struct ha_err err = HA_ERR_INIT;
	char words[64];
	int ready[2];
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "other-dog");
		if (open(path, O_RDONLY) < 0 || write(ready[1], "", 1) != 1) {
			_exit(1);
		}
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	assert_int_equal(ha__watchdog_open_failed(path, -EBUSY, &err), -EBUSY);
	snprintf(words, sizeof(words), "other-dog (process %d)", (int)pid);
	wants(&err, words);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(ha__watchdog_open_failed(path, -EBUSY, &err), -EBUSY);
	wants(&err, "does not show");
}

/* How a child ends that sets the deadman and then lives for a while:
 * the signal, or 0. */
static int
end_with(uint64_t at_ms, bool is_unset)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct ha_deadman deadman;

		if (ha_deadman_init(&deadman, NULL) < 0 ||
		    ha_deadman_set(&deadman, at_ms) < 0 ||
		    (is_unset && ha_deadman_unset(&deadman) < 0)) {
			_exit(1);
		}
		ha_clock_sleep_ms(is_unset ? SHORT_MS * 4 : FAR_MS, UINT64_MAX);
		ha_deadman_done(&deadman);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
kills_at_the_time(void **state)
{
	uint64_t at_ms = ha_clock_now_ms() + SHORT_MS;

	(void)state;
	assert_int_equal(end_with(at_ms, false), SIGKILL);
	assert_true(ha_clock_now_ms() >= at_ms);
	/* What lies in the past is now, the oldest past too. */
	assert_int_equal(end_with(at_ms, false), SIGKILL);
	assert_int_equal(end_with(0, false), SIGKILL);
	assert_int_equal(end_with(ha_clock_now_ms() + SHORT_MS, true), 0);
}

static void
a_stopped_process_is_killed_too(void **state)
{
	uint64_t at_ms = ha_clock_now_ms() + SHORT_MS * 4;
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct ha_deadman deadman;

		if (ha_deadman_init(&deadman, NULL) == 0 &&
		    ha_deadman_set(&deadman, at_ms) == 0) {
			raise(SIGSTOP);
		}
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void
needs_init(void **state)
{
	struct ha_deadman deadman = { .is_created = false };

	(void)state;
	assert_int_equal(ha_deadman_set(&deadman, 1), -EINVAL);
	ha_deadman_done(&deadman);
}

/* In a child: never returns. Ends as its throw-away PID 1 was ended. */
static void
reset_a_namespace(bool is_off)
{
	struct stat own;
	int status = 0;
	pid_t pid;

	if (stat("/proc/self/ns/pid", &own) < 0 ||
	    unshare(CLONE_NEWNS | CLONE_NEWPID) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    (access(SYSRQ, F_OK) == 0 &&
	     mount(path, SYSRQ, NULL, MS_BIND, NULL) < 0)) {
		_exit(100);
	}
	pid = fork();
	if (pid == 0) {
		struct stat st;

		/* Only where nothing but this process can be hit. */
		if (getpid() != 1 || stat("/proc/self/ns/pid", &st) < 0 ||
		    st.st_ino == own.st_ino ||
		    st.st_ino == FIRST_PID_NAMESPACE) {
			_exit(101);
		}
		ha_host_reset(is_off);
		_exit(102);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		_exit(103);
	}
	_exit(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void
resets_only_its_namespace(void **state)
{
	(void)state;
	for (int is_off = 0; is_off < 2; is_off++) {
		struct stat st;
		int status = 0;
		pid_t pid = fork();

		if (pid == 0) {
			reset_a_namespace(is_off != 0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		/* pid_namespaces(7): restart HUP, power off INT. */
		assert_int_equal(WEXITSTATUS(status), is_off ? SIGINT : SIGHUP);
		/* sysrq would have hit the whole machine. */
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size, 0);
	}
}

static int
set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	return close(fd);
}

static int
tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_is_no_watchdog),
		cmocka_unit_test(looks_without_opening),
		cmocka_unit_test(names_the_holder),
		cmocka_unit_test(kills_at_the_time),
		cmocka_unit_test(a_stopped_process_is_killed_too),
		cmocka_unit_test(needs_init),
		cmocka_unit_test(resets_only_its_namespace),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
