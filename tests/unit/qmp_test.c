/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/io/qmp against a peer that misbehaves: silent, torn, talkative,
 * refusing, gone, or another process than the one expected. (A well-behaved
 * QEMU is what the agent's tests use.)
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "ha/clock.h"
#include "ha/qmp.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"
#define OK "{\"return\": {}, \"id\": \"vmha\"}\r\n"
#define RUNNING "{\"return\": {\"status\": \"running\"}, \"id\": \"vmha\"}\r\n"
#define EVENT "{\"event\": \"STOP\", \"timestamp\": {}}\r\n"
#define SHORT_MS 100
#define FAR_MS 5000

static char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
static struct ha_qmp qmp;

/* A peer that says one piece at once and one after each line it receives. */
static pid_t
serve(const char *const *pieces)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid = fork();

	if (pid == 0) {
		char line[512];
		int client;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fd);
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		strcpy(addr.sun_path, path);
		if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
		    listen(fd, 1) < 0) {
			_exit(1);
		}
		client = accept(fd, NULL, NULL);
		for (; *pieces; pieces++) {
			if (write(client, *pieces, strlen(*pieces)) < 0 ||
			    read(client, line, sizeof(line)) <= 0) {
				break;
			}
		}
		if (!*pieces) {
			pause();
		}
		_exit(0);
	}
	close(fd);
	while (access(path, F_OK) < 0) {
		usleep(1000);
	}
	usleep(20000); /* bound, now listening */
	return pid;
}

static int
setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/vmha-qmp-test.%d", (int)getpid());
	unlink(path);
	return 0;
}

static void
finish(pid_t pid)
{
	ha_qmp_close(&qmp);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(path);
}

static int
open_it(pid_t pid, uint64_t span_ms, struct ha_err *err)
{
	return ha_qmp_open(&qmp, path, pid, ha_clock_now_ms() + span_ms, err);
}

static void
talks(void **state)
{
	static const char *const PIECES[] = { GREETING, EVENT OK EVENT,
					      EVENT RUNNING, NULL };
	char status[HA_QMP_STATUS] = "";
	pid_t pid = serve(PIECES);

	(void)state;
	assert_int_equal(open_it(pid, FAR_MS, NULL), 0);
	assert_int_equal(
		ha_qmp_status(&qmp, ha_clock_now_ms() + FAR_MS, status, NULL),
		0);
	assert_string_equal(status, "running");
	/* The peer is silent from here on. */
	assert_int_equal(ha_qmp_command(&qmp, "quit",
					ha_clock_now_ms() + SHORT_MS, NULL),
			 -ETIMEDOUT);
	finish(pid);
}

static void
refuses(void **state)
{
	static const char *const PIECES[] = {
		GREETING, OK,
		"{\"error\": {\"class\": \"GenericError\", \"desc\": \"not "
		"now\"}, \"id\": \"vmha\"}\r\n",
		NULL
	};
	struct ha_err err = HA_ERR_INIT;
	pid_t pid = serve(PIECES);

	(void)state;
	assert_int_equal(open_it(pid, FAR_MS, NULL), 0);
	assert_int_equal(
		ha_qmp_command(&qmp, "cont", ha_clock_now_ms() + FAR_MS, &err),
		-EPROTO);
	assert_non_null(strstr(err.text, "not now"));
	finish(pid);
}

static void
no_status_is_no_answer(void **state)
{
	static const char *const PIECES[] = { GREETING, OK, OK, NULL };
	char status[HA_QMP_STATUS] = "untouched";
	pid_t pid = serve(PIECES);

	(void)state;
	assert_int_equal(open_it(pid, FAR_MS, NULL), 0);
	assert_int_equal(
		ha_qmp_status(&qmp, ha_clock_now_ms() + FAR_MS, status, NULL),
		-EPROTO);
	assert_string_equal(status, "untouched");
	finish(pid);
}

static void
bad_peers(void **state)
{
	static const char *const SILENT[] = { NULL };
	static const char *const RUBBISH[] = { "hello\r\n", NULL };
	static const char *const HALF[] = { "{\"QMP\": ", NULL };
	static const struct {
		const char *const *pieces;
		int rc;
	} CASES[] = { { SILENT, -ETIMEDOUT },
		      { RUBBISH, -EINVAL },
		      { HALF, -ETIMEDOUT } };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		pid_t pid = serve(CASES[i].pieces);
		struct ha_err err = HA_ERR_INIT;
		uint64_t start_ms = ha_clock_now_ms();

		assert_int_equal(open_it(pid, SHORT_MS, &err), CASES[i].rc);
		assert_true(err.text[0] != '\0');
		assert_true(ha_clock_now_ms() - start_ms < FAR_MS);
		finish(pid);
	}
}

/* A socket that another process has put there is not believed. */
static void
foreign_peer(void **state)
{
	static const char *const PIECES[] = { GREETING, OK, RUNNING, NULL };
	struct ha_err err = HA_ERR_INIT;
	pid_t pid = serve(PIECES);

	(void)state;
	assert_int_equal(open_it(getpid(), FAR_MS, &err), -EPERM);
	finish(pid);
	assert_int_equal(open_it(pid, SHORT_MS, &err), -ENOENT);
}

static int
next(struct ha_qmp_message *ret_message)
{
	uint64_t deadline_ms = ha_clock_now_ms() + FAR_MS;
	int rc;

	while ((rc = ha_qmp_poll(&qmp, ret_message)) == 0 &&
	       ha_clock_left_ms(deadline_ms) > 0) {
		ha_clock_sleep_ms(5, deadline_ms);
	}
	return rc;
}

/* Nothing is waited for: what comes is read as it comes, to its end. */
static void
watched(void **state)
{
	static const char *const SILENT[] = { NULL };
	static const char *const PIECES[] = {
		GREETING OK,
		RUNNING "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, "
			"\"reason\": \"guest-shutdown\"}}\r\n{\"event\": \"ST",
		NULL
	};
	struct ha_qmp_message m;
	pid_t pid = serve(SILENT);

	(void)state;
	assert_int_equal(ha_qmp_watch(&qmp, path, getpid(), NULL), -EPERM);
	ha_qmp_close(&qmp);
	assert_int_equal(ha_qmp_watch(&qmp, path, pid, NULL), 0);
	assert_int_equal(ha_qmp_poll(&qmp, &m), 0);
	finish(pid);
	assert_int_equal(ha_qmp_watch(&qmp, path, pid, NULL), -ENOENT);

	pid = serve(PIECES);
	assert_int_equal(ha_qmp_watch(&qmp, path, pid, NULL), 0);
	assert_int_equal(next(&m), 1);
	assert_int_equal(m.kind, HA_QMP_GREETING);
	assert_int_equal(next(&m), 1);
	assert_int_equal(m.kind, HA_QMP_RETURN);
	while (m.kind != HA_QMP_EVENT) {
		assert_int_equal(next(&m), 1);
	}
	assert_true(m.by_guest);
	assert_int_equal(ha_qmp_poll(&qmp, &m), 0); /* half a line */
	kill(pid, SIGKILL);
	assert_int_equal(next(&m), -ECONNRESET);
	finish(pid);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(talks),
		cmocka_unit_test(refuses),
		cmocka_unit_test(no_status_is_no_answer),
		cmocka_unit_test(bad_peers),
		cmocka_unit_test(foreign_peer),
		cmocka_unit_test(watched),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
