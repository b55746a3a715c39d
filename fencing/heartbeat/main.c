/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha-heartbeatd: the main thread. Starts the beating half, then serves it:
 * signals, clients, corosync and the log in one loop. Nothing here is needed
 * for the next beat or pet; if this thread hangs, the host lives on and only
 * its agents wait.
 *
 * It never ends with the watchdog armed by its own decision: when a clean
 * stop can't be written it says so and goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/text.h"
#include "ha/vmlist.h"
#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

#define RUN_FOLDER "/run/vmha"
#define PID_FILE RUN_FOLDER "/heartbeatd.pid"
#define NS_PER_MS 1000000u

/* Exit codes, sysexits.h where it has a word for it: in the man page. */
enum {
	EXIT_OK = 0,       /* clean stop, or --help and the like */
	EXIT_REFUSED = 1,  /* could not start; the log says why */
	EXIT_USAGE = 64,   /* EX_USAGE */
	EXIT_RUNNING = 69, /* EX_UNAVAILABLE: a daemon runs already */
	EXIT_CONF = 78,    /* EX_CONFIG: vmha.conf; systemd does not retry */
};

struct options {
	const char *conf;
	const char *log;
	bool is_foreground;
	bool is_debug;
};

/* hb_start() asks without an argument whether it should end. */
static int start_signal_fd = -1;

/* 0: none waits. */
static uint32_t
next_signal(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info) ?
		       info.ssi_signo :
		       0;
}

static bool
is_ended(void)
{
	for (;;) {
		uint32_t signo = next_signal(start_signal_fd);

		if (signo == 0) {
			return false;
		}
		if (signo == SIGTERM || signo == SIGINT) {
			return true;
		}
	}
}

static void
say(int priority, const char *text)
{
	hb_log_say(priority, text);
	hbs_notify("STATUS=%s", text);
}

static void
try_stop(struct hbs *s)
{
	struct ha_err err = HA_ERR_INIT;
	uint32_t vms = hbs_list_drop_released(s->hb);

	if (vms > 0) {
		hb_log(HB_LOG_STOP_WITH_VMS, vms);
	}
	hb_log(HB_LOG_STOPPING);
	hbs_notify("STOPPING=1");
	if (hb_stop(s->hb, ha_clock_now_ms() + HBS_STOP_MS, &err) < 0) {
		hb_log(HB_LOG_STOP_FAILED, err.text);
		hbs_notify("STATUS=can't stop: %s", err.text);
		return;
	}
	hbs_events_log(s);
	hb_log(HB_LOG_STOPPED);
	s->is_ending = true;
	qb_loop_stop(s->loop);
}

static int32_t
on_signal(int32_t fd, int32_t revents, void *data)
{
	struct hbs *s = data;
	uint32_t signo;

	(void)revents;
	while ((signo = next_signal(fd)) != 0 && !s->is_ending) {
		if (signo == SIGHUP) {
			hbs_reload(s);
		} else {
			try_stop(s);
		}
	}
	return 0;
}

static void
look(struct hbs *s)
{
	hbs_events_log(s);
	hbs_ring_look(s);
	hbs_master_look(s);
	hbs_seal_look(s);
	hbs_order_check(s);
	hbs_holds_look(s);
	hbs_wait_check(s);
}

static int32_t
on_news(int32_t fd, int32_t revents, void *data)
{
	uint64_t count;

	(void)revents;
	(void)!read(fd, &count, sizeof(count));
	look(data);
	return 0;
}

static int32_t
on_tick(int32_t fd, int32_t revents, void *data)
{
	struct hbs *s = data;
	uint64_t count;

	(void)revents;
	(void)!read(fd, &count, sizeof(count));
	if (s->is_ending) {
		return 0;
	}
	hbs_ring_tick(s);
	hbs_serve_tick(s);
	look(s);
	return 0;
}

/* A descriptor, since a timer of qb_loop costs 1 % of a CPU: the loop spins
 * through the last millisecond before each. */
