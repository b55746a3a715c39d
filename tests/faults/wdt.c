/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hardware watchdog for a host of the test bed: the file /dev/watchdog of
 * the host, with the Linux watchdog API (linux/watchdog.h) on it. Not petted
 * in time it sends SIGKILL to the host's PID 1, and the kernel ends all that
 * runs there at once, which is what a reset line does.
 *
 * Runs outside the host and of real-time priority: a paused, frozen or starved
 * host does not pause it. One thread and no wait but for the next event, so a
 * pet is answered at once. It holds the host by a pidfd and can't hit anything
 * else; it ends with the host's mounts, and after it has fired with status 3.
 *
 *   wdt --mount FILE --log FILE --host PID [--timeout S] [--pretimeout S]
 *       [--fired-before] [--owner PID]
 * Differs from a device: the file is a regular one, and WDIOC_SETOPTIONS,
 * which the header declares as a read, fetches its argument from the caller.
 */
#define FUSE_USE_VERSION 312
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <getopt.h>
#include <limits.h>
#include <linux/watchdog.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hostmount.h"
#include "wdtlog.h"

#define TIMEOUT_DEFAULT_S 60 /* the kernel drivers' own */
#define TIMEOUT_MAX_S 65535
#define EXIT_FIRED 3

static struct {
	long timeout_s;
	long pretimeout_s; /* 0: none */
	bool fired_before;
	bool is_open;
	bool is_running;
	bool is_magic; /* the last write had the magic character */
	bool has_pretimeout_passed;
	uint64_t petted_ms;
	unsigned long pets;
	int timer;
	int host; /* pidfd of its PID 1 */
} dog = { .timeout_s = TIMEOUT_DEFAULT_S, .timer = -1, .host = -1 };

static uint64_t
expiry_ms(void)
{
	return dog.petted_ms + (uint64_t)dog.timeout_s * MS_PER_S;
}

static bool
has_pretimeout(void)
{
	return dog.pretimeout_s > 0 && dog.pretimeout_s < dog.timeout_s &&
	       !dog.has_pretimeout_passed;
}

/* To the next event: pretimeout, expiry, or none. */
static void
timer_set(void)
{
	struct itimerspec at = { 0 };
	uint64_t ms = 0;

	if (dog.is_running) {
		ms = expiry_ms();
		if (has_pretimeout()) {
			ms -= (uint64_t)dog.pretimeout_s * MS_PER_S;
		}
	}
	at.it_value.tv_sec = (time_t)(ms / MS_PER_S);
	at.it_value.tv_nsec = (long)(ms % MS_PER_S * NS_PER_MS);
	timerfd_settime(dog.timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void
pet(void)
{
	uint64_t now = boottime_ms();
	uint64_t since_ms = now - dog.petted_ms;

	/* Half of the time is gone: whoever pets was nearly too late. */
	if (dog.is_running && dog.pets > 0 &&
	    since_ms * 2 > (uint64_t)dog.timeout_s * MS_PER_S) {
		wdtlog("late pet: %llu ms after the last, timeout %ld s",
		       (unsigned long long)since_ms, dog.timeout_s);
	}
	dog.petted_ms = now;
	dog.pets++;
	dog.has_pretimeout_passed = false;
	timer_set();
}

static void
arm(const char *why)
{
	if (!dog.is_running) {
		wdtlog("armed: %s, timeout %ld s", why, dog.timeout_s);
	}
	dog.is_running = true;
	dog.pets = 0;
	pet();
}

static void
disarm(const char *why)
{
	dog.is_running = false;
	timer_set();
	wdtlog("disarmed: %s, after %lu pets", why, dog.pets);
}

/* Kill first: writing a line may take its time. */
static void
expire(void)
{
	uint64_t late_ms;

	if (has_pretimeout()) {
		dog.has_pretimeout_passed = true;
		wdtlog("pretimeout: %ld s left", dog.pretimeout_s);
		timer_set();
		return;
	}
	if (pidfd_send_signal(dog.host, SIGKILL, NULL, 0) < 0) {
		wdtlog("expired: the host is off already");
		wdtlog_end();
		_exit(0);
	}
	late_ms = boottime_ms() - expiry_ms();
	wdtlog("expired: %llu ms late, %ld s after the last of %lu pets",
	       (unsigned long long)late_ms, dog.timeout_s, dog.pets);
	wdtlog_end();
	_exit(EXIT_FIRED);
}

static void
attributes(fuse_ino_t ino, struct stat *ret_st)
{
	*ret_st = (struct stat){ .st_ino = ino,
				 .st_mode = S_IFREG | 0600,
				 .st_nlink = 1 };
}

static void
wdt_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	attributes(ino, &st);
	fuse_reply_attr(req, &st, 0);
}

/* O_TRUNC of a shell's redirection: there is nothing to cut. */
static void
wdt_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
	    struct fuse_file_info *fi)
{
	(void)attr;
	(void)to_set;
	wdt_getattr(req, ino, fi);
}

