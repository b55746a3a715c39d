/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Linux watchdog device (linux/watchdog.h, WDIOC_*), the timer that
 * keeps a pause from buying time (SAFETY 1.2), and the host's own reset.
 */
#ifndef HA_WATCHDOG_H
#define HA_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/err.h"

struct ha_watchdog {
	int fd;                 /* -1: not open */
	uint32_t timeout_ms;    /* as the device confirmed it */
	uint32_t pretimeout_ms; /* 0: none */
	bool is_soft;           /* softdog: shares the kernel's fate */
	bool has_magic_close;
	bool is_nowayout; /* its driver ignores magic close: it can't be
			   * stopped, a close ends in a reset */
	char identity[33];
	char path[256];
};

/* What the device says without opening it: /sys/class/watchdog/watchdogN, or
 * *ret_watchdog with fd -1 and an empty identity where it says nothing. */
int ha_watchdog_look(const char *path, struct ha_watchdog *ret_watchdog,
		     struct ha_err *err);

/* Opening arms the device and is a pet (SAFETY 1.2): the caller has fresh
 * evidence and an armed deadman. Sets and reads back the timeout: a device
 * that confirms more than timeout_ms is -ERANGE (closed again by magic
 * close). EBUSY: the sentence names who holds it, where /proc tells. */
int ha_watchdog_open(const char *path, uint32_t timeout_ms,
		     uint32_t pretimeout_ms, struct ha_watchdog *ret_watchdog,
		     struct ha_err *err);
/* One ioctl. Negative errno. */
int ha_watchdog_pet(struct ha_watchdog *watchdog);
/* Magic close: the device stops counting. Without is_magic the device goes on
 * and resets the host. */
int ha_watchdog_close(struct ha_watchdog *watchdog, bool is_magic,
		      struct ha_err *err);

/* A POSIX timer on CLOCK_BOOTTIME that has the kernel send SIGKILL to this
 * process. Created before arming, set absolutely before each pet, unset
 * after it. */
struct ha_deadman {
	void *timer;
	bool is_created;
};
int ha_deadman_init(struct ha_deadman *deadman, struct ha_err *err);
void ha_deadman_done(struct ha_deadman *deadman);
int ha_deadman_set(struct ha_deadman *deadman, uint64_t at_ms);
int ha_deadman_unset(struct ha_deadman *deadman);

/* Resets (or powers off) this host now, without syncing anything: sysrq
 * where this is the machine itself (initial pid namespace), then reboot(2),
 * which in a container's pid namespace ends exactly that. Returns only when
 * both failed: the caller then stops petting. */
int ha_host_reset(bool is_off);

#endif
