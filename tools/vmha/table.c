/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables, colours, bars and spans: everything that vmha shows goes here. */
#include "table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80u /* a terminal that doesn't tell */
#define WIDTH_FILE 100u   /* no terminal: a file, a pipe */
#define WIDTH_MIN 40u
#define WIDTH_MAX 1000u
#define GAP 2u /* between columns */
#define EIGHTHS 8u
#define KIBI 1024u

static unsigned int
screen_width(const struct winsize *size)
{
	const char *columns = getenv("COLUMNS");
	unsigned long n = columns ? strtoul(columns, NULL, 10) : 0;

	if (n == 0) {
		n = size->ws_col;
	}
	if (n == 0) {
		return isatty(STDOUT_FILENO) ? WIDTH_DEFAULT : WIDTH_FILE;
	}
	return n < WIDTH_MIN ? WIDTH_MIN :
	       n > WIDTH_MAX ? WIDTH_MAX :
			       (unsigned int)n;
}

/* The locale's variables in the order of locale(7); the first one that is
 * set decides. */
static bool
is_utf8(void)
{
	static const char *const NAMES[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		const char *value = getenv(NAMES[i]);

		if (value && *value) {
			return strcasestr(value, "utf-8") ||
			       strcasestr(value, "utf8");
		}
	}
	return false;
}

void
vmha_screen_look(struct vmha_screen *ret_screen)
{
	const char *term = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0) {
		size = (struct winsize){ 0 };
	}
	ret_screen->is_terminal = isatty(STDOUT_FILENO);
	/* https://no-color.org: set and not empty. */
	ret_screen->is_colour = ret_screen->is_terminal &&
				!(no_color && *no_color) && term &&
				strcmp(term, "dumb") != 0;
	ret_screen->is_utf8 = is_utf8();
	ret_screen->width = screen_width(&size);
	ret_screen->height = size.ws_row;
}

const char *
vmha_tone_on(const struct vmha_screen *screen, enum vmha_tone tone)
{
	/* ECMA-48 SGR; the terminal's own palette, so that it fits both dark
	 * and light. */
	static const char *const CODES[TONE_N] = {
		[TONE_PLAIN] = "",        [TONE_GOOD] = "\033[32m",
		[TONE_WARN] = "\033[33m", [TONE_BAD] = "\033[1;31m",
		[TONE_DIM] = "\033[2m",   [TONE_STRONG] = "\033[1m",
	};

	return screen->is_colour ? CODES[tone] : "";
}

const char *
vmha_tone_off(const struct vmha_screen *screen, enum vmha_tone tone)
{
	return screen->is_colour && tone != TONE_PLAIN ? "\033[0m" : "";
}

void
vmha_table_init(struct vmha_table *table, const char *const *titles)
{
	memset(table, 0, sizeof(*table));
	for (; titles[table->columns] && table->columns < VMHA_COLUMNS_MAX;
	     table->columns++) {
		const char *title = titles[table->columns];

		table->is_right[table->columns] = *title == '>';
		table->titles[table->columns] = title + (*title == '>');
	}
}

void
vmha_table_done(struct vmha_table *table)
{
	for (size_t i = 0; i < table->cells; i++) {
		free(table->cell[i].text);
	}
	free(table->cell);
	memset(table, 0, sizeof(*table));
}

static bool
grow(struct vmha_table *table)
{
	size_t room = table->room ? table->room * 2 : 64;
	struct vmha_cell *cell;

	if (table->cells < table->room) {
		return true;
	}
	cell = reallocarray(table->cell, room, sizeof(*cell));
	if (!cell) {
		return false;
	}
	table->cell = cell;
	table->room = room;
	return true;
}

void
vmha_table_add(struct vmha_table *table, enum vmha_tone tone, const char *fmt,
	       ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0 || !grow(table)) {
		if (n >= 0) {
			free(text);
		}
		table->failed++;
		return;
	}
	table->cell[table->cells].tone = tone;
	table->cell[table->cells].text = text;
	table->cells++;
}

unsigned int
vmha_text_width(const char *text)
{
	unsigned int width = 0;

	/* Bytes 10xxxxxx go on with a character (RFC 3629). */
	for (; *text; text++) {
		width += ((unsigned char)*text & 0xc0u) != 0x80u;
	}
	return width;
}

/* Bytes of an escape sequence (ECMA-48: ends with a letter); 0: none here. */
static size_t
escape_bytes(const char *text)
{
	size_t i = 2;

	if (text[0] != '\033' || text[1] != '[') {
		return 0;
	}
	while (text[i] && !(text[i] >= '@' && text[i] <= '~')) {
		i++;
	}
	return text[i] ? i + 1 : i;
}

void
vmha_put_cut(const struct vmha_screen *screen, const char *line, size_t bytes,
	     FILE *out)
{
	unsigned int room = screen->width;
	unsigned int have = 0;
	bool is_cut = false;

	for (size_t i = 0; i < bytes;) {
		size_t escape = escape_bytes(line + i);

		have += !escape && ((unsigned char)line[i] & 0xc0u) != 0x80u;
		i += escape ? escape : 1;
	}
	is_cut = screen->is_terminal && have > room;
	have = 0;
	for (size_t i = 0; i < bytes;) {
		size_t escape = escape_bytes(line + i);
		bool begins = ((unsigned char)line[i] & 0xc0u) != 0x80u;

		/* Colours end behind the cut, too. */
		have += !escape && begins;
		if (escape || !is_cut || have < room) {
			fwrite(line + i, 1, escape ? escape : 1, out);
		} else if (begins && have == room) {
			fputs(screen->is_utf8 ? "\u2026" : "~", out);
		}
		i += escape ? escape : 1;
	}
	fputc('\n', out);
}

