/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon as the FaultDomain agent sees it. It is known by the program that
 * a process runs (/proc/PID/exe) and by what it answers; no pid file is
 * believed, since one outlives its process. Never signals a process by its
 * pid alone: a pidfd of the process that was looked at.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "FaultDomain/agent.h"
#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/ipc.h"

#define DELETED " (deleted)"
#define LINK_BYTES 512
#define DEV_LOG "/dev/log"

enum fdm_answer
fdm_ask(const char *op, uint64_t deadline_ms, bool *ret_promoted,
	struct ha_err *err)
{
	json_t *request = json_pack("{s:s}", "op", op);
	struct ha_err said = HA_ERR_INIT;
	json_t *answer = NULL;
	int rc = ha_ipc_ask(HA_IPC_FDM_PATH, request, deadline_ms, &answer,
			    &said);

	if (rc == 0 && ret_promoted) {
		*ret_promoted =
			json_is_true(json_object_get(answer, "promoted"));
	}
	json_decref(request);
	json_decref(answer);
	/* A daemon that knows no such question has answered all the same. */
	if (rc == 0 || (rc == -ENOSYS && strcmp(op, "ping") == 0)) {
		return FDM_ANSWERS;
	}
	if (rc == -ENOTCONN) {
		(void)ha_err_set(err, rc, "nobody listens at %s",
				 HA_IPC_FDM_PATH);
		return FDM_NOBODY;
	}
	(void)ha_err_set(err, rc, "no answer at %s (%s)", HA_IPC_FDM_PATH,
			 strerror(-rc));
	return FDM_SILENT;
}

static bool
runs_daemon(pid_t pid)
{
	char path[64];
	char target[LINK_BYTES];
	struct stat own;
	struct stat its;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0) {
		return false;
	}
	target[n] = '\0';
	if (strncmp(target, FDM_DAEMON, strlen(FDM_DAEMON)) != 0 ||
	    (strcmp(target + strlen(FDM_DAEMON), "") != 0 &&
	     strcmp(target + strlen(FDM_DAEMON), DELETED) != 0)) {
		return false;
	}
	/* A container's daemon is that container's. */
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	return stat(path, &its) == 0 && stat("/proc/self/ns/pid", &own) == 0 &&
	       its.st_dev == own.st_dev && its.st_ino == own.st_ino;
}

int
fdm_find(struct ha_proc_id *ret_id, struct ha_err *err)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int rc = 0;

	if (!dir) {
		return ha_err_set(err, -errno, "/proc can't be read: %s",
				  strerror(errno));
	}
	while (rc == 0 && (entry = readdir(dir))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		struct ha_proc_id id = { .pid = pid };
		char state = 'Z';

		/* The start time before the look and after it: between the two
		 * no other process can have had the pid. */
		if (pid <= 0 || ha_proc_start_ticks(pid, &id.start_ticks) < 0 ||
		    !runs_daemon(pid) || ha_proc_state(pid, &state) < 0 ||
		    state == 'Z' || ha_proc_is_alive(&id) != 1) {
			continue;
		}
		*ret_id = id;
		rc = 1;
	}
	closedir(dir);
	return rc;
}

/* Each write becomes one datagram, that is one line of the log: what a daemon
 * says in its last moment is not lost, and nobody has to read a pipe. */
static int
open_log(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX,
				    .sun_path = DEV_LOG };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 &&
	    connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0) {
		return fd;
	}
	if (fd >= 0) {
		close(fd);
	}
	return open("/dev/null", O_WRONLY | O_CLOEXEC);
}

/* In the child. Pacemaker waits for the end of file of the action's pipes, so
 * none may stay open; its blocked signals must not be inherited either. */
static void
become_daemon(int null_fd, int log_fd, int news_fd)
{
	static char path[] = FDM_DAEMON;
	char *argv[] = { path, NULL };
	sigset_t none;
	int code;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	alarm(0);
	umask(S_IWGRP | S_IRWXO);
	if (setsid() < 0 || chdir("/") < 0 || dup2(null_fd, 0) < 0 ||
	    dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0) {
		code = errno;
	} else {
		pid_t pid = fork();

		if (pid > 0) {
			_exit(0);
		}
		code = errno;
		if (pid == 0) {
			unsetenv("OCF_EXIT_REASON_PREFIX");
			execv(path, argv);
			code = errno;
		}
	}
	if (write(news_fd, &code, sizeof(code)) < 0) {
		_exit(2);
	}
	_exit(1);
}

int
fdm_spawn(struct ha_err *err)
{
	ha_autoclose int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	ha_autoclose int log_fd = open_log();
	int news[2];
	int code = 0;
	ssize_t n;
	pid_t pid;

	/* exec() closes the pipe: its end without a word means success. */
	if (null_fd < 0 || log_fd < 0 || pipe2(news, O_CLOEXEC) < 0) {
		return ha_err_set(err, -errno, "%s can't be started: %s",
				  FDM_DAEMON, strerror(errno));
	}
	pid = fork();
	if (pid == 0) {
		become_daemon(null_fd, log_fd, news[1]);
	}
	code = pid < 0 ? errno : 0;
	close(news[1]);
	if (pid > 0) {
		while ((n = read(news[0], &code, sizeof(code))) < 0 &&
		       errno == EINTR) {
		}
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
		}
	}
	close(news[0]);
	return code == 0 ? 0 :
			   ha_err_set(err, -code, "%s can't be started: %s",
				      FDM_DAEMON, strerror(code));
}

int
fdm_end(const struct ha_proc_id *id, uint64_t kill_ms, uint64_t deadline_ms,
	bool *ret_killed, struct ha_err *err)
{
	ha_autoclose int pidfd = ha_proc_open(id);
	int rc;

	*ret_killed = false;
	if (pidfd == -ESRCH) {
		return 0;
	}
	if (pidfd < 0) {
		return ha_err_set(err, pidfd,
				  "process %d (vmha-fdmd) can't be signalled: "
				  "%s",
				  (int)id->pid, strerror(-pidfd));
	}
	rc = ha_proc_signal(pidfd, SIGTERM);
	if (rc == 0) {
		rc = ha_proc_wait_end(pidfd, kill_ms);
	}
	if (rc == -ETIMEDOUT) {
		*ret_killed = true;
		rc = ha_proc_signal(pidfd, SIGKILL);
		if (rc == 0) {
			rc = ha_proc_wait_end(pidfd, deadline_ms);
		}
	}
	return rc == 0 ? 0 :
			 ha_err_set(err, rc,
				    "process %d (vmha-fdmd) has not ended: %s; "
				    "it may hang in the kernel, see its stack "
				    "in /proc/%d/stack",
				    (int)id->pid, strerror(-rc), (int)id->pid);
}
