/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to the daemon of this host, and what is wrong by its answer. */
#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "ha/clock.h"
#include "ha/ipc.h"

#define PACKETS_MAX 64 /* each names hosts beyond the last: 255 at most */

/* The process that holds the daemon's pid file, beside its socket; 0: none.
 * It is locked from its first moment, long before its datastores are open. */
static pid_t
waiting_daemon(const char *socket)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	size_t len = strlen(socket);
	char path[128];
	int fd;

	if (len < 5 || len >= sizeof(path) ||
	    strcmp(socket + len - 5, ".sock") != 0) {
		return 0;
	}
	snprintf(path, sizeof(path), "%.*s.pid", (int)len - 5, socket);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return 0;
	}
	/* A lock for reading is enough to meet the one for writing. */
	lock.l_type = F_RDLCK;
	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK) {
		lock.l_pid = 0;
	}
	close(fd);
	return lock.l_pid;
}

int
vmha_ask(const struct vmha *v, json_t *request, uint64_t span_ms,
	 json_t **ret_answer, struct ha_err *err)
{
	const char *path = v->args.socket ? v->args.socket : HA_IPC_PATH;
	int code;

	if (!request) {
		return ha_err_set(err, -ENOMEM, "no memory for a question");
	}
	code = ha_ipc_ask(path, request, ha_clock_now_ms() + span_ms,
			  ret_answer, err);
	json_decref(request);
	if (code == -ENOTCONN) {
		pid_t pid = waiting_daemon(path);

		if (pid != 0) {
			return ha_err_set(
				err, code,
				"vmha-heartbeatd runs here (process %d) and "
				"does not answer yet: it waits for its "
				"heartbeat datastores; its log names them",
				(int)pid);
		}
	}
	return code;
}

const char *
vmha_state_word(const char *state)
{
	return strcmp(state, "standing-down") == 0 ? "disarmed" : state;
}

const char *
vmha_text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

int64_t
vmha_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

