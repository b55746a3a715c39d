/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text form of the record that the VirtualMachine agent keeps about a VM:
 * one key=value a line. The record is read by every monitor, so it is
 * written to be parsed without allocation. A torn or foreign record is an
 * error with a sentence; the caller then looks for the process itself.
 */
#include "ha/vmrecord.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ha/text.h"

static const char *const PHASES[HA_VM_PHASE_N] = {
	[HA_VM_PHASE_NONE] = "none",
	[HA_VM_PHASE_STARTING] = "starting",
	[HA_VM_PHASE_RUNNING] = "running",
	[HA_VM_PHASE_OUTGOING] = "outgoing",
};

#define LINE_MAX_BYTES 512

static int
phase_from_word(const char *word, enum ha_vm_phase *ret_phase)
{
	for (size_t i = 0; i < HA_VM_PHASE_N; i++) {
		if (strcmp(PHASES[i], word) == 0) {
			*ret_phase = (enum ha_vm_phase)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
set_field(struct ha_vm_record *record, const char *key, const char *value)
{
	if (strcmp(key, "uuid") == 0) {
		return *value ? ha_text_uuid(value, record->uuid) : 0;
	}
	if (strcmp(key, "boot_id") == 0) {
		return *value ? ha_text_uuid(value, record->boot_id) : 0;
	}
	if (strcmp(key, "name") == 0) {
		return ha_text_copy(record->name, sizeof(record->name), value);
	}
	if (strcmp(key, "qmp_path") == 0) {
		return ha_text_copy(record->qmp_path, sizeof(record->qmp_path),
				    value);
	}
	if (strcmp(key, "peer") == 0) {
		return ha_text_copy(record->peer, sizeof(record->peer), value);
	}
	if (strcmp(key, "listed") == 0) {
		return ha_text_copy(record->listed, sizeof(record->listed),
				    value);
	}
	if (strcmp(key, "phase") == 0) {
		return phase_from_word(value, &record->phase);
	}
	if (strcmp(key, "pid") == 0) {
		return ha_text_int64(value, &record->pid);
	}
	if (strcmp(key, "start_ticks") == 0) {
		return ha_text_uint64(value, &record->start_ticks);
	}
	if (strcmp(key, "agent_pid") == 0) {
		return ha_text_int64(value, &record->agent_pid);
	}
	if (strcmp(key, "reported") == 0) {
		return ha_text_uint64(value, &record->reported);
	}
	if (strcmp(key, "agent_ticks") == 0) {
		return ha_text_uint64(value, &record->agent_ticks);
	}
	return 0;
}

int
ha_vm_record_parse(const char *text, size_t len,
		   struct ha_vm_record *ret_record, struct ha_err *err)
{
	struct ha_vm_record record = { .phase = HA_VM_PHASE_NONE };
	unsigned int line_no = 0;
	bool complete = false;

	while (len > 0) {
		char line[LINE_MAX_BYTES];
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;
		char *eq;

		line_no++;
		if (!end || n >= sizeof(line) || memchr(text, 0, n)) {
			return ha_err_set(err, -EINVAL,
					  "line %u is torn or too long",
					  line_no);
		}
		memcpy(line, text, n);
		line[n] = '\0';
		text += n + 1;
		len -= n + 1;
		if (strcmp(line, "end") == 0) {
			complete = true;
			break;
		}
		eq = strchr(line, '=');
		if (!eq) {
			return ha_err_set(err, -EINVAL,
					  "line %u has no key=value", line_no);
		}
		*eq = '\0';
		if (set_field(&record, line, eq + 1) < 0) {
			return ha_err_set(err, -EINVAL,
					  "line %u: bad value for %s", line_no,
					  line);
		}
	}
	if (!complete) {
		return ha_err_set(err, -EINVAL, "the end is missing");
	}
	if (record.pid < 0 || record.pid > INT32_MAX || record.agent_pid < 0 ||
	    record.agent_pid > INT32_MAX) {
		return ha_err_set(err, -EINVAL, "a pid is out of range");
	}
	*ret_record = record;
	return 0;
}

int
ha_vm_record_format(const struct ha_vm_record *record, char *text, size_t size)
{
	int n = snprintf(text, size,
			 "uuid=%s\nname=%s\nqmp_path=%s\nboot_id=%s\n"
			 "phase=%s\npid=%lld\nstart_ticks=%llu\n"
			 "agent_pid=%lld\nagent_ticks=%llu\n"
			 "peer=%s\nlisted=%s\nreported=%llu\nend\n",
			 record->uuid, record->name, record->qmp_path,
			 record->boot_id, PHASES[record->phase],
			 (long long)record->pid,
			 (unsigned long long)record->start_ticks,
			 (long long)record->agent_pid,
			 (unsigned long long)record->agent_ticks, record->peer,
			 record->listed, (unsigned long long)record->reported);

	return n < 0 || (size_t)n >= size ? -ENOSPC : n;
}

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-' || c == ':';
}

int
ha_vm_file_name(const char *resource, char *ret_name, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (const char *p = resource; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (n + 4 > size) {
			return -ENAMETOOLONG;
		}
		if (is_plain(*p)) {
			ret_name[n++] = *p;
		} else {
			ret_name[n++] = '%';
			ret_name[n++] = hex[c >> 4];
			ret_name[n++] = hex[c & 15];
		}
	}
	if (n == 0 || n >= size) {
		return -ENAMETOOLONG;
	}
	ret_name[n] = '\0';
	return 0;
}

/* FNV-1a: tells two long names apart whose beginnings are equal. */
static uint32_t
checksum(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++) {
		h = (h ^ (unsigned char)*s) * 16777619u;
	}
	return h;
}

/* "/run/vmha/qmp/" + name + "." : what all sockets of a resource share. */
static size_t
qmp_prefix(const char *resource, char ret_prefix[HA_VM_QMP_PATH])
{
	/* ".NONCE.sock" and the NUL must still fit behind the name. */
	enum {
		NAME_MAX_BYTES = HA_VM_QMP_PATH - sizeof(HA_VM_QMP_DIR "/") -
				 sizeof(".01234567.sock")
	};
	char name[3 * HA_VM_RESOURCE + 1];
	int n;

	if (ha_vm_file_name(resource, name, sizeof(name)) < 0) {
		snprintf(name, sizeof(name), "~%08x", checksum(resource));
	} else if (strlen(name) > NAME_MAX_BYTES) {
		snprintf(name + NAME_MAX_BYTES - 9, 10, "~%08x",
			 checksum(resource));
	}
	n = snprintf(ret_prefix, HA_VM_QMP_PATH, HA_VM_QMP_DIR "/%s.", name);
	return (size_t)n;
}

void
ha_vm_qmp_path(const char *resource, uint32_t nonce,
	       char ret_path[HA_VM_QMP_PATH])
{
	size_t n = qmp_prefix(resource, ret_path);

	snprintf(ret_path + n, HA_VM_QMP_PATH - n, "%08x.sock", nonce);
}

void
ha_vm_events_path(const char *qmp_path, char ret_path[HA_VM_QMP_PATH])
{
	static const char sock[] = ".sock", evts[] = ".evts";
	size_t n = strlen(qmp_path);

	ret_path[0] = '\0';
	if (n < HA_VM_QMP_PATH && n >= sizeof(sock) &&
	    strcmp(qmp_path + n + 1 - sizeof(sock), sock) == 0) {
		memcpy(ret_path, qmp_path, n + 1 - sizeof(evts));
		memcpy(ret_path + n + 1 - sizeof(evts), evts, sizeof(evts));
	}
}

bool
ha_vm_qmp_path_is_of(const char *path, const char *resource)
{
	char prefix[HA_VM_QMP_PATH];
	size_t n = qmp_prefix(resource, prefix);

	return strncmp(path, prefix, n) == 0 && !strchr(path + n, '/');
}

bool
ha_vm_qmp_path_is_ours(const char *path)
{
	size_t n = sizeof(HA_VM_QMP_DIR "/") - 1;

	/* The path stands on a command line that anybody may have written:
	 * nothing that leads out of the directory is ours. */
	return strncmp(path, HA_VM_QMP_DIR "/", n) == 0 && path[n] &&
	       !strchr(path + n, '/');
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
				      -1;
}

int
ha_vm_qmp_path_resource(const char *path, char *ret_resource, size_t size)
{
	const char *at = path + sizeof(HA_VM_QMP_DIR "/") - 1;
	size_t n = 0;

	if (!ha_vm_qmp_path_is_ours(path)) {
		return -EINVAL;
	}
	for (; *at && *at != '.'; at++) {
		char c = *at;

		if (c == '%') {
			int high = hex_digit(at[1]);
			int low = high < 0 ? -1 : hex_digit(at[2]);

			if (low < 0) {
				return -EINVAL;
			}
			c = (char)(high * 16 + low);
			at += 2;
		}
		/* A command line is anybody's: no name has these. */
		if (c <= ' ' || c == 127 || c == ';' || n + 1 >= size) {
			return -EINVAL;
		}
		ret_resource[n++] = c;
	}
	if (n == 0 || *at != '.') {
		return -EINVAL;
	}
	ret_resource[n] = '\0';
	return 0;
}
