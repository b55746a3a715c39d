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
	int fd; /* of path, kept open: its end is read when it is rotated */
	off_t offset;
	json_t *events; /* NULL: printed as they come */
	size_t shown;
};

/* ---- one line ------------------------------------------------------------ */

/* A: letter, d: digit, _: digit or space; all else is itself. */
static bool
has_shape(const char *text, const char *shape)
{
	for (; *shape; shape++, text++) {
		bool is_digit = *text >= '0' && *text <= '9';
		bool is_letter = (*text >= 'A' && *text <= 'Z') ||
				 (*text >= 'a' && *text <= 'z');

		if (*shape == 'd' ? !is_digit :
		    *shape == '_' ? !is_digit && *text != ' ' :
		    *shape == 'A' ? !is_letter :
				    *text != *shape) {
			return false;
		}
	}
	return true;
}

/* Bytes of the time that the text begins with: traditional (RFC 3164), or ISO
 * 8601 with whatever fraction and zone; 0: it is none. */
static size_t
stamp_len(const char *text)
{
	static const char TRADITIONAL[] = "AAA _d dd:dd:dd";

	if (has_shape(text, TRADITIONAL)) {
		return sizeof(TRADITIONAL) - 1;
	}
	return has_shape(text, "dddd-dd-ddTdd:dd:dd") ? strcspn(text, " ") : 0;
}

/* Behind the word and its space; NULL: the line ends with it. */
static char *
next_word(char *text)
{
	char *end = strchr(text, ' ');

	return end && end != text ? end + 1 : NULL;
}

static bool
is_severity(const char *text)
{
	static const char *const NAMES[] = { "emerg ", "alert ",  "crit ",
					     "err ",   "error ",  "warning ",
					     "warn ",  "notice ", "info ",
					     "debug " };

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		if (strncmp(text, NAMES[i], strlen(NAMES[i])) == 0) {
			return true;
		}
	}
	return false;
}

/* "TIME HOST PROGRAM[...": returns the program's name, NULL: no such line.
 * Templates of syslog daemons have one word more before the time (a priority,
 * the uptime), or the severity before the program. Nothing else may stand
 * there: other programs quote lines of the daemons. */
static char *
split_head(char *line, struct event *event)
{
	char *time = stamp_len(line) > 0 ? line : next_word(line);
	size_t len = time ? stamp_len(time) : 0;
	char *host;
	char *program;

	if (len == 0 || time[len] != ' ') {
		return NULL;
	}
	host = time + len + 1;
	program = next_word(host);
	if (!program) {
		return NULL;
	}
	time[len] = '\0';
	program[-1] = '\0';
	event->time = time;
	event->host = host;
	return is_severity(program) ? next_word(program) : program;
}

/* "PROGRAM[PID]: ": its name, NULL: none of the daemons. */
static const char *
program_of(const char *tag)
{
	static const char *const PROGRAMS[] = { "vmha-heartbeatd",
						"vmha-fdmd" };

	for (size_t i = 0; i < sizeof(PROGRAMS) / sizeof(PROGRAMS[0]); i++) {
		size_t len = strlen(PROGRAMS[i]);

		if (strncmp(tag, PROGRAMS[i], len) == 0 && tag[len] == '[') {
			return PROGRAMS[i];
		}
	}
	return NULL;
}