static int
begin_ticks(struct hbs *s)
{
	const struct itimerspec each = {
		.it_value.tv_nsec = 1,
		.it_interval.tv_nsec = (long)(HBS_TICK_MS * NS_PER_MS),
	};
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0 || timerfd_settime(fd, 0, &each, NULL) < 0 ||
	    qb_loop_poll_add(s->loop, QB_LOOP_HIGH, fd, POLLIN, s, on_tick) <
		    0) {
		/* Without its timer this thread is deaf; beats go on. */
		hb_log(HB_LOG_IPC_FAILED, "the daemon's timer has failed: "
					  "restart the daemon");
	}
	return fd;
}

static void
announce(const struct hbs *s)
{
	const struct hb *hb = s->hb;

	hb_log(HB_LOG_SERVING, hb->table.names[hb->self], hb->self,
	       (unsigned long long)hb->incarnation,
	       hb->watchdog.identity[0] ? hb->watchdog.identity :
					  hb->conf.watchdog,
	       HA_IPC_PATH);
	if (hb->watchdog.is_soft) {
		hb_log(HB_LOG_SOFTDOG, hb->conf.watchdog);
	}
	if (!hb->is_mlocked) {
		hb_log(HB_LOG_UNLOCKED);
	}
	if (!hb->is_realtime && hb->conf.realtime_priority > 0) {
		hb_log(HB_LOG_NOT_REALTIME);
	}
	hbs_notify("READY=1\nSTATUS=protected, slot %u, incarnation %llu",
		   hb->self, (unsigned long long)hb->incarnation);
}

/* While the datastores are lost this host lives by what this thread sends
 * and hears, so a busy machine must not keep it waiting: above all that is
 * not real-time, below the threads that beat. What it starts is not. */
static void
be_prompt(const struct hb *hb)
{
	const struct sched_param lowest = {
		.sched_priority = sched_get_priority_min(SCHED_RR),
	};

	if (hb->is_realtime) {
		(void)sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK,
					 &lowest);
	}
}

/* Agents see by it that the list they have announced to is another's. One that
 * can't be written is taken away: then they ask each time. */
static void
write_token(const struct hb *hb)
{
	static const char TMP[] = HA_VMLIST_TOKEN_PATH ".tmp";
	char cluster[HA_UUID_TEXT];
	char text[HA_VMLIST_TOKEN];
	ha_autoclose int fd = -1;
	int n;

	ha_uuid_format(&hb->sb.cluster, cluster);
	n = snprintf(text, sizeof(text), "%s.%llu\n", cluster,
		     (unsigned long long)hb->incarnation);
	fd = open(TMP, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		  0644);
	if (fd < 0 || write(fd, text, (size_t)n) != n ||
	    rename(TMP, HA_VMLIST_TOKEN_PATH) < 0) {
		(void)unlink(HA_VMLIST_TOKEN_PATH);
	}
}

static int
serve(struct hbs *s)
{
	struct ha_err err = HA_ERR_INIT;
	int tick_fd;

	be_prompt(s->hb);

	s->loop = qb_loop_create();
	if (!s->loop) {
		hb_log(HB_LOG_IPC_FAILED, "no memory for the event loop");
		return -ENOMEM;
	}
	s->brake.limit = s->hb->conf.fence_limit;
	hbs_grant_own(s);
	hbs_ring_init(s);
	hbs_seal_init(s);
	write_token(s->hb);
	/* Without the socket agents start nothing, but VMs that run here stay
	 * protected: the daemon goes on. */
	if (hbs_serve_open(s, &err) < 0) {
		hb_log(HB_LOG_IPC_FAILED, err.text);
	}
	(void)qb_loop_poll_add(s->loop, QB_LOOP_HIGH, s->signal_fd, POLLIN, s,
			       on_signal);
	(void)qb_loop_poll_add(s->loop, QB_LOOP_HIGH, s->hb->main_fd, POLLIN, s,
			       on_news);
	announce(s);
	tick_fd = begin_ticks(s);
	while (!s->is_ending) {
		qb_loop_run(s->loop);
	}
	hbs_serve_close(s);
	hbs_ring_done(s);
	qb_loop_destroy(s->loop);
	if (tick_fd >= 0) {
		(void)close(tick_fd);
	}
	return 0;
}

/* One daemon a host, also while none answers yet. The descriptor holds the
 * lock until the process ends. */
