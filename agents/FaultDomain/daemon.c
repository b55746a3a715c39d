/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha-fdmd: start, main loop, end. News (a copy of the CIB, a snapshot, a
 * tick) become rows, and each module looks at them. The loop runs in a context
 * of its own, since libcib's thread owns GLib's default one. Goes on without
 * heartbeatd and without Pacemaker's CIB, and says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/found.h"
#include "FaultDomain/logs.h"
#include "ha/cleanup.h"
#include "ha/clock.h"

#define RUN_FOLDER "/run/vmha"
#define PID_FILE RUN_FOLDER "/fdmd.pid"

enum {
	EXIT_OK = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 64,   /* EX_USAGE */
	EXIT_RUNNING = 69, /* EX_UNAVAILABLE: one runs already */
};

#define GO_ON (-1) /* no exit code */

struct options {
	const char *pid_file;
	bool is_debug;
};

bool
fdm_has_snap(const struct fdm *fdm, uint64_t now_ms)
{
	return fdm->snap && fdm->snap->is_there &&
	       now_ms < fdm->snap->at_ms + FDM_STALE_MS;
}

bool
fdm_has_facts(const struct fdm *fdm)
{
	return fdm->has_cib && fdm->facts;
}

static void
look(struct fdm *fdm)
{
	uint64_t now_ms = ha_clock_now_ms();

	if (fdm->is_ending) {
		return;
	}
	fdm_waits_look(fdm, now_ms, false);
	fdm_election_look(fdm, now_ms);
	fdm_tickets_tell(fdm, now_ms);
	fdm_protect_tick(fdm, now_ms);
	fdm_master_tick(fdm, now_ms);
	fdm_waits_tick(fdm, now_ms);
	fdm_hold_tick(fdm, now_ms);
	fdm_states_tick(fdm, now_ms);
	fdm_admit_tick(fdm, now_ms);
	fdm_guests_tick(fdm, now_ms);
	fdm_lacks_tick(fdm, now_ms);
	fdm_capacity_tick(fdm, now_ms);
	fdm_ready_tick(fdm, now_ms);
	fdm_stock_tick(fdm->stock, now_ms);
}

/* Rows point into both: they are made anew whenever one of them is. */
static void
make_rows(struct fdm *fdm)
{
	g_clear_pointer(&fdm->rows, g_array_unref);
	if (fdm->facts && fdm->snap && fdm->snap->is_there) {
		fdm->rows = fdm_project(fdm->facts, fdm->snap);
		fdm_waits_look(fdm, ha_clock_now_ms(), true);
	}
}

static void
on_copy(void *data, xmlDoc *doc)
{
	struct fdm *fdm = data;

	g_clear_pointer(&fdm->rows, g_array_unref);
	fdm_stock_drop(fdm->stock);
	fdm_facts_free(fdm->facts);
	fdm->facts = fdm_facts_new(doc);
	fdm->copies++;
	fdm->copy_ms = ha_clock_now_ms();
	fdm_waits_configure(fdm);
	if (!fdm->has_cib) {
		fdm->has_cib = true;
		fdm->cib_why[0] = '\0';
		fdm_log(FDM_LOG_CIB, fdm->facts->version,
			fdm_facts_count_gated(fdm->facts),
			fdm->facts->dc[0] ? fdm->facts->dc : "unknown");
	}
	make_rows(fdm);
	look(fdm);
}

static void
on_lost(void *data, const char *why)
{
	struct fdm *fdm = data;

	fdm->has_cib = false;
	g_strlcpy(fdm->cib_why, why, sizeof(fdm->cib_why));
	fdm_log(FDM_LOG_NO_CIB, why);
	look(fdm);
}

static void
on_snap(void *data, struct fdm_snap *snap)
{
	struct fdm *fdm = data;
	bool is_restarted = fdm->snap && fdm->snap->self_incarnation !=
						 snap->self_incarnation;

	g_clear_pointer(&fdm->rows, g_array_unref);
	fdm_snap_free(fdm->snap);
	fdm->snap = snap;
	if (!fdm->was_told || fdm->told_there != snap->is_there) {
		if (snap->is_there) {
			fdm_log(FDM_LOG_HEARTBEAT, snap->self);
		} else {
			fdm_log(FDM_LOG_NO_HEARTBEAT, snap->why);
		}
		fdm->was_told = true;
		fdm->told_there = snap->is_there;
	}
	if (!snap->is_there || is_restarted) {
		fdm->told_isolated = -1;
		g_clear_pointer(&fdm->told_tickets, g_free);
	}
	make_rows(fdm);
	look(fdm);
}

static gboolean
on_tick(gpointer data)
{
	struct fdm *fdm = data;
	uint64_t now_ms = ha_clock_now_ms();

	/* The end has a loop of its own, without a server. */
	if (fdm->is_ending) {
		return G_SOURCE_CONTINUE;
	}
	look(fdm);
	fdm_server_tick(fdm, now_ms);
	fdm_found_tick(fdm, now_ms);
	if (now_ms >= fdm->responder_ms) {
		fdm->responder_ms = now_ms + RESPONDER_TICK_MS;
		fdm_isolate_tick(fdm, now_ms);
	}
	return G_SOURCE_CONTINUE;
}

