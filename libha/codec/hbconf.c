/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vmha.conf. GLib's key file is what administrators know, but it takes the
 * last of two equal keys and never tells a line number. So the lines are
 * looked at twice: first by scan_lines(), which refuses what is unknown or
 * doubled and notes where each key stands, then by GLib, which is the judge
 * of syntax and escapes. A word that is not understood is refused: a limit
 * that is silently not in force is worse than a daemon that does not start.
 */
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "ha/fencing.h"
#include "ha/hbconf.h"
#include "ha/text.h"

#define GROUP "heartbeat"
#define MS_PER_S 1000u
#define WATCHDOG_DEFAULT "/dev/watchdog"
#define FENCE_LIMIT_DEFAULT 6 /* one each 10 minutes */
/* Below corosync's 99, above interrupt threads' 50. */
#define PRIORITY_DEFAULT 80
#define PRIORITY_MAX 99     /* sched(7) */
#define PRETIMEOUT_MAX_S 59 /* the longest watchdog timeout is 60 s */
/* A word of the file in a sentence: longer ones are cut. */
#define WORD 60

#define TEXT_OF(number) #number
#define AS_TEXT(number) TEXT_OF(number)

enum conf_key {
	KEY_DATASTORES,
	KEY_HOST,
	KEY_WATCHDOG,
	KEY_PRETIMEOUT,
	KEY_FENCE_LIMIT,
	KEY_PRIORITY,
	KEY_MLOCK,
	KEY_SOFTDOG,
	KEY_N
};

static const struct ha_hbconf_key KEYS[KEY_N] = {
	[KEY_DATASTORES] = {
		"datastores", "", "1 to 5 absolute paths, ';' between",
		"Heartbeat datastores of the cluster: block devices, or files "
		"on shared file systems, made with vmha heartbeat create. All "
		"hosts name the same ones; three are recommended.",
	},
	[KEY_HOST] = {
		"host", "", "1 to 63 characters without space",
		"Name of this host as the slot table and corosync.conf have "
		"it. Default: the kernel's node name (uname -n).",
	},
	[KEY_WATCHDOG] = {
		"watchdog", WATCHDOG_DEFAULT, "absolute path",
		"The watchdog device that resets this host when its evidence "
		"ends.",
	},
	[KEY_PRETIMEOUT] = {
		"watchdog_pretimeout", "0", "0 to 59 s, whole seconds, 0: none",
		"How long before the reset the watchdog raises its "
		"pre-timeout, for a crash dump. Must be below the watchdog "
		"timeout of the datastores' timing.",
	},
	[KEY_FENCE_LIMIT] = {
		"fence_limit", AS_TEXT(FENCE_LIMIT_DEFAULT),
		"0 to " AS_TEXT(HA_BRAKE_KEPT) ", 0: never",
		"How many hosts this host may order to reset within an hour. "
		"Then the next fencing level decides.",
	},
	[KEY_PRIORITY] = {
		"realtime_priority", AS_TEXT(PRIORITY_DEFAULT),
		"1 to 99, 0: none",
		"Real-time priority (round robin) of the threads that beat "
		"and pet. With 0 a busy host may be reset although it is "
		"healthy.",
	},
	[KEY_MLOCK] = {
		"require_mlock", "true", "true, false",
		"Refuse to start when the daemon's memory can't be locked. "
		"With false it warns and goes on; a host that swaps may then "
		"be reset.",
	},
	[KEY_SOFTDOG] = {
		"allow_softdog", "true", "true, false",
		"Accept the kernel's software watchdog, which can't reset a "
		"host whose kernel hangs. It warns; use hardware where there "
		"is any.",
	},
};

struct scan {
	unsigned int line_of[KEY_N]; /* 0: not given */
	bool has_group;
};

const struct ha_hbconf_key *
ha_hbconf_keys(size_t *ret_count)
{
	*ret_count = KEY_N;
	return KEYS;
}

void
ha_hbconf_default(struct ha_hbconf *ret_conf)
{
	*ret_conf = (struct ha_hbconf){
		.watchdog = WATCHDOG_DEFAULT,
		.fence_limit = FENCE_LIMIT_DEFAULT,
		.realtime_priority = PRIORITY_DEFAULT,
		.require_mlock = true,
		.allow_softdog = true,
	};
}

/* ---- lines -------------------------------------------------------------- */

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* "; did you mean x?" or the list of all keys. */
static void
suggest(const char *word, char *ret_text, size_t size)
{
	unsigned int best = HA_TEXT_DISTANCE_MAX;
	size_t used;
	size_t at = 0;

	for (size_t i = 0; i < KEY_N; i++) {
		unsigned int d = ha_text_distance(word, KEYS[i].name);

		if (d < best) {
			best = d;
			at = i;
		}
	}
	if (best <= strlen(KEYS[at].name) / 3) {
		snprintf(ret_text, size, "did you mean %s?", KEYS[at].name);
		return;
	}
	snprintf(ret_text, size, "there are %s", KEYS[0].name);
	for (size_t i = 1; i < KEY_N; i++) {
		used = strlen(ret_text);
		snprintf(ret_text + used, size - used, ", %s", KEYS[i].name);
	}
}