static void
wdt_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	if (dog.is_open) {
		fuse_reply_err(req, EBUSY);
		return;
	}
	fi->direct_io = 1;
	if (fuse_reply_open(req, fi) < 0) {
		return; /* who asked was killed meanwhile */
	}
	dog.is_open = true;
	dog.is_magic = false;
	arm("opened");
}

static void
wdt_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	dog.is_open = false;
	if (dog.is_running && dog.is_magic) {
		disarm("magic close");
	} else if (dog.is_running) {
		wdtlog("closed without magic: goes on");
	}
	fuse_reply_err(req, 0);
}

static void
wdt_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	fuse_reply_err(req, 0);
}

static void
wdt_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size,
	  off_t offset, struct fuse_file_info *fi)
{
	(void)ino;
	(void)offset;
	(void)fi;
	if (size > 0) {
		dog.is_magic = memchr(buf, 'V', size) != NULL;
		pet();
	}
	fuse_reply_write(req, size);
}

/* The caller's int, which the kernel does not bring (see the top). */
static int
caller_int(fuse_req_t req, void *arg, int *ret_value)
{
	struct iovec here = { .iov_base = ret_value, .iov_len = sizeof(int) };
	struct iovec there = { .iov_base = arg, .iov_len = sizeof(int) };

	return process_vm_readv(fuse_req_ctx(req)->pid, &here, 1, &there, 1,
				0) == sizeof(int) ?
		       0 :
		       -EFAULT;
}

static int
options_set(fuse_req_t req, void *arg)
{
	int options = 0;
	int result = caller_int(req, arg, &options);

	if (result < 0) {
		return result;
	}
	if ((options & (WDIOS_DISABLECARD | WDIOS_ENABLECARD)) == 0) {
		return -EINVAL;
	}
	if ((options & WDIOS_DISABLECARD) != 0 && dog.is_running) {
		disarm("WDIOS_DISABLECARD");
	}
	if ((options & WDIOS_ENABLECARD) != 0) {
		arm("WDIOS_ENABLECARD");
	}
	return 0;
}

static int
timeout_set(int seconds)
{
	if (seconds < 1 || seconds > TIMEOUT_MAX_S) {
		return -EINVAL;
	}
	dog.timeout_s = seconds;
	/* As watchdog_core does it: a pretimeout that no longer fits is off. */
	if (dog.pretimeout_s >= seconds) {
		dog.pretimeout_s = 0;
	}
	wdtlog("settimeout: %d s", seconds);
	pet();
	return 0;
}

static int
pretimeout_set(int seconds)
{
	if (seconds < 0 || seconds >= dog.timeout_s) {
		return -EINVAL;
	}
	dog.pretimeout_s = seconds;
	wdtlog("setpretimeout: %d s", seconds);
	timer_set();
	return 0;
}

static int
time_left_s(void)
{
	uint64_t now = boottime_ms();

	return !dog.is_running || now >= expiry_ms() ?
		       0 :
		       (int)((expiry_ms() - now) / MS_PER_S);
}

static void
reply_int(fuse_req_t req, int result, int value)
{
	if (result < 0) {
		fuse_reply_err(req, -result);
	} else {
		fuse_reply_ioctl(req, 0, &value, sizeof(value));
	}
}

static void
reply_support(fuse_req_t req)
{
	static const struct watchdog_info info = {
		.options = WDIOF_SETTIMEOUT | WDIOF_MAGICCLOSE |
			   WDIOF_KEEPALIVEPING | WDIOF_PRETIMEOUT |
			   WDIOF_CARDRESET,
		.firmware_version = 1,
		.identity = "vmha test watchdog",
	};

	fuse_reply_ioctl(req, 0, &info, sizeof(info));
}

static void
wdt_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
	  struct fuse_file_info *fi, unsigned int flags, const void *in,
	  size_t in_size, size_t out_size)
{
	int value = 0;
	int result = 0;

	(void)ino;
	(void)fi;
	(void)flags;
	(void)out_size;
	if (in_size >= sizeof(value)) {
		memcpy(&value, in, sizeof(value));
	}
	switch (cmd) {
	case WDIOC_GETSUPPORT:
		reply_support(req);
		return;
	case WDIOC_GETSTATUS:
		reply_int(req, 0, 0);
		return;
	case WDIOC_GETBOOTSTATUS:
		reply_int(req, 0, dog.fired_before ? WDIOF_CARDRESET : 0);
		return;
	case WDIOC_KEEPALIVE:
		/* Nothing is copied out: callers pass 0 here. */
		pet();
		fuse_reply_ioctl(req, 0, NULL, 0);
		return;
	case WDIOC_SETTIMEOUT:
		result = timeout_set(value);
		reply_int(req, result, (int)dog.timeout_s);
		return;
	case WDIOC_GETTIMEOUT:
		reply_int(req, 0, (int)dog.timeout_s);
		return;
	case WDIOC_SETPRETIMEOUT:
		result = pretimeout_set(value);
		reply_int(req, result, (int)dog.pretimeout_s);
		return;
	case WDIOC_GETPRETIMEOUT:
		reply_int(req, 0, (int)dog.pretimeout_s);
		return;
	case WDIOC_GETTIMELEFT:
		reply_int(req, 0, time_left_s());
		return;
	case WDIOC_SETOPTIONS:
		result = options_set(req, arg);
		if (result < 0) {
			fuse_reply_err(req, -result);
		} else {
			fuse_reply_ioctl(req, 0, NULL, 0);
		}
		return;
	default:
		fuse_reply_err(req, ENOTTY);
	}
}

