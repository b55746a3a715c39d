/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stop action of ocf:vmha:VirtualMachine, run as Pacemaker's executor would
 * run it, with the response's own patience in place of the resource's. The
 * agent proves the end of the process and takes the VM off the list; nothing
 * of that is repeated here. The child has a session of its own: it outlives
 * vmha-fdmd, since a stop that has begun must not be cut short.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "FaultDomain/respond.h"
#include "FaultDomain/timeouts.h"
#include "ha/cleanup.h"

#define FIXED_MAX 20 /* variables that are not parameters */
#define REASON_PREFIX "ocf-exit-reason:"
#define STDERR_BYTES 4096

/* NULL-terminated, all of it malloc'ed. */
struct environment {
	char **vars;
	size_t count;
	bool has_failed;
};

__attribute__((format(printf, 2, 3))) static void
put(struct environment *env, const char *format, ...)
{
	va_list args;
	char *var = NULL;

	va_start(args, format);
	if (vasprintf(&var, format, args) < 0) {
		env->has_failed = true;
	} else {
		env->vars[env->count++] = var;
	}
	va_end(args);
}

static void
free_environment(struct environment *env)
{
	for (size_t i = 0; env->vars && i < env->count; i++) {
		free(env->vars[i]);
	}
	free(env->vars);
}

static void
put_parameters(struct environment *env, const struct responder_vm *vm,
	       enum respond_mode mode, uint64_t patience_ms)
{
	const char *ours =
		mode == RESPOND_POWEROFF ? "shutdown_mode" : "shutdown_timeout";
	bool has_uuid = false;

	for (size_t i = 0; i < vm->n_params; i++) {
		const struct responder_param *p = &vm->params[i];

		if (strcmp(p->name, ours) != 0) {
			put(env, "OCF_RESKEY_%s=%s", p->name, p->value);
		}
		has_uuid = has_uuid || strcmp(p->name, "uuid") == 0;
	}
	if (!has_uuid) {
		put(env, "OCF_RESKEY_uuid=%s", vm->uuid);
	}
	if (mode == RESPOND_POWEROFF) {
		put(env, "OCF_RESKEY_shutdown_mode=off");
	} else {
		put(env, "OCF_RESKEY_shutdown_timeout=%" PRIu64 "ms",
		    patience_ms);
	}
}

/* What Pacemaker's executor gives an agent (Pacemaker Explained, OCF RA API
 * 1.1), and its parameters. */