static gboolean
on_signal(gint fd, GIOCondition condition, gpointer data)
{
	struct signalfd_siginfo info;
	struct fdm *fdm = data;

	(void)condition;
	if (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info) &&
	    !fdm->is_ending) {
		fdm->is_ending = true;
		g_main_loop_quit(fdm->loop);
	}
	return G_SOURCE_CONTINUE;
}

/* heartbeatd has the word of the end; without it the lease ends by itself. */
static void
on_laid_down(void *data, int code, const json_t *answer, const char *why)
{
	(void)code;
	(void)answer;
	(void)why;
	g_main_loop_quit(((struct fdm *)data)->loop);
}

static void
on_released(void *data, int code, const char *why)
{
	(void)code;
	(void)why;
	g_main_loop_quit(((struct fdm *)data)->loop);
}

static gboolean
on_end_time(gpointer data)
{
	g_main_loop_quit(((struct fdm *)data)->loop);
	return G_SOURCE_REMOVE;
}

static void
attach(struct fdm *fdm, GSource *source, GSourceFunc func)
{
	g_source_set_callback(source, func, fdm, NULL);
	(void)g_source_attach(source, fdm->context);
	g_source_unref(source);
}

/* Copies of the CIB go on coming: the stop of all managers may be as new as
 * the stop of this one. */
static void
release_waits(struct fdm *fdm)
{
	GSource *source = g_timeout_source_new(FDM_END_MS);

	if (fdm_waits_count(fdm, true) == 0) {
		g_source_unref(source);
		return;
	}
	attach(fdm, source, on_end_time);
	g_main_loop_run(fdm->loop);
	if (fdm_waits_end(fdm, on_released)) {
		attach(fdm, g_timeout_source_new(FDM_HB_ASK_MS), on_end_time);
		g_main_loop_run(fdm->loop);
	}
}

static void
on_score_gone(struct fdm *fdm, bool is_good)
{
	(void)is_good;
	g_main_loop_quit(fdm->loop);
}

/* So that nobody promotes an instance that does not run. */
static void
take_back_score(struct fdm *fdm)
{
	if (fdm_election_end(fdm, on_score_gone)) {
		attach(fdm, g_timeout_source_new(FDM_HB_ASK_MS), on_end_time);
		g_main_loop_run(fdm->loop);
	}
}

static void
end(struct fdm *fdm)
{
	bool was_master = fdm->master.term != 0 || fdm->master.is_asking;

	fdm_server_close(fdm);
	fdm_found_end(fdm);
	fdm_ready_end(fdm);
	release_waits(fdm);
	if (was_master) {
		fdm_worker_ask(fdm->worker,
			       json_pack("{s:s, s:b}", "op", "master", "on", 0),
			       FDM_HB_ASK_MS, on_laid_down, fdm);
		attach(fdm, g_timeout_source_new(FDM_HB_ASK_MS), on_end_time);
		g_main_loop_run(fdm->loop);
	}
	take_back_score(fdm);
	responder_free(fdm->responder);
	fdm_log(FDM_LOG_END);
}

static int
take_signals(struct ha_err *err)
{
	sigset_t set;
	int fd;

	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	/* Before any thread is made: all of them inherit it. */
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) {
		return ha_err_set(err, -errno, "can't block signals: %s",
				  strerror(errno));
	}
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd >= 0 ? fd :
			 ha_err_set(err, -errno, "no signalfd: %s",
				    strerror(errno));
}

/* One daemon a host; the descriptor holds the lock until the process ends. */
static int
lock_pid_file(const char *path, struct ha_err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	ha_autoclose int fd = -1;

	if (mkdir(RUN_FOLDER, 0755) < 0 && errno != EEXIST) {
		return ha_err_set(err, -errno, "can't make %s: %s", RUN_FOLDER,
				  strerror(errno));
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0) {
		return ha_err_set(err, -errno, "can't open %s: %s", path,
				  strerror(errno));
	}
	if (fcntl(fd, F_SETLK, &lock) < 0) {
		return ha_err_set(err, -EBUSY,
				  "a fault domain manager runs on this host "
				  "already (%s is locked)",
				  path);
	}
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
		return ha_err_set(err, -errno, "can't write %s: %s", path,
				  strerror(errno));
	}
	(void)ha_steal_fd(&fd);
	return 0;
}

static void
make_tables(struct fdm *fdm)
{
	GHashTable **const plain[] = { &fdm->vanished, &fdm->away,
				       &fdm->refused, &fdm->failed };

	for (size_t i = 0; i < G_N_ELEMENTS(plain); i++) {
		*plain[i] = g_hash_table_new_full(g_str_hash, g_str_equal,
						  g_free, g_free);
	}
	fdm->states = fdm_states_new();
}