bool
event_parse(char *line, struct event *ret_event)
{
	struct event event = { 0 };
	size_t len = strlen(line);
	char *tag = len > 0 && line[len - 1] == ']' ? split_head(line, &event) :
						      NULL;
	const char *program = tag ? program_of(tag) : NULL;
	char *text = program ? strstr(tag, "]: ") : NULL;
	char *id;
	char *end;

	if (!text) {
		return false;
	}
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

	source->shown++;
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

static void
forget_file(struct source *source)
{
	if (source->fd >= 0) {
		(void)close(source->fd);
	}
	source->fd = -1;
	source->offset = 0;
}

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

/* What has come since the last look. One that is shorter than it was has been
 * emptied (copytruncate), and begins anew. */
static int
read_rest(struct source *source, uint32_t most)
{
	ha_autofree char *text = NULL;
	struct stat st;
	size_t used = 0;
	size_t room;
	char *last;

	if (fstat(source->fd, &st) < 0) {
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		return S_ISDIR(st.st_mode) ? -EISDIR : -ESPIPE;
	}
	if (st.st_size < source->offset) {
		source->offset = 0;
	}
	if (st.st_size - source->offset > (off_t)TAIL_BYTES) {
		source->offset = st.st_size - (off_t)TAIL_BYTES;
	}
	room = (size_t)(st.st_size - source->offset);
	text = malloc(room + 1);
	if (!text) {
		return -ENOMEM;
	}
	while (used < room) {
		ssize_t n = pread(source->fd, text + used, room - used,
				  source->offset + (off_t)used);

		if (n < 0) {
			return -errno;
		}
		if (n == 0) {
			break;
		}
		used += (size_t)n;
	}
	/* A host that was reset leaves such bytes in its log. */
	for (size_t i = 0; i < used; i++) {
		text[i] = text[i] ? text[i] : '\n';
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

/* And the syslog daemon writes to the new one. */
static bool
is_rotated(const struct source *source)
{
	struct stat open_st, path_st;

	return fstat(source->fd, &open_st) == 0 &&
	       stat(source->path, &path_st) == 0 && path_st.st_size > 0 &&
	       (open_st.st_ino != path_st.st_ino ||
		open_st.st_dev != path_st.st_dev);
}

/* One that was rotated is read to its end, then the new one. */
static int
read_file(struct source *source, uint32_t most)
{
	bool is_over = source->fd >= 0 && is_rotated(source);
	int rc = source->fd >= 0 ? read_rest(source, most) : 0;
	int fd;

	if (rc < 0 || (source->fd >= 0 && !is_over)) {
		return rc;
	}
	fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		return -errno;
	}
	forget_file(source);
	source->fd = fd;
	return read_rest(source, most);
}

static int
read_some(struct source *source, uint32_t most)
{
	return source->path ? read_file(source, most) :
			      read_journal(source, most);
}

static int
say_unreadable(struct vmha *v, const char *path, int rc)
{
	const char *todo =
		rc == -EACCES ? ": ask as root, or as a member of its group" :
		rc == -ENOENT ? ": --log wants the file that syslog writes" :
		rc == -EISDIR || rc == -ESPIPE ?
				": --log wants a file that syslog writes, and "
				"no pipe" :
				"";

	return ha_err_set(&v->err, rc, "%s can't be read: %s%s", path,
			  strerror(-rc), todo);
}

/* The files that rsyslog writes. One that is there and may not be read is
 * named. */
static int
find_file(struct source *source, uint32_t most)
{
	static const char *const PATHS[] = { "/var/log/syslog",
					     "/var/log/messages",
					     "/var/log/daemon.log" };
	const char *forbidden = NULL;
	int rc = -ENOENT;

	for (size_t i = 0; rc < 0 && i < sizeof(PATHS) / sizeof(PATHS[0]);
	     i++) {
		forget_file(source);
		source->path = PATHS[i];
		rc = read_some(source, most);
		forbidden = rc == -EACCES && !forbidden ? PATHS[i] : forbidden;
	}
	if (rc < 0 && forbidden) {
		return say_unreadable(source->v, forbidden, -EACCES);
	}
	return rc < 0 ? ha_err_set(&source->v->err, rc,
				   "neither the journal nor /var/log/syslog, "
				   "messages or daemon.log can be read here; "
				   "name the file that syslog writes with "
				   "--log") :
			0;
}

/* --log, the journal, or a file. */
static int
find_source(struct source *source, uint32_t most)
{
	int rc = -ENOENT;

	source->path = source->v->args.log;
	if (source->path) {
		rc = read_some(source, most);
		return rc < 0 ? say_unreadable(source->v, source->path, rc) : 0;
	}
	if (access("/run/systemd/journal", F_OK) == 0) {
		rc = read_some(source, most);
	}
	return rc < 0 ? find_file(source, most) : 0;
}

int
vmha_events(struct vmha *v)
{
	struct source source = { .v = v, .fd = -1 };
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
	forget_file(&source);
	if (rc < 0) {
		json_decref(source.events);
		return vmha_fail(v, rc);
	}
	if (source.shown == 0 && !source.events) {
		fprintf(stderr, "vmha: no events in %s\n",
			source.path ? source.path : "the journal");
	}
	return source.events ?
		       vmha_json(v, json_pack("{s:s, s:o}", "source",
					      source.path ? source.path :
							    "journal",
					      "events", source.events)) :
		       VMHA_OK;
}