static int
make_environment(struct environment *env, const struct responder_vm *vm,
		 const char *node, enum respond_mode mode, uint64_t patience_ms,
		 uint64_t timeout_ms)
{
	env->vars = calloc(vm->n_params + FIXED_MAX, sizeof(*env->vars));
	if (!env->vars) {
		return -ENOMEM;
	}
	put(env, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
	put(env, "LC_ALL=C");
	put(env, "HA_LOGFACILITY=daemon");
	put(env, "OCF_ROOT=/usr/lib/ocf");
	put(env, "OCF_RA_VERSION_MAJOR=1");
	put(env, "OCF_RA_VERSION_MINOR=1");
	put(env, "OCF_RESOURCE_INSTANCE=%s", vm->resource);
	put(env, "OCF_RESOURCE_PROVIDER=vmha");
	put(env, "OCF_RESOURCE_TYPE=VirtualMachine");
	put(env, "OCF_RESKEY_CRM_meta_name=stop");
	put(env, "OCF_RESKEY_CRM_meta_timeout=%" PRIu64, timeout_ms);
	put(env, "OCF_RESKEY_CRM_meta_on_node=%s", node ? node : "");
	put_parameters(env, vm, mode, patience_ms);
	return env->has_failed ? -ENOMEM : 0;
}

/* Own session, no signal blocked or ignored, and three descriptors. */
static int
spawn(const char *program, char *const *envp, int stderr_fd, pid_t *ret_pid)
{
	char *path = strdup(program);
	char stop[] = "stop";
	char *argv[] = { path, stop, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	sigset_t all;
	int rc;

	if (!path) {
		return -ENOMEM;
	}
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID |
						POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&files, stderr_fd, 2);
	rc = posix_spawn(ret_pid, path, &files, &attr, argv, envp);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	free(path);
	return -rc;
}

int
respond_run_begin(struct respond_run *run, const char *program,
		  const struct responder_vm *vm, const char *node,
		  enum respond_mode mode, uint64_t patience_ms,
		  struct ha_err *err)
{
	uint64_t timeout_ms = mode == RESPOND_POWEROFF ?
				      RESPOND_POWEROFF_MS :
				      patience_ms + RESPOND_FORCE_MS;
	struct environment env = { 0 };
	int pipe_fds[2] = { -1, -1 };
	pid_t pid = 0;
	int rc =
		make_environment(&env, vm, node, mode, patience_ms, timeout_ms);

	if (rc == 0 && pipe2(pipe_fds, O_CLOEXEC) < 0) {
		rc = -errno;
	}
	if (rc == 0) {
		rc = spawn(program, env.vars, pipe_fds[1], &pid);
	}
	free_environment(&env);
	ha__cleanup_fd(&pipe_fds[1]);
	if (rc < 0) {
		ha__cleanup_fd(&pipe_fds[0]);
		return ha_err_set(err, rc, "%s can't be run: %s", program,
				  strerror(-rc));
	}
	(void)fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
	*run = (struct respond_run){
		.pid = pid,
		.stderr_fd = pipe_fds[0],
		.begun_ms = ha_clock_now_ms(),
	};
	run->deadline_ms = run->begun_ms + timeout_ms + RESPOND_KILL_MS;
	return 0;
}

/* The last reason that the agent gave, cut to one line. */
static void
read_reason(int fd, struct ha_err *err)
{
	char text[STDERR_BYTES];
	size_t len = 0;
	ssize_t n;
	char *reason = NULL;
	char *at = text;

	while (len + 1 < sizeof(text) &&
	       (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0) {
		len += (size_t)n;
	}
	text[len] = '\0';
	while ((at = strstr(at, REASON_PREFIX))) {
		at += strlen(REASON_PREFIX);
		reason = at;
	}
	if (reason) {
		reason[strcspn(reason, "\n")] = '\0';
		ha_err_set(err, -EIO, "%s", reason);
	}
}

static int
judge_end(struct respond_run *run, int status, struct ha_err *err)
{
	bool is_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (!is_well) {
		ha_err_set(err, -EIO,
			   "the VirtualMachine agent ended with %s "
			   "%d",
			   WIFSIGNALED(status) ? "signal" : "exit code",
			   WIFSIGNALED(status) ? WTERMSIG(status) :
						 WEXITSTATUS(status));
		read_reason(run->stderr_fd, err);
	}
	respond_run_leave(run);
	return is_well ? 0 : -EIO;
}

int
respond_run_poll(struct respond_run *run, uint64_t now_ms, struct ha_err *err)
{
	int status = 0;
	pid_t pid = waitpid(run->pid, &status, WNOHANG);

	if (pid == run->pid) {
		return judge_end(run, status, err);
	}
	if (pid < 0 && errno != EINTR) {
		respond_run_leave(run);
		return ha_err_set(err, -EIO,
				  "the VirtualMachine agent was "
				  "lost sight of: %s",
				  strerror(errno));
	}
	/* The child has not been waited for, so the pid is its own, and that of
	 * its session. */
	if (!run->was_killed && now_ms >= run->deadline_ms) {
		run->was_killed = true;
		(void)kill(-run->pid, SIGKILL);
	}
	return 1;
}

void
respond_run_leave(struct respond_run *run)
{
	if (run->pid > 0) {
		ha__cleanup_fd(&run->stderr_fd);
	}
	*run = (struct respond_run){ .stderr_fd = -1 };
}