static int
scan_group(const char *line, size_t len, unsigned int line_no,
	   struct scan *scan, struct ha_err *err)
{
	static const char HEADER[] = "[" GROUP "]";

	if (len != sizeof(HEADER) - 1 || memcmp(line, HEADER, len) != 0) {
		return ha_err_set(err, -EINVAL,
				  "line %u: unknown section %.*s: the only "
				  "section is " GROUP,
				  line_no, (int)(len < WORD ? len : WORD),
				  line);
	}
	if (scan->has_group) {
		return ha_err_set(err, -EINVAL,
				  "line %u: section [" GROUP "] stands here a "
				  "second time; join the two",
				  line_no);
	}
	scan->has_group = true;
	return 0;
}

static int
scan_key(const char *line, size_t len, unsigned int line_no, struct scan *scan,
	 struct ha_err *err)
{
	const char *equals = memchr(line, '=', len);
	char word[WORD + 1];
	char hint[256];
	size_t n = equals ? (size_t)(equals - line) : len;

	while (n > 0 && is_space(line[n - 1])) {
		n--;
	}
	snprintf(word, sizeof(word), "%.*s", (int)(n < WORD ? n : WORD), line);
	if (!equals) {
		return ha_err_set(err, -EINVAL,
				  "line %u: %s: neither [section], nor "
				  "key=value, nor a # comment",
				  line_no, word);
	}
	if (!scan->has_group) {
		return ha_err_set(err, -EINVAL,
				  "line %u: %s stands before the section; put "
				  "[" GROUP "] above it",
				  line_no, word);
	}
	for (size_t i = 0; i < KEY_N; i++) {
		if (strlen(KEYS[i].name) != n ||
		    memcmp(KEYS[i].name, line, n) != 0) {
			continue;
		}
		if (scan->line_of[i]) {
			return ha_err_set(err, -EINVAL,
					  "line %u: %s stands in line %u "
					  "already; take one of them out",
					  line_no, word, scan->line_of[i]);
		}
		scan->line_of[i] = line_no;
		return 0;
	}
	suggest(word, hint, sizeof(hint));
	return ha_err_set(err, -EINVAL, "line %u: unknown key %s: %s", line_no,
			  word, hint);
}

static int
scan_lines(const char *text, size_t len, struct scan *scan, struct ha_err *err)
{
	unsigned int line_no = 0;

	if (len > 0 && memchr(text, '\0', len)) {
		return ha_err_set(err, -EINVAL,
				  "the file holds NUL bytes: it is no text");
	}
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;
		const char *line = text;
		int rc = 0;

		text += end ? n + 1 : n;
		len -= end ? n + 1 : n;
		line_no++;
		for (; n > 0 && is_space(*line); line++) {
			n--;
		}
		while (n > 0 && is_space(line[n - 1])) {
			n--;
		}
		if (n > 0 && *line == '[') {
			rc = scan_group(line, n, line_no, scan, err);
		} else if (n > 0 && *line != '#') {
			rc = scan_key(line, n, line_no, scan, err);
		}
		if (rc < 0) {
			return rc;
		}
	}
	return 0;
}

/* ---- values ------------------------------------------------------------- */

/* A path as open(2) can use it from any directory. */
static const char *
take_path(const char *value, char ret_path[HA_PATH])
{
	if (value[0] != '/') {
		return "not an absolute path";
	}
	if (ha_text_copy(ret_path, HA_PATH, value) < 0) {
		return "longer than 255 bytes";
	}
	return NULL;
}

static const char *
take_stores(char **paths, size_t count, struct ha_hbconf *conf)
{
	if (count < 1 || count > HA_STORES_MAX) {
		return "1 to 5 datastores are possible";
	}
	for (size_t i = 0; i < count; i++) {
		const char *why =
			take_path(g_strstrip(paths[i]), conf->store[i]);

		if (why) {
			return why;
		}
		for (size_t k = 0; k < i; k++) {
			if (strcmp(conf->store[k], conf->store[i]) == 0) {
				return "one datastore is named twice";
			}
		}
	}
	conf->stores = (uint32_t)count;
	return NULL;
}

static const char *
take_host(const char *value, char ret_host[HA_HOST_NAME])
{
	if (*value == '\0') {
		return "empty; leave the key out to use the kernel's node name";
	}
	for (const char *p = value; *p; p++) {
		if (is_space(*p) || *p == '\n' || (unsigned char)*p < 0x20) {
			return "a host's name has no spaces";
		}
	}
	return ha_text_copy(ret_host, HA_HOST_NAME, value) < 0 ?
		       "longer than 63 bytes" :
		       NULL;
}

