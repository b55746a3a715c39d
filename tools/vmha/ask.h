/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to this host's heartbeat daemon (ha/ipc.h), and what its answers
 * mean to people.
 */
#ifndef VMHA_ASK_H
#define VMHA_ASK_H

#include "vmha.h"

#define ASK_MS 3000u /* an answer that waits for nothing takes below 1 ms */

/* Takes the request over. */
int vmha_ask(const struct vmha *v, json_t *request, uint64_t span_ms,
	     json_t **ret_answer, struct ha_err *err);
/* The whole answer to "status", however many packets that are. */
int vmha_ask_status(const struct vmha *v, json_t **ret_answer,
		    struct ha_err *err);

/* Members of an object; "" and 0 where there is none. */
const char *vmha_text(const json_t *object, const char *key);
int64_t vmha_number(const json_t *object, const char *key);
bool vmha_bool(const json_t *object, const char *key);
/* -1 for null and for none. */
int64_t vmha_age(const json_t *object, const char *key);

/* Sentences about what is not as it should be; empty: all is well. */
json_t *vmha_problems(const json_t *status);

/* The word that people see for a state: "disarmed" is that of vmha disarm. */
const char *vmha_state_word(const char *state);
/* How to show a host's state word. */
enum vmha_tone vmha_state_tone(const char *state);
/* A bar and an age for one datastore's view of a host. */
void vmha_table_beat(struct vmha_table *table, const struct vmha_screen *screen,
		     const json_t *host, size_t store, int64_t silence_ms,
		     unsigned int bar);
/* Title for a datastore: its file's name without the ending, its directory's
 * where several files have one name. */
void vmha_store_title(const json_t *stores, size_t at, char *buffer,
		      size_t size);

/* status.c: the lines above and below the hosts. */
void vmha_put_head(const struct vmha *v, const json_t *status);
void vmha_put_stores(const struct vmha *v, const json_t *status);
void vmha_put_problems(const struct vmha *v, const json_t *problems);
/* Takes away what only the protocol needs. */
void vmha_strip(json_t *status);
/* watch.c: negative: not shown, v->err says why. */
typedef int (*vmha_picture_fn)(struct vmha *v);
/* Again and again, until it is ended by a signal. */
int vmha_watch_run(struct vmha *v, vmha_picture_fn show);
/* hosts.c */
void vmha_put_hosts(const struct vmha *v, const json_t *status);
/* reports.c: the fault domain manager's word on each host, a blank line after
 * it; nothing without a manager, or one that does not tell. */
void vmha_put_reports(const struct vmha *v, const json_t *manager);
/* Sentences about states that the heartbeat daemon can't see. */
void vmha_report_problems(const json_t *manager, json_t *problems);

#endif