static int
lock_pid_file(struct ha_err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	ha_autoclose int fd = -1;
	char text[16];
	int n;

	if (mkdir(RUN_FOLDER, 0755) < 0 && errno != EEXIST) {
		return ha_err_set(err, -errno, "can't make %s: %s", RUN_FOLDER,
				  strerror(errno));
	}
	fd = open(PID_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0) {
		return ha_err_set(err, -errno, "can't open %s: %s", PID_FILE,
				  strerror(errno));
	}
	if (fcntl(fd, F_SETLK, &lock) < 0) {
		(void)fcntl(fd, F_GETLK, &lock);
		return ha_err_set(err, -EBUSY,
				  "a heartbeat daemon runs on this host "
				  "already, process %d",
				  (int)lock.l_pid);
	}
	n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n) {
		return ha_err_set(err, -errno, "can't write %s: %s", PID_FILE,
				  strerror(errno));
	}
	(void)ha_steal_fd(&fd);
	return 0;
}

static int
take_signals(struct ha_err *err)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;
	int fd;

	(void)sigaction(SIGPIPE, &ignore, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
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

static int
run(struct hbs *s, const struct options *options, struct ha_err *err)
{
	static struct hb hb;
	struct ha_hbconf conf;
	int rc = hbs_conf_read(options->conf, &conf, err);

	if (rc < 0) {
		return EXIT_CONF;
	}
	rc = lock_pid_file(err);
	if (rc < 0) {
		return rc == -EBUSY ? EXIT_RUNNING : EXIT_REFUSED;
	}
	s->signal_fd = take_signals(err);
	if (s->signal_fd < 0) {
		return EXIT_REFUSED;
	}
	start_signal_fd = s->signal_fd;
	s->conf_path = options->conf;
	s->hb = &hb;
	rc = hb_start(&hb, &conf, is_ended, say, err);
	if (rc == -EINTR) {
		return EXIT_OK;
	}
	if (rc < 0) {
		return EXIT_REFUSED;
	}
	return serve(s) < 0 ? EXIT_REFUSED : EXIT_OK;
}

static void
usage(FILE *f)
{
	(void)fprintf(
		f, "usage: vmha-heartbeatd [-f] [-d] [-c CONF] [-l FILE]\n"
		   "  -f        log to standard error even under systemd; the\n"
		   "            daemon always stays in the foreground\n"
		   "  -c CONF   configuration, default " HA_HBCONF_PATH "\n"
		   "  -l FILE   log to this file too\n"
		   "  -d        log debug messages\n"
		   "  -V        print the version\n"
		   "  -h        print this\n"
		   "  --log-lines  print what each log line means\n");
}

/* 0: go on; 1: done; -EINVAL. */
static int
take_options(int argc, char **argv, struct options *options)
{
	static const struct option LONG[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "log-lines", no_argument, NULL, 'L' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "fdc:l:Vh", LONG, NULL)) != -1) {
		switch (c) {
		case 'f':
			options->is_foreground = true;
			break;
		case 'd':
			options->is_debug = true;
			break;
		case 'c':
			options->conf = optarg;
			break;
		case 'l':
			options->log = optarg;
			break;
		case 'V':
			printf("vmha-heartbeatd " VMHA_VERSION "\n");
			return 1;
		case 'h':
			usage(stdout);
			return 1;
		case 'L':
			hb_log_print_rows();
			return 1;
		default:
			return -EINVAL;
		}
	}
	return optind == argc ? 0 : -EINVAL;
}

int
main(int argc, char **argv)
{
	static struct hbs s;
	struct options options = { .conf = HA_HBCONF_PATH };
	struct ha_err err = HA_ERR_INIT;
	int rc = take_options(argc, argv, &options);

	if (rc != 0) {
		if (rc < 0) {
			usage(stderr);
		}
		return rc < 0 ? EXIT_USAGE : EXIT_OK;
	}
	/* systemd takes both standard error and syslog into its journal. */
	hb_log_open(options.log,
		    options.is_foreground || !getenv("JOURNAL_STREAM"),
		    options.is_debug);
	hb_log(HB_LOG_BEGIN, VMHA_VERSION, options.conf);
	rc = run(&s, &options, &err);
	if (rc != EXIT_OK) {
		hb_log(HB_LOG_FAILED, err.text);
		hbs_notify("STATUS=%s", err.text);
	}
	hb_log_close();
	return rc;
}
