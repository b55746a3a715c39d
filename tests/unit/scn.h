/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of a scenario file: words, "key=value", and after "=>" what must come
 * out. '#' begins a comment. Used by the tests of the heartbeat's core.
 */
#ifndef SCN_H
#define SCN_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define SCN_WORDS 24
#define SCN_LINE 256

struct scn {
	const char *path;
	FILE *file;
	unsigned int line_no;
	unsigned int checks; /* lines with "=>" */
	char line[SCN_LINE];
	size_t words;
	const char *word[SCN_WORDS];
	size_t wants; /* index of the first word after "=>"; 0: none */
};

static inline void
scn_open(struct scn *scn, const char *path)
{
	memset(scn, 0, sizeof(*scn));
	scn->path = path;
	scn->file = fopen(path, "r");
	assert_non_null(scn->file);
}

static inline bool
scn_next(struct scn *scn)
{
	while (fgets(scn->line, sizeof(scn->line), scn->file)) {
		char *save = NULL;
		char *word;

		scn->line_no++;
		scn->line[strcspn(scn->line, "#\n")] = '\0';
		scn->words = 0;
		scn->wants = 0;
		for (word = strtok_r(scn->line, " \t", &save); word;
		     word = strtok_r(NULL, " \t", &save)) {
			if (strcmp(word, "=>") == 0) {
				scn->wants = scn->words;
				scn->checks++;
				continue;
			}
			assert_true(scn->words < SCN_WORDS);
			scn->word[scn->words++] = word;
		}
		if (scn->words > 0) {
			return true;
		}
	}
	fclose(scn->file);
	return false;
}

static inline size_t
scn_given(const struct scn *scn)
{
	return scn->wants ? scn->wants : scn->words;
}

/* A word by itself, before "=>". */
static inline bool
scn_has(const struct scn *scn, const char *word)
{
	for (size_t i = 0; i < scn_given(scn); i++) {
		if (strcmp(scn->word[i], word) == 0) {
			return true;
		}
	}
	return false;
}

/* Value of "key=...", NULL when there is none. */
static inline const char *
scn_text(const struct scn *scn, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < scn->words; i++) {
		if (strncmp(scn->word[i], key, len) == 0 &&
		    scn->word[i][len] == '=') {
			return scn->word[i] + len + 1;
		}
	}
	return NULL;
}

static inline uint64_t
scn_number(const struct scn *scn, const char *key, uint64_t fallback)
{
	const char *text = scn_text(scn, key);

	return text ? strtoull(text, NULL, 10) : fallback;
}

static inline void
scn_same(const struct scn *scn, const char *got, const char *want)
{
	if (strcmp(got, want) != 0) {
		fail_msg("%s:%u: got %s, wanted %s", scn->path, scn->line_no,
			 got, want);
	}
}

static inline void
scn_same_number(const struct scn *scn, const char *key, uint64_t got)
{
	const char *want = scn_text(scn, key);

	if (want && strtoull(want, NULL, 10) != got) {
		fail_msg("%s:%u: %s is %llu, wanted %s", scn->path,
			 scn->line_no, key, (unsigned long long)got, want);
	}
}

/* "0,2" or "all" of n. */
static inline bool
scn_in_list(const char *list, uint32_t i)
{
	const char *at = list;

	if (strcmp(list, "all") == 0) {
		return true;
	}
	while (at && *at) {
		if (strtoul(at, NULL, 10) == i) {
			return true;
		}
		at = strchr(at, ',');
		at = at ? at + 1 : NULL;
	}
	return false;
}

#endif
