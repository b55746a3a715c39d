/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The watchdog device (Linux: Documentation/watchdog/watchdog-api.rst). What
 * it confirms counts, never what it was asked for: W goes into the time after
 * which other hosts believe that this one is dead. A device that would fire
 * later than W is refused; one that would never fire must not be armed.
 */
#include "ha/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/text.h"
#include "holder.h"

#define MS_PER_S 1000u
#define SOFTDOG_IDENTITY "Software Watchdog" /* drivers/watchdog/softdog.c */
#define MAGIC_CLOSE 'V'

static void
set_identity(struct ha_watchdog *watchdog, const char *identity, size_t len)
{
	size_t n = strnlen(identity, len);

	if (n >= sizeof(watchdog->identity)) {
		n = sizeof(watchdog->identity) - 1;
	}
	memcpy(watchdog->identity, identity, n);
	watchdog->identity[n] = '\0';
	watchdog->identity[strcspn(watchdog->identity, "\n")] = '\0';
	watchdog->is_soft = strcmp(watchdog->identity, SOFTDOG_IDENTITY) == 0;
}

static bool
read_attribute(const char *dir, const char *name, char *text, size_t size)
{
	char path[128];
	ha_autofile FILE *f = NULL;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	return f && fgets(text, (int)size, f);
}

static uint32_t
read_seconds_as_ms(const char *dir, const char *name)
{
	char text[32];
	uint64_t seconds;

	if (!read_attribute(dir, name, text, sizeof(text))) {
		return 0;
	}
	text[strcspn(text, "\n")] = '\0';
	if (ha_text_uint64(text, &seconds) < 0 ||
	    seconds > UINT32_MAX / MS_PER_S) {
		return 0;
	}
	return (uint32_t)seconds * MS_PER_S;
}

/* /dev/watchdog is the old name of watchdog0; otherwise the device says its
 * place in sysfs by its number. */
static void
sysfs_directory(const char *path, const struct stat *st, char *ret, size_t size)
{
	const unsigned int misc_major = 10;
	const unsigned int watchdog_minor = 130;

	if ((major(st->st_rdev) == misc_major &&
	     minor(st->st_rdev) == watchdog_minor) ||
	    strcmp(path, "/dev/watchdog") == 0) {
		snprintf(ret, size, "/sys/class/watchdog/watchdog0");
		return;
	}
	snprintf(ret, size, "/sys/dev/char/%u:%u", major(st->st_rdev),
		 minor(st->st_rdev));
}

int
ha_watchdog_look(const char *path, struct ha_watchdog *ret_watchdog,
		 struct ha_err *err)
{
	struct ha_watchdog watchdog = { .fd = -1 };
	struct stat st;
	char dir[96];
	char text[64];

	if (ha_text_copy(watchdog.path, sizeof(watchdog.path), path) < 0) {
		return ha_err_set(err, -ENAMETOOLONG,
				  "the watchdog's path is longer than %zu "
				  "characters: %s",
				  sizeof(watchdog.path) - 1, path);
	}
	if (stat(path, &st) < 0) {
		return ha__watchdog_open_failed(path, -errno, err);
	}
	if (S_ISCHR(st.st_mode)) {
		sysfs_directory(path, &st, dir, sizeof(dir));
		if (read_attribute(dir, "identity", text, sizeof(text))) {
			set_identity(&watchdog, text, sizeof(text));
		}
		watchdog.timeout_ms = read_seconds_as_ms(dir, "timeout");
		watchdog.pretimeout_ms = read_seconds_as_ms(dir, "pretimeout");
	}
	*ret_watchdog = watchdog;
	return 0;
}

/* Never disarms by accident: a device without magic close stops with any
 * close, one with it only after the magic. */
static int
close_device(struct ha_watchdog *watchdog, bool is_magic)
{
	const char magic = MAGIC_CLOSE;
	int rc = 0;

	if (is_magic) {
		ssize_t n;

		do {
			n = write(watchdog->fd, &magic, 1);
		} while (n < 0 && errno == EINTR);
		rc = n < 0 ? -errno : 0;
	}
	if (close(watchdog->fd) < 0 && rc == 0) {
		rc = -errno;
	}
	watchdog->fd = -1;
	return rc;
}

static int
set_timeout(struct ha_watchdog *watchdog, uint32_t timeout_ms,
	    struct ha_err *err)
{
	int seconds = (int)(timeout_ms / MS_PER_S);
	int confirmed = seconds;

	if (ioctl(watchdog->fd, WDIOC_SETTIMEOUT, &confirmed) < 0) {
		return ha_err_set(err, -errno,
				  "watchdog %s (%s) refuses a timeout of %d s: "
				  "%s. Choose another profile or device",
				  watchdog->path, watchdog->identity, seconds,
				  strerror(errno));
	}
	if (ioctl(watchdog->fd, WDIOC_GETTIMEOUT, &confirmed) < 0) {
		return ha_err_set(err, -errno,
				  "watchdog %s (%s) does not confirm its "
				  "timeout: %s. Choose another device",
				  watchdog->path, watchdog->identity,
				  strerror(errno));
	}
	if (confirmed < 1 || confirmed > seconds) {
		return ha_err_set(err, -ERANGE,
				  "watchdog %s (%s) uses a timeout of %d s "
				  "where %d s were set. Choose a profile with "
				  "a longer watchdog timeout, or another "
				  "device",
				  watchdog->path, watchdog->identity, confirmed,
				  seconds);
	}
	watchdog->timeout_ms = (uint32_t)confirmed * MS_PER_S;
	return 0;
}

