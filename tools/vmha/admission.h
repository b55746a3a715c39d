/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands of admission control share: an inventory, the question
 * about it, the answer with its certificate. Decisions are libha's.
 */
#ifndef ADMISSION_H
#define ADMISSION_H

#include "ha/inventory_file.h"
#include "vmha.h"

struct weighing {
	struct ha_inventory_file *file;
	struct ha_admission_question question;
	struct ha_admission_answer answer;
	struct ha_err reason, help;
	json_t *certificate;
	size_t moves;      /* in it */
	bool is_too_large; /* it was left out */
	void *work;
};

/* Reads --inventory. 0, or the exit code: it is told then. */
int weighing_load(struct vmha *v, struct weighing *weighing);
/* Judges file->request. 0, or the exit code. */
int weighing_judge(struct vmha *v, struct weighing *weighing);
void weighing_done(struct weighing *weighing);
/* Tells v->err as bad input. */
int weighing_bad(struct vmha *v);
/* The exit code of an answer. */
int weighing_exit(const struct ha_admission_answer *answer);
json_t *weighing_json(const struct weighing *weighing);

/* admission_show.c */
void weighing_show(const struct vmha *v, const struct weighing *weighing);
void weighing_explain(const struct vmha *v, const struct weighing *weighing);
/* "yes" in green, "no" in red, and the sentence. */
void weighing_show_verdict(const struct vmha *v, bool is_yes, const char *word,
			   const char *reason, const char *help);
void weighing_show_cluster(const struct vmha *v,
			   const struct weighing *weighing);

#endif
