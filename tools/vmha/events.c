/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha events: the last events of this host, from the journal or a log file,
 * and those that come. Lines that are none of the catalogue's are left out; the
 * log is only read.
 */
#include "events.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/clock.h"

#define LINES 50u
#define FOLLOW_MS 1000u
#define JOURNAL_MS 10000u
#define TAIL_BYTES (4u * 1024 * 1024) /* of a log file */
#define CURSOR "-- cursor: "
#define CURSOR_BYTES 256

struct source {
	struct vmha *v;
	const char *path; /* NULL: the journal */
	char cursor[CURSOR_BYTES];
	off_t offset;
	ino_t inode;
	json_t *events; /* NULL: printed as they come */
};

/* ---- one line ------------------------------------------------------------ */

/* "TIME HOST " in front of the program's name: ISO 8601 is one word, RFC 3164
 * three. */
static bool
split_head(char *line, char *tag, struct event *event)
{
	char *host;

	if (tag <= line || tag[-1] != ' ') {
		return false;
	}
	tag[-1] = '\0';
	host = strrchr(line, ' ');
	if (!host) {
		return false;
	}
	*host = '\0';
	event->time = line;
	event->host = host + 1;
	return true;
}

bool
event_parse(char *line, struct event *ret_event)
{
	static const char *const PROGRAMS[] = { "vmha-heartbeatd[",
						"vmha-fdmd[" };
	struct event event = { 0 };
	char program[32];
	char *id;
	char *end;

	for (size_t i = 0; i < sizeof(PROGRAMS) / sizeof(PROGRAMS[0]); i++) {
		char *tag = strstr(line, PROGRAMS[i]);
		char *text = tag ? strstr(tag, "]: ") : NULL;
		size_t len = strlen(line);

		if (!text || line[len - 1] != ']' ||
		    !split_head(line, tag, &event)) {
			continue;
		}
		snprintf(program, sizeof(program), "%.*s",
			 (int)strlen(PROGRAMS[i]) - 1, PROGRAMS[i]);
		text += strlen("]: ");
		/* "[level] " is the table's too. */
		end = *text == '[' ? strstr(text, "] ") : NULL;
		event.text = end ? end + 2 : text;
		id = strrchr(text, '[');
		if (!id || id <= event.text || id[-1] != ' ') {
			return false;
		}
		id[-1] = '\0';
		line[len - 1] = '\0';
		if (!event_find(program, id + 1, &event.kind)) {
			return false;
		}
		*ret_event = event;
		return true;
	}
	return false;
}

/* ---- what is shown ------------------------------------------------------- */

static json_t *
event_json(const struct event *event)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "time",
			 event->time, "host", event->host, "program",
			 event->kind.program, "level", event->kind.level, "id",
			 event->kind.id, "text", event->text, "todo",
			 event->kind.meaning, "vsphere", event->kind.vsphere);
}

static void
put_event(const struct vmha *v, const struct event *event)
{
	const char *level = event->kind.level;
	enum vmha_tone tone =
		strcmp(level, "crit") == 0 || strcmp(level, "err") == 0 ?
			TONE_BAD :
		strcmp(level, "warning") == 0 ? TONE_WARN :
						TONE_PLAIN;

	printf("%s %s %s%-7s%s %s [%s]\n", event->time, event->host,
	       vmha_tone_on(&v->screen, tone), event->kind.level,
	       vmha_tone_off(&v->screen, tone), event->text, event->kind.id);
	if (tone != TONE_PLAIN) {
		fputs("    -> ", stdout);
		vmha_put_wrapped(event->kind.meaning, 7, 7, v->screen.width,
				 stdout);
	}
}

static void
take(struct source *source, const struct event *event)
{
	json_t *json;

	if (source->events) {
		(void)json_array_append_new(source->events, event_json(event));
	} else if (source->v->args.is_json) {
		json = event_json(event);
		(void)json_dumpf(json, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(json);
	} else {
		put_event(source->v, event);
	}
}

/* Only the last `most` events of the text, whose lines are cut apart. */
static void
take_text(struct source *source, char *text, uint32_t most)
{
	size_t count = 0;
	char *rest = NULL;
	char *copy = strdup(text);
	struct event event;

	for (char *line = copy ? strtok_r(copy, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest)) {
		count += event_parse(line, &event);
	}
	free(copy);
	for (char *line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, CURSOR, strlen(CURSOR)) == 0) {
			snprintf(source->cursor, sizeof(source->cursor), "%s",
				 line + strlen(CURSOR));
		} else if (event_parse(line, &event) && count-- <= most) {
			take(source, &event);
		}
	}
	(void)fflush(stdout);
}

