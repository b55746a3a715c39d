/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha.conf: read at the start, and again on SIGHUP. What can change while
 * the watchdog is armed does (fence_limit); what can't is named and left as
 * it is. A file that is wrong changes nothing: a reload never takes
 * protection away.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

#define CONF_BYTES 65536u

int
hbs_conf_read(const char *path, struct ha_hbconf *ret_conf, struct ha_err *err)
{
	static char text[CONF_BYTES];
	ha_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n;

	if (fd < 0) {
		return ha_err_set(err, -errno,
				  "can't read %s: %s; vmha heartbeat create "
				  "--write-conf writes one",
				  path, strerror(errno));
	}
	do {
		n = read(fd, text + used, sizeof(text) - used);
		if (n < 0 && errno != EINTR) {
			return ha_err_set(err, -errno, "can't read %s: %s",
					  path, strerror(errno));
		}
		used += n > 0 ? (size_t)n : 0;
	} while (n != 0 && used < sizeof(text));
	if (used == sizeof(text)) {
		return ha_err_set(err, -EFBIG,
				  "%s is longer than %u bytes: that is not a "
				  "vmha.conf",
				  path, CONF_BYTES - 1);
	}
	n = ha_hbconf_parse(text, used, ret_conf, err);
	return n < 0 ? ha_err_prefix(err, (int)n, "%s: ", path) : 0;
}

static void
tell(const struct hbs *s, bool is_changed, const char *key, bool *ret_any)
{
	if (is_changed) {
		hb_log(HB_LOG_RESTART_NEEDED, s->conf_path, key);
		*ret_any = true;
	}
}

static bool
is_stores_changed(const struct ha_hbconf *a, const struct ha_hbconf *b)
{
	bool is_changed = a->stores != b->stores;

	for (uint32_t i = 0; i < a->stores && !is_changed; i++) {
		is_changed = strcmp(a->store[i], b->store[i]) != 0;
	}
	return is_changed;
}

void
hbs_reload(struct hbs *s)
{
	struct ha_err err = HA_ERR_INIT;
	const struct ha_hbconf *old = &s->hb->conf;
	struct ha_hbconf conf;
	bool is_waiting = false;

	if (hbs_conf_read(s->conf_path, &conf, &err) < 0) {
		hb_log(HB_LOG_RELOAD_FAILED, err.text);
		return;
	}
	tell(s, is_stores_changed(old, &conf), "datastores", &is_waiting);
	tell(s, strcmp(old->host, conf.host) != 0, "host", &is_waiting);
	tell(s, strcmp(old->watchdog, conf.watchdog) != 0, "watchdog",
	     &is_waiting);
	tell(s, old->pretimeout_s != conf.pretimeout_s, "watchdog_pretimeout",
	     &is_waiting);
	tell(s, old->realtime_priority != conf.realtime_priority,
	     "realtime_priority", &is_waiting);
	tell(s, old->require_mlock != conf.require_mlock, "require_mlock",
	     &is_waiting);
	tell(s, old->allow_softdog != conf.allow_softdog, "allow_softdog",
	     &is_waiting);
	s->brake.limit = conf.fence_limit;
	hb_log(HB_LOG_RELOADED, s->conf_path, conf.fence_limit,
	       is_waiting ? "; the rest waits for a restart" : "");
}