bool
vmha_bool(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

int64_t
vmha_age(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

int
vmha_ask_status(const struct vmha *v, json_t **ret_answer, struct ha_err *err)
{
	json_t *all = NULL;
	json_t *hosts;
	int rc = vmha_ask(
		v, json_pack("{s:i, s:s}", "v", HA_IPC_VERSION, "op", "status"),
		ASK_MS, &all, err);

	if (rc < 0) {
		return rc;
	}
	hosts = json_object_get(all, "hosts");
	if (!json_is_array(hosts)) {
		json_decref(all);
		return ha_err_set(err, -EPROTO,
				  "the daemon's answer names no hosts; daemon "
				  "and vmha are of different versions");
	}
	for (int i = 0; i < PACKETS_MAX; i++) {
		json_t *more = NULL;
		json_t *next = json_object_get(all, "next_slot");

		if (!next) {
			break;
		}
		rc = vmha_ask(v,
			      json_pack("{s:i, s:s, s:O}", "v", HA_IPC_VERSION,
					"op", "status", "from", next),
			      ASK_MS, &more, err);
		if (rc < 0) {
			json_decref(all);
			return rc;
		}
		(void)json_object_del(all, "next_slot");
		(void)json_array_extend(hosts, json_object_get(more, "hosts"));
		next = json_object_get(more, "next_slot");
		if (next) {
			(void)json_object_set(all, "next_slot", next);
		}
		json_decref(more);
	}
	*ret_answer = all;
	return 0;
}

static void add(json_t *list, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void
add(json_t *list, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)json_array_append_new(list, json_string(text));
}

static void
self_problems(const json_t *self, json_t *list)
{
	const char *phase = vmha_text(self, "phase");
	const char *evidence = vmha_text(self, "evidence");

	if (vmha_bool(self, "standing_down")) {
		add(list, "watchdogs are disarmed for planned work: no host "
			  "can be proven dead until \"vmha arm\"");
	} else if (strcmp(phase, "armed") != 0) {
		add(list,
		    "the daemon of this host is %s: its watchdog does not "
		    "guard yet",
		    phase);
	} else if (strcmp(evidence, "storage") != 0) {
		add(list,
		    "this host lives by %s evidence: its own beats do not "
		    "reach enough heartbeat datastores",
		    evidence);
	}
	if (!vmha_bool(self, "corosync")) {
		add(list, "corosync does not answer on this host: fence_vmha "
			  "proves nothing here");
	} else if (!vmha_bool(self, "quorate")) {
		add(list, "this host is not in a quorate membership");
	}
	if (vmha_bool(self, "sealed")) {
		const char *why = vmha_text(self, "seal_text");

		add(list, "this host is sealed: %s",
		    *why ? why : "no VM starts here");
	}
	if (vmha_bool(self, "reset_ordered")) {
		add(list, "this host has been ordered to reset itself");
	}
	if (!vmha_bool(self, "mlocked")) {
		add(list, "the daemon's memory is not locked: a host that "
			  "swaps may be reset although it is healthy");
	}
}

static void
host_problem(const json_t *host, json_t *list)
{
	static const struct {
		const char *state;
		const char *text;
	} TEXTS[] = {
		{ "late", "its beat is overdue" },
		{ "silent", "no beat for the whole time that proves silence; "
			    "the ring may keep it alive" },
		{ "dead", "proven dead" },
		{ "unguarded", "it has VMs or beats without an armed "
			       "watchdog: nothing can be proven about it" },
		{ "standing-down", "its watchdog is disarmed for planned "
				   "work" },
		{ "isolated", "cut off and alone: it beats, is no member, and "
			      "hears neither a host nor an isolation address" },
		{ "partitioned", "cut off from here: it beats and is no "
				 "member" },
		{ "ring-only", "it lives by the ring: its own beats do not "
			       "reach the datastores" },
		{ "agent-unreachable", "it is a member, but its heartbeat "
				       "daemon says nothing" },
		{ "unknown", "too few heartbeat datastores tell anything "
			     "about it" },
	};
	const char *state = vmha_text(host, "state");

	for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
		if (strcmp(TEXTS[i].state, state) == 0) {
			add(list, "%s: %s", vmha_text(host, "name"),
			    TEXTS[i].text);
		}
	}
	if (vmha_bool(host, "ring_mode") && strcmp(state, "dead") != 0 &&
	    !vmha_bool(host, "self")) {
		add(list,
		    "%s has lost its heartbeat datastores and lives by "
		    "the ring",
		    vmha_text(host, "name"));
	}
}

json_t *
vmha_problems(const json_t *status)
{
	const json_t *brake = json_object_get(status, "brake");
	json_t *list = json_array();
	const json_t *it;
	size_t i;

	self_problems(json_object_get(status, "self"), list);
	json_array_foreach(json_object_get(status, "stores"), i, it)
	{
		if (!vmha_bool(it, "working")) {
			const char *error = vmha_text(it, "error");

			add(list, "datastore %s does not work: %s",
			    vmha_text(it, "path"),
			    error[0] ? error : "it has not answered yet");
		}
	}
	json_array_foreach(json_object_get(status, "hosts"), i, it)
	{
		host_problem(it, list);
	}
	if (vmha_bool(brake, "full")) {
		add(list,
		    "fence_limit=%" PRId64 " reset orders within an hour are "
		    "used up: no further host is ordered to reset",
		    vmha_number(brake, "limit"));
	}
	return list;
}

enum vmha_tone
vmha_state_tone(const char *state)
{
	static const struct {
		const char *state;
		enum vmha_tone tone;
	} TONES[] = {
		{ "live", TONE_GOOD },     { "late", TONE_WARN },
		{ "isolated", TONE_BAD },  { "agent-unreachable", TONE_BAD },
		{ "silent", TONE_BAD },    { "dead", TONE_BAD },
		{ "unguarded", TONE_BAD }, { "unknown", TONE_BAD },
		{ "stopped", TONE_DIM },   { "never", TONE_DIM },
	};

	for (size_t i = 0; i < sizeof(TONES) / sizeof(TONES[0]); i++) {
		if (strcmp(TONES[i].state, state) == 0) {
			return TONES[i].tone;
		}
	}
	return TONE_WARN;
}
