/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/io/ipc over real sockets: a child asks, this program serves (or the
 * other way round, where the serving end misbehaves). Who may ask is tried
 * with other users.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/ipc.h"

#define FAR_MS 10000u
#define SHORT_MS 50u
#define NOBODY 65534
#define MANY_GROUPS 3

static char dir[] = "/tmp/vmha-ipc-test.XXXXXX";
static char path[64];

static uint64_t
soon(void)
{
	return ha_clock_now_ms() + FAR_MS;
}

static void
wait_readable(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	assert_int_equal(poll(&p, 1, (int)FAR_MS), 1);
}

/* Asks in a child; its exit status is the negated result, 0xfe for an answer
 * that is not the echo. */
static pid_t
ask_in_child(uid_t uid, gid_t gid, size_t n_groups, const gid_t *groups)
{
	pid_t pid = fork();
	json_t *request;
	json_t *answer = NULL;
	int rc;

	if (pid != 0) {
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (uid != 0 && (setgroups(n_groups, groups) < 0 || setgid(gid) < 0 ||
			 setuid(uid) < 0)) {
		_exit(0xfd);
	}
	request = json_pack("{s:s}", "op", "echo");
	rc = ha_ipc_ask(path, request, soon(), &answer, NULL);
	json_decref(request);
	if (rc == 0 && strcmp(json_string_value(json_object_get(answer, "op")),
			      "echo") != 0) {
		rc = -0xfe;
	}
	json_decref(answer);
	_exit(-rc);
}

static int
status_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Serves one client: its op comes back, or `answer` does. */
static void
serve_one(int listener, json_t *answer, int reply_code)
{
	ha_autoclose int fd = -1;
	json_t *request = NULL;

	wait_readable(listener);
	assert_int_equal(ha_ipc_accept(listener, &fd, NULL), 0);
	wait_readable(fd);
	assert_int_equal(ha_ipc_receive(fd, &request, NULL), 0);
	assert_int_equal(json_integer_value(json_object_get(request, "v")),
			 HA_IPC_VERSION);
	if (!answer) {
		answer = ha_ipc_ok();
		json_object_set(answer, "op", json_object_get(request, "op"));
	}
	assert_int_equal(ha_ipc_reply(fd, answer), reply_code);
	json_decref(answer);
	json_decref(request);
}

static void
question_and_answer(void **state)
{
	ha_autoclose int listener = -1;
	ha_autoclose int fd = -1;
	struct stat st;
	pid_t pid;

	(void)state;
	assert_int_equal(ha_ipc_listen(path, &listener, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777,
			 getgrnam(HA_IPC_GROUP) ? 0660 : 0600);
	assert_int_equal(st.st_uid, 0);
	/* Nobody there: at once, not waiting. */
	assert_int_equal(ha_ipc_accept(listener, &fd, NULL), -EAGAIN);
	pid = ask_in_child(0, 0, 0, NULL);
	serve_one(listener, NULL, 0);
	assert_int_equal(status_of(pid), 0);
}

static void
refusals_come_with_their_errno(void **state)
{
	ha_autoclose int listener = -1;
	pid_t pid;
	json_t *odd = json_pack("{s:i, s:b}", "v", 1, "ok", 0);
	json_t *huge = ha_ipc_ok();
	char *text = malloc(HA_IPC_PACKET);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', HA_IPC_PACKET - 1);
	text[HA_IPC_PACKET - 1] = '\0';
	json_object_set_new(huge, "text", json_string(text));
	free(text);
	assert_int_equal(ha_ipc_listen(path, &listener, NULL), 0);

	pid = ask_in_child(0, 0, 0, NULL);
	serve_one(listener, ha_ipc_failed(-ENOSYS, "no such op"), 0);
	assert_int_equal(status_of(pid), ENOSYS);
	/* A refusal without its errno is no answer. */
	pid = ask_in_child(0, 0, 0, NULL);
	serve_one(listener, odd, 0);
	assert_int_equal(status_of(pid), EPROTO);
	/* Neither yes nor no. */
	pid = ask_in_child(0, 0, 0, NULL);
	serve_one(listener, json_pack("{s:i}", "v", 1), 0);
	assert_int_equal(status_of(pid), EPROTO);
	pid = ask_in_child(0, 0, 0, NULL);
	serve_one(listener,
		  json_pack("{s:i, s:i, s:s}", "v", 1, "errno", EBUSY, "error",
			    "x"),
		  0);
	assert_int_equal(status_of(pid), EPROTO);
	/* Too long for a packet: the client hears that. */
	pid = ask_in_child(0, 0, 0, NULL);
	serve_one(listener, huge, -EMSGSIZE);
	assert_int_equal(status_of(pid), EMSGSIZE);
	/* A sentence that is no text is replaced. */
	pid = ask_in_child(0, 0, 0, NULL);
	serve_one(listener, ha_ipc_failed(0, "\xff"), 0);
	assert_int_equal(status_of(pid), EIO);
}

static void
the_sentence_is_the_daemons(void **state)
{
	ha_autoclose int listener = -1;
	struct ha_err err = HA_ERR_INIT;
	json_t *request = json_pack("{s:s}", "op", "x");
	json_t *answer = NULL;
	pid_t pid;

	(void)state;
	assert_int_equal(ha_ipc_listen(path, &listener, NULL), 0);
	pid = fork();
	if (pid == 0) {
		serve_one(listener, ha_ipc_failed(EBUSY, "web1 is on h2"), 0);
		_exit(0);
	}
	assert_int_equal(ha_ipc_ask(path, request, soon(), &answer, &err),
			 -EBUSY);
	assert_string_equal(err.text, "web1 is on h2");
	assert_null(answer);
	assert_int_equal(status_of(pid), 0);
	json_decref(request);
}

static void
no_daemon_and_a_silent_one(void **state)
{
	struct ha_err err = HA_ERR_INIT;
	json_t *request = json_pack("{s:s}", "op", "x");
	json_t *answer = NULL;
	int listener = -1;
	int fds[200];
	size_t n = 0;

	(void)state;
	unlink(path);
	assert_int_equal(ha_ipc_ask(path, request, soon(), &answer, &err),
			 -ENOTCONN);
	assert_non_null(strstr(err.text, "does not run"));
	assert_int_equal(ha_ipc_listen(path, &listener, NULL), 0);
	/* Accepted by the kernel, never answered. */
	assert_int_equal(ha_ipc_ask(path, request, ha_clock_now_ms() + SHORT_MS,
				    &answer, &err),
			 -ETIMEDOUT);
	/* Its backlog full: not even that. */
	while (n < N_ELEMENTS(fds)) {
		struct sockaddr_un addr = { .sun_family = AF_UNIX };

		strcpy(addr.sun_path, path);
		fds[n] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
		if (connect(fds[n++], (struct sockaddr *)&addr, sizeof(addr)) <
		    0) {
			break;
		}
	}
	assert_true(n < N_ELEMENTS(fds));
	assert_int_equal(ha_ipc_ask(path, request, ha_clock_now_ms() + SHORT_MS,
				    &answer, &err),
			 -ETIMEDOUT);
	while (n > 0) {
		close(fds[--n]);
	}
	close(listener);
	/* A dead socket is no daemon. */
	assert_int_equal(ha_ipc_ask(path, request, soon(), &answer, &err),
			 -ENOTCONN);
	json_decref(request);
}

static void
a_daemon_that_ends_is_no_answer(void **state)
{
	ha_autoclose int listener = -1;
	int fd = -1;
	pid_t pid;

	(void)state;
	assert_int_equal(ha_ipc_listen(path, &listener, NULL), 0);
	pid = ask_in_child(0, 0, 0, NULL);
	wait_readable(listener);
	assert_int_equal(ha_ipc_accept(listener, &fd, NULL), 0);
	wait_readable(fd);
	close(fd);
	assert_int_equal(status_of(pid), ENOTCONN);
}

static void
one_daemon_at_a_path(void **state)
{
	int first = -1;
	int second = -1;
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	assert_int_equal(ha_ipc_listen(path, &first, NULL), 0);
	assert_int_equal(ha_ipc_listen(path, &second, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "already"));
	close(first);
	assert_int_equal(ha_ipc_listen(path, &second, NULL), 0);
	close(second);
	assert_int_equal(ha_ipc_listen("/no/such/dir/sock", &second, &err),
			 -ENOENT);
}

/* What a client sends as bytes, and what the daemon makes of it. */
static int
heard(const void *bytes, size_t len, int flags)
{
	int pair[2];
	json_t *request = NULL;
	int size = 1 << 20;
	int rc;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (len > 0) {
		assert_int_equal(send(pair[0], bytes, len, flags), len);
	} else {
		close(pair[0]);
	}
	rc = ha_ipc_receive(pair[1], &request, NULL);
	json_decref(request);
	if (len > 0) {
		close(pair[0]);
	}
	close(pair[1]);
	return rc;
}

static void
rubbish_is_refused(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{ "{\"v\":1,\"op\":\"x\"}", 0 },
		{ "{\"v\":2,\"op\":\"x\",\"new\":[]}", 0 },
		{ "{\"v\":0}", -EPROTO },
		{ "{\"v\":\"1\"}", -EPROTO },
		{ "{}", -EPROTO },
		{ "{\"v\":1", -EPROTO },
		{ "{\"v\":1,\"v\":1}", -EPROTO },
		{ "{\"v\":1}x", -EPROTO },
		{ "[1]", -EPROTO },
		{ "x", -EPROTO },
	};
	size_t long_bytes = HA_IPC_PACKET + 1;
	char *text = malloc(long_bytes);

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		int rc = heard(cases[i].text, strlen(cases[i].text), 0);

		if (rc != cases[i].rc) {
			fail_msg("%s: %d, not %d", cases[i].text, rc,
				 cases[i].rc);
		}
	}
	/* The end of the connection. */
	assert_int_equal(heard(NULL, 0, 0), 1);
	/* Valid but for its length, the last byte being a blank. */
	assert_non_null(text);
	memset(text, ' ', long_bytes);
	memcpy(text, "{\"v\":1}", 7);
	assert_int_equal(heard(text, long_bytes - 1, 0), 0);
	assert_int_equal(heard(text, long_bytes, 0), -EPROTO);
	free(text);
}