static void
put_cell(const struct vmha_screen *screen, FILE *out, enum vmha_tone tone,
	 const char *text, unsigned int width, bool is_right, bool is_last)
{
	unsigned int have = vmha_text_width(text);
	unsigned int pad = have < width ? width - have : 0;

	if (is_right) {
		fprintf(out, "%*s", (int)pad, "");
	}
	fputs(vmha_tone_on(screen, tone), out);
	fputs(text, out);
	fputs(vmha_tone_off(screen, tone), out);
	if (!is_last) {
		fprintf(out, "%*s", (int)((is_right ? 0 : pad) + GAP), "");
	}
}

/* Cells from `i` on, titles before them; one line, as wide as it gets. */
static void
put_line(const struct vmha_table *table, const struct vmha_screen *screen,
	 size_t i, const unsigned int *width, FILE *out)
{
	fprintf(out, "%*s", (int)table->indent, "");
	for (unsigned int c = 0; c < table->columns; c++, i++) {
		bool is_title = i < table->columns;

		if (i == table->columns + table->cells) {
			break;
		}
		put_cell(screen, out,
			 is_title ? TONE_STRONG :
				    table->cell[i - table->columns].tone,
			 is_title ? table->titles[c] :
				    table->cell[i - table->columns].text,
			 width[c], table->is_right[c], c + 1 == table->columns);
	}
}

void
vmha_table_print(const struct vmha_table *table,
		 const struct vmha_screen *screen, FILE *out)
{
	unsigned int width[VMHA_COLUMNS_MAX] = { 0 };
	unsigned int columns = table->columns;

	for (unsigned int c = 0; c < columns; c++) {
		width[c] = vmha_text_width(table->titles[c]);
	}
	for (size_t i = 0; i < table->cells; i++) {
		unsigned int w = vmha_text_width(table->cell[i].text);

		width[i % columns] =
			w > width[i % columns] ? w : width[i % columns];
	}
	for (size_t i = 0; i < columns + table->cells; i += columns) {
		char *line = NULL;
		size_t bytes = 0;
		FILE *memory = open_memstream(&line, &bytes);

		if (!memory) {
			put_line(table, screen, i, width, out);
			fputc('\n', out);
			continue;
		}
		put_line(table, screen, i, width, memory);
		if (fclose(memory) == 0) {
			vmha_put_cut(screen, line, bytes, out);
		}
		free(line);
	}
}

const char *
vmha_span(uint64_t ms, char *buffer, size_t size)
{
	const uint64_t s = ms / 1000;

	if (s < 10) {
		snprintf(buffer, size, "%" PRIu64 ".%" PRIu64 " s", s,
			 ms % 1000 / 100);
	} else if (s < 600) {
		snprintf(buffer, size, "%" PRIu64 " s", s);
	} else if (s < 7200) {
		snprintf(buffer, size, "%" PRIu64 " min", s / 60);
	} else if (s < 172800) {
		snprintf(buffer, size, "%" PRIu64 " h", s / 3600);
	} else {
		snprintf(buffer, size, "%" PRIu64 " d", s / 86400);
	}
	return buffer;
}

const char *
vmha_bytes(uint64_t bytes, char *buffer, size_t size)
{
	static const char *const UNITS[] = { "KiB", "MiB", "GiB", "TiB",
					     "PiB" };
	size_t unit = 0;
	uint64_t tenths = bytes * 10 / KIBI;

	while (tenths >= KIBI * 10 &&
	       unit + 1 < sizeof(UNITS) / sizeof(UNITS[0])) {
		tenths /= KIBI;
		unit++;
	}
	snprintf(buffer, size, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10,
		 tenths % 10, UNITS[unit]);
	return buffer;
}

const char *
vmha_bar(const struct vmha_screen *screen, uint64_t part, uint64_t whole,
	 unsigned int cells, char *buffer, size_t size)
{
	/* Left blocks of one to seven eighths, U+258F to U+2589. */
	static const char *const PARTS[EIGHTHS] = { "░", "▏", "▎", "▍",
						    "▌", "▋", "▊", "▉" };
	uint64_t eighths = 0;
	size_t used = 0;

	if (whole > 0) {
		part = part > whole ? whole : part;
		eighths = part * cells * EIGHTHS / whole;
	}
	buffer[0] = '\0';
	for (unsigned int i = 0; i < cells; i++) {
		uint64_t here = eighths > EIGHTHS ? EIGHTHS : eighths;
		const char *glyph = PARTS[here % EIGHTHS];
		int n;

		if (!screen->is_utf8) {
			glyph = here * 2 >= EIGHTHS ? "#" : ".";
		} else if (here == EIGHTHS) {
			glyph = "█";
		}
		eighths -= here;
		n = snprintf(buffer + used, size - used, "%s", glyph);
		if (n < 0 || (size_t)n >= size - used) {
			break;
		}
		used += (size_t)n;
	}
	return buffer;
}

void
vmha_put_wrapped(const char *text, unsigned int indent, unsigned int used,
		 unsigned int width, FILE *out)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (used + len + 1 > width && used > indent) {
			fprintf(out, "\n%*s", (int)indent, "");
			used = indent;
		}
		fprintf(out, "%.*s", (int)len, text);
		used += (unsigned int)len;
		text += len;
		if (*text == ' ') {
			fputc(' ', out);
			used++;
			text++;
		}
	}
	fputc('\n', out);
}