static int
begin(struct fdm *fdm, int signal_fd, struct ha_err *err)
{
	static const struct ha_cib_calls CALLS = {
		.on_copy = on_copy,
		.on_lost = on_lost,
	};
	GSource *source;
	int rc;

	fdm->context = g_main_context_new();
	g_main_context_push_thread_default(fdm->context);
	fdm->loop = g_main_loop_new(fdm->context, FALSE);
	make_tables(fdm);
	fdm->stock = fdm_stock_new(fdm->context, err);
	if (!fdm->stock) {
		return -EAGAIN;
	}
	fdm->admit = fdm_admit_new();
	fdm->restart = fdm_restart_new();
	fdm->protect = fdm_protect_new();
	fdm->backs = g_ptr_array_new_with_free_func(g_free);
	fdm->ends = g_ptr_array_new_with_free_func(g_free);
	fdm->requests = g_ptr_array_new();
	fdm->master.granting = g_ptr_array_new_with_free_func(g_free);
	fdm_guests_begin(fdm);
	fdm_ready_begin(fdm);
	fdm->told_isolated = -1;
	g_strlcpy(fdm->cib_why, "not read yet", sizeof(fdm->cib_why));
	fdm->responder = responder_new(fdm_log);
	if (!fdm->responder) {
		return ha_err_set(err, -ENOMEM, "no memory");
	}
	rc = fdm_server_open(fdm, err);
	if (rc < 0) {
		return rc;
	}
	fdm->worker = fdm_worker_new(fdm->context, on_snap, fdm, err);
	if (!fdm->worker) {
		return -EAGAIN;
	}
	fdm->found = fdm_found_new(fdm, err);
	if (!fdm->found) {
		return -EAGAIN;
	}
	rc = ha_cib_new(fdm->context, &CALLS, fdm, &fdm->cib, err);
	if (rc < 0) {
		return rc;
	}
	source = g_unix_fd_source_new(signal_fd, G_IO_IN);
	g_source_set_callback(source, G_SOURCE_FUNC(on_signal), fdm, NULL);
	(void)g_source_attach(source, fdm->context);
	g_source_unref(source);
	attach(fdm, g_timeout_source_new(FDM_TICK_MS), on_tick);
	return 0;
}

static int
run(const struct options *options, struct ha_err *err)
{
	static struct fdm fdm;
	int signal_fd = take_signals(err);
	int rc;

	/* After the signals: the log has a thread, too. */
	fdm_log_open(options->is_debug);
	if (signal_fd < 0) {
		return EXIT_REFUSED;
	}
	rc = lock_pid_file(options->pid_file, err);
	if (rc < 0) {
		return rc == -EBUSY ? EXIT_RUNNING : EXIT_REFUSED;
	}
	rc = begin(&fdm, signal_fd, err);
	if (rc < 0) {
		return rc == -EADDRINUSE ? EXIT_RUNNING : EXIT_REFUSED;
	}
	fdm_log(FDM_LOG_BEGIN, VMHA_VERSION, HA_IPC_FDM_PATH);
	g_main_loop_run(fdm.loop);
	end(&fdm);
	(void)unlink(options->pid_file);
	return EXIT_OK;
}

static void
usage(FILE *f)
{
	(void)fprintf(f,
		      "usage: vmha-fdmd [--foreground] [--pid-file FILE] "
		      "[--debug]\n"
		      "  The fault domain manager of this host. It is started "
		      "by Pacemaker, as the\n"
		      "  clone ocf:vmha:FaultDomain, and always stays in the "
		      "foreground.\n"
		      "  --pid-file FILE  default " PID_FILE "\n"
		      "  --debug          log debug messages\n"
		      "  --log-lines      print what each log line means\n"
		      "  --version, --help\n");
}

/* GO_ON, or the exit code. */
static int
take_options(int argc, char **argv, struct options *options)
{
	static const struct option LONG[] = {
		{ "foreground", no_argument, NULL, 'f' },
		{ "pid-file", required_argument, NULL, 'p' },
		{ "debug", no_argument, NULL, 'd' },
		{ "log-lines", no_argument, NULL, 'L' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "fp:dVh", LONG, NULL)) != -1) {
		switch (c) {
		case 'f':
			break;
		case 'p':
			options->pid_file = optarg;
			break;
		case 'd':
			options->is_debug = true;
			break;
		case 'L':
			fdm_log_print_rows();
			return EXIT_OK;
		case 'V':
			printf(FDM_PROGRAM " " VMHA_VERSION "\n");
			return EXIT_OK;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	return optind == argc ? GO_ON : EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	struct options options = { .pid_file = PID_FILE };
	struct ha_err err = HA_ERR_INIT;
	int rc = take_options(argc, argv, &options);

	if (rc != GO_ON) {
		return rc;
	}
	rc = run(&options, &err);
	if (rc != EXIT_OK) {
		fdm_log(FDM_LOG_FAILED, err.text);
	}
	fdm_log_close();
	/* Not exit(): libcib's thread may wait inside. */
	_exit(rc);
}