static void
who_does_not_read_is_dropped(void **state)
{
	int pair[2];
	json_t *answer = ha_ipc_ok();
	int rc = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	for (int i = 0; i < 100000 && rc == 0; i++) {
		rc = ha_ipc_reply(pair[0], answer);
	}
	assert_int_equal(rc, -EAGAIN);
	close(pair[1]);
	/* Gone: no SIGPIPE. The first call hears of what was not read. */
	assert_int_equal(ha_ipc_reply(pair[0], answer), -ECONNRESET);
	assert_int_equal(ha_ipc_reply(pair[0], answer), -EPIPE);
	close(pair[0]);
	json_decref(answer);
}

/* A client of another user; *ret_code is what the daemon said. */
static int
strangers_status(int listener, gid_t gid, size_t n_groups, const gid_t *groups,
		 int *ret_code)
{
	pid_t pid = ask_in_child(NOBODY, gid, n_groups, groups);
	int fd = -1;
	struct pollfd p = { listener, POLLIN, 0 };

	*ret_code = 0;
	if (poll(&p, 1, 500) == 1) {
		*ret_code = ha_ipc_accept(listener, &fd, NULL);
		if (*ret_code == 0) {
			json_t *answer = ha_ipc_ok();

			json_object_set_new(answer, "op", json_string("echo"));
			assert_int_equal(ha_ipc_reply(fd, answer), 0);
			json_decref(answer);
		}
	}
	if (*ret_code < 0) {
		assert_int_equal(fd, -1);
	}
	*ret_code = *ret_code == 0 ? status_of(pid) : *ret_code;
	if (*ret_code < 0) {
		status_of(pid);
	}
	if (fd >= 0) {
		close(fd);
	}
	return *ret_code;
}