/* A pretimeout is a service (a crash dump before the reset), no safety: a
 * device without goes on without. */
static void
set_pretimeout(struct ha_watchdog *watchdog, uint32_t pretimeout_ms)
{
	int seconds = (int)(pretimeout_ms / MS_PER_S);
	int confirmed = 0;

	watchdog->pretimeout_ms = 0;
	if (seconds == 0 ||
	    ioctl(watchdog->fd, WDIOC_SETPRETIMEOUT, &seconds) < 0 ||
	    ioctl(watchdog->fd, WDIOC_GETPRETIMEOUT, &confirmed) < 0 ||
	    confirmed < 0) {
		return;
	}
	watchdog->pretimeout_ms = (uint32_t)confirmed * MS_PER_S;
}

/* Only sysfs tells; a device without it may still turn out so at its close. */
static bool
is_nowayout(const struct ha_watchdog *watchdog)
{
	struct stat st;
	char dir[96];
	char text[16];

	if (fstat(watchdog->fd, &st) < 0 || !S_ISCHR(st.st_mode)) {
		return false;
	}
	sysfs_directory(watchdog->path, &st, dir, sizeof(dir));
	return read_attribute(dir, "nowayout", text, sizeof(text)) &&
	       text[0] == '1';
}

static int
identify(struct ha_watchdog *watchdog, struct ha_err *err)
{
	struct watchdog_info info = { .options = 0 };

	if (ioctl(watchdog->fd, WDIOC_GETSUPPORT, &info) < 0) {
		return ha_err_set(err, -ENODEV,
				  "%s is no watchdog device: %s. Name one, or "
				  "load its driver (softdog where there is no "
				  "hardware)",
				  watchdog->path, strerror(errno));
	}
	/* The kernel's field is unsigned char and may lack its NUL. */
	set_identity(watchdog, (const char *)info.identity,
		     sizeof(info.identity));
	watchdog->has_magic_close = (info.options & WDIOF_MAGICCLOSE) != 0;
	watchdog->is_nowayout = is_nowayout(watchdog);
	if ((info.options & WDIOF_SETTIMEOUT) == 0) {
		return ha_err_set(
			err, -ENOTSUP,
			"watchdog %s (%s) has a fixed timeout. Choose "
			"another device",
			watchdog->path, watchdog->identity);
	}
	return 0;
}

int
ha_watchdog_open(const char *path, uint32_t timeout_ms, uint32_t pretimeout_ms,
		 struct ha_watchdog *ret_watchdog, struct ha_err *err)
{
	struct ha_watchdog watchdog = { .fd = -1 };
	int rc;

	if (timeout_ms < MS_PER_S || timeout_ms % MS_PER_S != 0) {
		return ha_err_set(err, -EINVAL,
				  "a watchdog's timeout is whole seconds, not "
				  "%u ms",
				  timeout_ms);
	}
	if (ha_text_copy(watchdog.path, sizeof(watchdog.path), path) < 0) {
		return ha_err_set(err, -ENAMETOOLONG,
				  "the watchdog's path is longer than %zu "
				  "characters: %s",
				  sizeof(watchdog.path) - 1, path);
	}
	watchdog.fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (watchdog.fd < 0) {
		return ha__watchdog_open_failed(path, -errno, err);
	}
	rc = identify(&watchdog, err);
	if (rc < 0) {
		/* What is no watchdog is not written to. */
		close_device(&watchdog, rc == -ENOTSUP);
		return rc;
	}
	rc = set_timeout(&watchdog, timeout_ms, err);
	if (rc < 0) {
		close_device(&watchdog, true);
		return rc;
	}
	set_pretimeout(&watchdog, pretimeout_ms);
	*ret_watchdog = watchdog;
	return 0;
}

int
ha_watchdog_pet(struct ha_watchdog *watchdog)
{
	int unused = 0;

	return ioctl(watchdog->fd, WDIOC_KEEPALIVE, &unused) < 0 ? -errno : 0;
}

int
ha_watchdog_close(struct ha_watchdog *watchdog, bool is_magic,
		  struct ha_err *err)
{
	struct stat st;
	char dir[96];
	char text[16];
	bool was_device;
	int rc;

	if (watchdog->fd < 0) {
		return 0;
	}
	was_device = is_magic && fstat(watchdog->fd, &st) == 0 &&
		     S_ISCHR(st.st_mode);
	rc = close_device(watchdog, is_magic);
	/* A driver loaded with nowayout ignores the magic. */
	if (rc == 0 && was_device) {
		sysfs_directory(watchdog->path, &st, dir, sizeof(dir));
		if (read_attribute(dir, "state", text, sizeof(text)) &&
		    strncmp(text, "active", strlen("active")) == 0) {
			rc = -EBUSY;
		}
	}
	return rc < 0 ? ha_err_set(err, rc,
				   "watchdog %s could not be stopped: %s. It "
				   "resets this host in %u s. Was its driver "
				   "loaded with nowayout?",
				   watchdog->path, strerror(-rc),
				   watchdog->timeout_ms / MS_PER_S) :
			0;
}
