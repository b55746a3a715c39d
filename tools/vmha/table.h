/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How vmha shows things: tables whose columns are as wide as what is in
 * them, colours where a terminal shows them (NO_COLOR is obeyed), bars and
 * spans of time. Colour is never the only carrier of a meaning.
 */
#ifndef VMHA_TABLE_H
#define VMHA_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum vmha_tone {
	TONE_PLAIN,
	TONE_GOOD,
	TONE_WARN,
	TONE_BAD,
	TONE_DIM,
	TONE_STRONG,
	TONE_N
};

struct vmha_screen {
	bool is_terminal, is_colour, is_utf8;
	unsigned int width;
	unsigned int height; /* lines; 0: not known */
};
/* What standard output is. */
void vmha_screen_look(struct vmha_screen *ret_screen);

#define VMHA_COLUMNS_MAX 16

struct vmha_cell {
	enum vmha_tone tone;
	char *text;
};
struct vmha_table {
	unsigned int columns;
	const char *titles[VMHA_COLUMNS_MAX];
	bool is_right[VMHA_COLUMNS_MAX]; /* numbers */
	unsigned int indent;
	size_t cells, room;
	struct vmha_cell *cell;
	unsigned int failed; /* cells lost for want of memory */
};

/* Titles end with NULL; one that begins with '>' is set to the right. */
void vmha_table_init(struct vmha_table *table, const char *const *titles);
void vmha_table_done(struct vmha_table *table);
/* Cells from left to right, row after row. */
void vmha_table_add(struct vmha_table *table, enum vmha_tone tone,
		    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Lines are cut where the screen of a terminal ends; what goes to a file or a
 * pipe is whole. */
void vmha_table_print(const struct vmha_table *table,
		      const struct vmha_screen *screen, FILE *out);

/* A line without its end, cut with an ellipsis where a terminal's screen
 * ends. */
void vmha_put_cut(const struct vmha_screen *screen, const char *line,
		  size_t bytes, FILE *out);

/* Escape sequences around a text, nothing without colours. */
const char *vmha_tone_on(const struct vmha_screen *screen, enum vmha_tone tone);
const char *vmha_tone_off(const struct vmha_screen *screen,
			  enum vmha_tone tone);

/* "0.4 s", "12 s", "3 min", "2 h", "5 d". */
const char *vmha_span(uint64_t ms, char *buffer, size_t size);
/* "3.2 MiB". */
const char *vmha_bytes(uint64_t bytes, char *buffer, size_t size);
/* part of whole as `cells` characters. */
const char *vmha_bar(const struct vmha_screen *screen, uint64_t part,
		     uint64_t whole, unsigned int cells, char *buffer,
		     size_t size);
/* Words in lines of `width`, further lines indented; `used` characters of the
 * first line are. */
void vmha_put_wrapped(const char *text, unsigned int indent, unsigned int used,
		      unsigned int width, FILE *out);
/* Characters that a terminal shows of it. */
unsigned int vmha_text_width(const char *text);

#endif