static void
only_root_and_the_group(void **state)
{
	const struct group *group = getgrnam(HA_IPC_GROUP);
	gid_t many[MANY_GROUPS] = { 7001, 7002, group ? group->gr_gid : 7003 };
	ha_autoclose int listener = -1;
	int code;

	(void)state;
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(ha_ipc_listen(path, &listener, NULL), 0);
	/* The file's mode keeps a stranger out in the kernel. */
	strangers_status(listener, NOBODY, 0, NULL, &code);
	assert_int_equal(code, EACCES);
	/* With the mode opened, the credentials do. */
	assert_int_equal(chmod(path, 0666), 0);
	strangers_status(listener, NOBODY, 0, NULL, &code);
	assert_int_equal(code, -EACCES);
	if (group) {
		strangers_status(listener, group->gr_gid, 0, NULL, &code);
		assert_int_equal(code, 0);
		strangers_status(listener, NOBODY, MANY_GROUPS, many, &code);
		assert_int_equal(code, 0);
	}
}

/* A daemon that is not root's is not believed. */
static void
a_strangers_daemon_is_refused(void **state)
{
	struct ha_err err = HA_ERR_INIT;
	json_t *request = json_pack("{s:s}", "op", "x");
	json_t *answer = NULL;
	int ready[2];
	char byte;
	pid_t pid;

	(void)state;
	unlink(path);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct sockaddr_un addr = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		strcpy(addr.sun_path, path);
		if (setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 &&
		    setuid(NOBODY) == 0 &&
		    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
		    listen(fd, 1) == 0 && write(ready[1], "", 1) == 1) {
			pause();
		}
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	assert_int_equal(ha_ipc_ask(path, request, soon(), &answer, &err),
			 -EPERM);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(path);
	json_decref(request);
}

static int
set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(question_and_answer),
		cmocka_unit_test(refusals_come_with_their_errno),
		cmocka_unit_test(the_sentence_is_the_daemons),
		cmocka_unit_test(no_daemon_and_a_silent_one),
		cmocka_unit_test(a_daemon_that_ends_is_no_answer),
		cmocka_unit_test(one_daemon_at_a_path),
		cmocka_unit_test(rubbish_is_refused),
		cmocka_unit_test(who_does_not_read_is_dropped),
		cmocka_unit_test(only_root_and_the_group),
		cmocka_unit_test(a_strangers_daemon_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