/* ---- where they come from ------------------------------------------------ */

static int
read_journal(struct source *source, uint32_t most)
{
	char after[CURSOR_BYTES + 16];
	const char *const begin[] = { "journalctl",
				      "--quiet",
				      "--no-pager",
				      "--output=short-iso",
				      "-t",
				      "vmha-heartbeatd",
				      "-t",
				      "vmha-fdmd",
				      "--show-cursor",
				      "--lines=2000",
				      NULL };
	const char *const go_on[] = { "journalctl",
				      "--quiet",
				      "--no-pager",
				      "--output=short-iso",
				      "-t",
				      "vmha-heartbeatd",
				      "-t",
				      "vmha-fdmd",
				      "--show-cursor",
				      after,
				      NULL };
	ha_autofree char *text = NULL;
	int status = 0;
	int rc;

	snprintf(after, sizeof(after), "--after-cursor=%s", source->cursor);
	rc = vmha_run(*source->cursor ? go_on : begin, JOURNAL_MS, &text,
		      &status);
	if (rc < 0 || status != 0) {
		return rc < 0 ? rc : -EIO;
	}
	take_text(source, text, most);
	return 0;
}

/* From where the last look ended; a file that was rotated begins anew. */
static int
read_file(struct source *source, uint32_t most)
{
	ha_autoclose int fd = open(source->path, O_RDONLY | O_CLOEXEC);
	ha_autofree char *text = NULL;
	struct stat st;
	size_t used = 0;
	size_t room;
	char *last;

	if (fd < 0 || fstat(fd, &st) < 0) {
		return -errno;
	}
	if (st.st_ino != source->inode || st.st_size < source->offset) {
		source->offset = 0;
		source->inode = st.st_ino;
	}
	if (st.st_size - source->offset > (off_t)TAIL_BYTES) {
		source->offset = st.st_size - (off_t)TAIL_BYTES;
	}
	room = (size_t)(st.st_size - source->offset);
	text = malloc(room + 1);
	while (text && used < room) {
		ssize_t n = pread(fd, text + used, room - used,
				  source->offset + (off_t)used);

		if (n <= 0) {
			break;
		}
		used += (size_t)n;
	}
	if (!text) {
		return -ENOMEM;
	}
	text[used] = '\0';
	/* A line that is just being written is read when it is whole. */
	last = strrchr(text, '\n');
	if (!last) {
		return 0;
	}
	source->offset += last + 1 - text;
	last[1] = '\0';
	take_text(source, text, most);
	return 0;
}

static int
read_some(struct source *source, uint32_t most)
{
	return source->path ? read_file(source, most) :
			      read_journal(source, most);
}

/* --log, the journal, or the files that rsyslog writes. */
static int
find_source(struct source *source, uint32_t most)
{
	static const char *const PATHS[] = { "/var/log/syslog",
					     "/var/log/messages",
					     "/var/log/daemon.log" };
	const char *path = source->v->args.log;
	int rc = -ENOENT;

	source->path = path;
	if (path) {
		rc = read_some(source, most);
		return rc < 0 ? ha_err_set(&source->v->err, rc,
					   "%s can't be read: %s", path,
					   strerror(-rc)) :
				0;
	}
	if (access("/run/systemd/journal", F_OK) == 0) {
		rc = read_some(source, most);
	}
	for (size_t i = 0; rc < 0 && i < sizeof(PATHS) / sizeof(PATHS[0]);
	     i++) {
		source->path = PATHS[i];
		rc = read_some(source, most);
	}
	return rc < 0 ? ha_err_set(&source->v->err, rc,
				   "neither the journal nor /var/log/syslog, "
				   "messages or daemon.log can be read here; "
				   "name the file that syslog writes with "
				   "--log") :
			0;
}

int
vmha_events(struct vmha *v)
{
	struct source source = { .v = v };
	uint32_t most = v->args.lines ? v->args.lines : LINES;
	int rc;

	if (v->args.is_json && !v->args.is_followed) {
		source.events = json_array();
	}
	rc = find_source(&source, most);
	while (rc == 0 && v->args.is_followed && !ferror(stdout)) {
		ha_clock_sleep_ms(FOLLOW_MS, UINT64_MAX);
		/* A log that is rotated, or a journal that restarts, is away
		 * for a moment. */
		(void)read_some(&source, UINT32_MAX);
	}
	if (rc < 0) {
		json_decref(source.events);
		return vmha_fail(v, rc);
	}
	return source.events ?
		       vmha_json(v, json_pack("{s:s, s:o}", "source",
					      source.path ? source.path :
							    "journal",
					      "events", source.events)) :
		       VMHA_OK;
}