static const struct fuse_lowlevel_ops operations = {
	.getattr = wdt_getattr,
	.setattr = wdt_setattr,
	.open = wdt_open,
	.release = wdt_release,
	.flush = wdt_flush,
	.write = wdt_write,
	.ioctl = wdt_ioctl,
};

/* Without end by design: until the host is gone or the dog has fired. */
static int
serve(struct fuse_session *session, int fd)
{
	struct fuse_buf buf = { .mem = NULL };
	struct pollfd pfds[] = { { .fd = fd, .events = POLLIN },
				 { .fd = dog.timer, .events = POLLIN } };
	uint64_t ticks;
	int result;

	while (!fuse_session_exited(session)) {
		if (poll(pfds, 2, -1) < 0 && errno != EINTR) {
			return 1;
		}
		/* Pets that came in time are taken before the time is up. */
		if (pfds[0].revents != 0) {
			result = fuse_session_receive_buf(session, &buf);
			if (result == 0 || result == -ENODEV) {
				return 0;
			}
			if (result > 0) {
				fuse_session_process_buf(session, &buf);
			}
			continue;
		}
		if ((pfds[1].revents & POLLIN) != 0 &&
		    read(dog.timer, &ticks, sizeof(ticks)) > 0) {
			expire();
		}
	}
	return 0;
}

/* Best effort: a bed without these rights has a slower dog, not none. */
static void
realtime_begin(void)
{
	struct sched_param param = { .sched_priority =
					     sched_get_priority_max(SCHED_RR) };

	if (sched_setscheduler(0, SCHED_RR, &param) < 0) {
		wdtlog("no real-time priority: %s", strerror(errno));
	}
	if (mlockall(MCL_CURRENT) < 0) {
		wdtlog("memory not locked: %s", strerror(errno));
	}
}

static int
watch(const char *target, long host)
{
	char program[] = "wdt";
	char *argv[] = { program, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_session *session;
	char connection[32];
	int fd;

	dog.host = pidfd_open((pid_t)host, 0);
	dog.timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (dog.host < 0 || dog.timer < 0) {
		fprintf(stderr, "wdt: host %ld: %s\n", host, strerror(errno));
		return 1;
	}
	fd = host_mount("fuse.wdt", target, (pid_t)host, S_IFREG | 0600);
	if (fd < 0) {
		return 1;
	}
	snprintf(connection, sizeof(connection), "/dev/fd/%d", fd);
	session =
		fuse_session_new(&args, &operations, sizeof(operations), NULL);
	if (session == NULL || fuse_session_mount(session, connection) != 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		fprintf(stderr, "wdt: cannot serve %s\n", target);
		return 1;
	}
	realtime_begin();
	wdtlog("ready: host pid %ld", host);
	printf("ready\n");
	fflush(stdout);
	return serve(session, fd);
}

static int
usage(void)
{
	fprintf(stderr, "usage: wdt --mount FILE --log FILE --host PID "
			"[--timeout S] [--pretimeout S] [--fired-before] "
			"[--owner PID]\n");
	return 2;
}

int
main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "mount", required_argument, NULL, 'm' },
		{ "log", required_argument, NULL, 'l' },
		{ "host", required_argument, NULL, 'h' },
		{ "timeout", required_argument, NULL, 't' },
		{ "pretimeout", required_argument, NULL, 'p' },
		{ "fired-before", no_argument, NULL, 'f' },
		{ "owner", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	const char *target = NULL;
	const char *log = NULL;
	long host = -1;
	long owner = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'm':
			target = optarg;
			break;
		case 'l':
			log = optarg;
			break;
		case 'h':
			host = number_parse(optarg, INT_MAX);
			break;
		case 't':
			dog.timeout_s = number_parse(optarg, TIMEOUT_MAX_S);
			break;
		case 'p':
			dog.pretimeout_s = number_parse(optarg, TIMEOUT_MAX_S);
			break;
		case 'f':
			dog.fired_before = true;
			break;
		case 'o':
			owner = number_parse(optarg, INT_MAX);
			break;
		default:
			return usage();
		}
	}
	if (target == NULL || log == NULL || host < 0 || owner < 0 ||
	    dog.timeout_s < 0 || dog.pretimeout_s < 0 || optind != argc) {
		return usage();
	}
	if (owner_follow((pid_t)owner) < 0 || wdtlog_open(log) < 0) {
		fprintf(stderr, "wdt: no owner, or cannot write %s\n", log);
		return 1;
	}
	return watch(target, host);
}
