/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands of admission control share: a cluster, the question
 * about it, the answer with its certificate. Decisions are libha's.
 */
#ifndef ADMISSION_H
#define ADMISSION_H

#include "cib_facts.h"
#include "ha/inventory_file.h"
#include "ask.h"

struct weighing {
	struct cib_facts facts;   /* of a CIB; else nothing */
	bool is_cib, has_options; /* the policy is that of options */
	const char *resource;     /* of a CIB: its FaultDomain; "": none */
	bool is_enforced;         /* the master keeps this very policy */
	const char *source;       /* "the cluster", or the file */
	json_t *warnings;         /* of the CIB's reader: array of sentences */
	struct ha_inventory_file *file;
	struct ha_admission_question question;
	struct ha_admission_answer answer;
	struct ha_err reason, help;
	json_t *certificate;
	size_t moves;      /* in it */
	bool is_too_large; /* it was left out */
	/* The search ends then with a cautious no, before the command's deadline
	 * leaves no answer at all. */
	uint64_t give_up_at_ms;
	uint64_t judge_ms; /* 0: as long as commands that only judge */
	void *work;
};

/* admission_load.c */
/* Reads --inventory or --cib, else the live CIB. 0, or the exit code: it is
 * told then. */
int weighing_load(struct vmha *v, struct weighing *weighing);
/* The live CIB with its own policy, whatever the options are. Negative errno,
 * which is not told. */
int weighing_load_cluster(struct vmha *v, struct weighing *weighing);
/* This JSON in the place of what was read. Negative errno. */
int weighing_take(struct vmha *v, struct weighing *weighing, json_t *root);
/* Tells v->err, with JSON as an object too; the exit code. */
int weighing_fail(struct vmha *v, int code);
/* Which policy is judged, and who has set it. */
json_t *weighing_policy_json(const struct weighing *weighing);

/* Judges file->request. 0, or the exit code. */
int weighing_judge(struct vmha *v, struct weighing *weighing);
/* The same; negative errno, which is not told. */
int weighing_decide(struct vmha *v, struct weighing *weighing);
/* What the last judgement left: before another one of the same cluster. */
void weighing_again(struct weighing *weighing);
void weighing_done(struct weighing *weighing);
/* The exit code of an answer. */
int weighing_exit(const struct ha_admission_answer *answer);
json_t *weighing_json(const struct weighing *weighing);

/* "A,B" as an array. */
json_t *weighing_names(const char *list);
/* Who has set it, and whether the cluster enforces it: a sentence. */
const char *weighing_standing(const struct weighing *weighing);

/* admission_show.c */
/* Those of the CIB's reader. */
void weighing_show_warnings(const struct vmha *v,
			    const struct weighing *weighing);
void weighing_show(const struct vmha *v, const struct weighing *weighing);
/* The table of hosts; has_names: with the VMs that are there. */
void weighing_show_hosts(const struct vmha *v, const struct weighing *weighing,
			 bool has_names);
/* And those of the judgement. */
void weighing_show_all_warnings(const struct vmha *v,
				const struct weighing *weighing);
void weighing_explain(const struct vmha *v, const struct weighing *weighing);
/* "yes" in green, "no" in red, and the sentence. */
void weighing_show_verdict(const struct vmha *v, bool is_yes, const char *word,
			   const char *reason, const char *help);
void weighing_show_cluster(const struct vmha *v,
			   const struct weighing *weighing);

#endif