static const char *
take_number(const char *value, uint64_t max, uint64_t *ret_number)
{
	uint64_t number;
	int rc = ha_text_uint64(value, &number);

	if (rc == -EINVAL) {
		return "not a whole number; it has no unit";
	}
	if (rc < 0 || number > max) {
		return "out of range";
	}
	*ret_number = number;
	return NULL;
}

static const char *
take_seconds(const char *value, uint32_t max_s, uint32_t *ret_s)
{
	uint64_t ms;
	int rc = ha_text_duration_ms(value, &ms);

	if (rc == -EINVAL) {
		return "not a duration; write 5 or 5s";
	}
	if (rc == 0 && ms % MS_PER_S != 0) {
		return "a watchdog counts whole seconds";
	}
	if (rc < 0 || ms > (uint64_t)max_s * MS_PER_S) {
		return "out of range";
	}
	*ret_s = (uint32_t)(ms / MS_PER_S);
	return NULL;
}

static const char *
take_bool(const char *value, bool *ret_flag)
{
	return ha_text_bool(value, ret_flag) < 0 ? "neither true nor false" :
						   NULL;
}

/* NULL, or what is wrong with the value. */
static const char *
take_value(enum conf_key key, const char *value, struct ha_hbconf *conf)
{
	const char *why = NULL;
	uint64_t number = 0;

	switch (key) {
	case KEY_HOST:
		return take_host(value, conf->host);
	case KEY_WATCHDOG:
		return take_path(value, conf->watchdog);
	case KEY_PRETIMEOUT:
		return take_seconds(value, PRETIMEOUT_MAX_S,
				    &conf->pretimeout_s);
	case KEY_FENCE_LIMIT:
		why = take_number(value, HA_BRAKE_KEPT, &number);
		conf->fence_limit = (uint32_t)number;
		return why;
	case KEY_PRIORITY:
		why = take_number(value, PRIORITY_MAX, &number);
		conf->realtime_priority = (int)number;
		return why;
	case KEY_MLOCK:
		return take_bool(value, &conf->require_mlock);
	case KEY_SOFTDOG:
		return take_bool(value, &conf->allow_softdog);
	case KEY_DATASTORES: /* a list, see take_key() */
	case KEY_N:
		break;
	}
	return "not a value";
}

static int
take_key(GKeyFile *file, enum conf_key key, unsigned int line_no,
	 struct ha_hbconf *conf, struct ha_err *err)
{
	const char *name = KEYS[key].name;
	GError *error = NULL;
	const char *why;
	gsize count = 0;
	char **list = NULL;
	char *value = g_key_file_get_string(file, GROUP, name, &error);
	int rc = 0;

	if (value && key == KEY_DATASTORES) {
		list = g_key_file_get_string_list(file, GROUP, name, &count,
						  &error);
	}
	if (error) {
		rc = ha_err_set(err, -EINVAL, "line %u: %s: %s", line_no, name,
				error->message);
		g_error_free(error);
	} else {
		why = list ? take_stores(list, count, conf) :
			     take_value(key, g_strstrip(value), conf);
		if (why) {
			rc = ha_err_set(err, -EINVAL,
					"line %u: %s=%s: %s; valid is: %s",
					line_no, name, value, why,
					KEYS[key].range);
		}
	}
	g_strfreev(list);
	g_free(value);
	return rc;
}

static int
take_keys(GKeyFile *file, const struct scan *scan, struct ha_hbconf *conf,
	  struct ha_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < KEY_N && rc == 0; i++) {
		if (scan->line_of[i]) {
			rc = take_key(file, (enum conf_key)i, scan->line_of[i],
				      conf, err);
		}
	}
	return rc;
}

int
ha_hbconf_parse(const char *text, size_t len, struct ha_hbconf *ret_conf,
		struct ha_err *err)
{
	struct scan scan = { .has_group = false };
	struct ha_hbconf conf;
	GError *error = NULL;
	GKeyFile *file;
	int rc = scan_lines(text, len, &scan, err);

	if (rc < 0) {
		return rc;
	}
	if (!scan.line_of[KEY_DATASTORES]) {
		return ha_err_set(err, -EINVAL,
				  "datastores= is missing: name 1 to 5 "
				  "heartbeat datastores in [" GROUP "]; vmha "
				  "heartbeat create --write-conf does it");
	}
	ha_hbconf_default(&conf);
	file = g_key_file_new();
	if (!g_key_file_load_from_data(file, text, len, G_KEY_FILE_NONE,
				       &error)) {
		rc = ha_err_set(err, -EINVAL, "not a key file: %s",
				error->message);
		g_error_free(error);
	} else {
		rc = take_keys(file, &scan, &conf, err);
	}
	g_key_file_free(file);
	if (rc == 0) {
		*ret_conf = conf;
	}
	return rc;
}
