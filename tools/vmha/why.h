/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of VMs and hosts from all who can tell: heartbeat daemon,
 * fault domain manager and CIB. Whoever is missing is named, and nothing is
 * put in his place. vmha status, why, recover and host take it from here.
 */
#ifndef VMHA_WHY_H
#define VMHA_WHY_H

#include "ask.h"
#include "cib.h"

struct known {
	json_t *status; /* heartbeat daemon; NULL: status_err tells why */
	json_t *lists;  /* [{host, state, vms: []} or {host, error}] */
	json_t *holds;  /* []; NULL: not known, holds_err */
	bool is_holds_complete;
	/* {VM: "protected", "off", or "" on its way}; NULL: protected_err */
	json_t *protected_list;
	json_t *manager;      /* vmha-fdmd's status; NULL: manager_err */
	struct cib_node *cib; /* NULL: cib_err */
	json_t *found;        /* [], known_found() */
	json_t *fresh;        /* known_judge(); NULL: not judged */
	struct ha_err status_err, holds_err, manager_err, cib_err;
	struct ha_err protected_err;
	int status_code, cib_code;
};

/* All VM lists, by the daemon. */
json_t *known_lists(const struct vmha *v, const json_t *status);
void known_gather(const struct vmha *v, struct known *ret_known);
void known_done(struct known *known);

/* The daemon's object of a host; NULL. */
const json_t *known_host(const struct known *known, const char *name);
bool host_has_flag(const json_t *host, const char *flag);
/* In this host's membership. */
bool known_is_here(const json_t *host);
/* Its beat has moved lately. */
bool host_beats(const json_t *host);
/* Of its newest beat, on any datastore; -1: none was read. */
int64_t host_age(const json_t *host);
/* "isolated, sealed, master" from state word and flags. */
const char *host_words(const json_t *host, char *buffer, size_t size);
/* No other host may take over from it: dead, stopped, never there. */
bool host_is_gone(const json_t *host);
/* The member that is master, by its beat; NULL: none is known. */
const json_t *known_master(const struct known *known);
/* The newest term that beats, holds and tickets name. */
int64_t known_term(const struct known *known);
/* Host name of a slot as holds name their owner: a name, or a number. */
const char *known_owner(const struct known *known, const json_t *hold);
bool hold_is_about(const json_t *hold, const char *vm);
/* Is it ended by a lift, or is its owner's incarnation gone? */
bool hold_is_over(const struct known *known, const json_t *hold);

/* Who stands in the way of a start on the disk: entries of hosts that are no
 * members and not gone, and holds in force. [{host, what, incarnation}] */
json_t *known_binds(const struct known *known, const char *vm);
/* What could not be asked, as sentences. */
void known_gaps(const struct known *known, json_t *gaps);

/* ---- known_found.c ------------------------------------------------------- */

/* [{host, kind, vm, pid, other, text, todo}]: what does not run as the cluster
 * has it; [] without the CIB. */
json_t *known_found(const struct cib_node *cib);
/* The first one about that VM; NULL. */
const json_t *known_found_of(const struct known *known, const char *vm);
/* All of them, with a heading; nothing when there are none. */
void known_put_found(const struct vmha *v, const struct known *known);
/* known_list.c: that list, by the daemon. */
int known_list(const struct vmha *v, json_t **ret_list, struct ha_err *err);

/* ---- known_vm.c ---------------------------------------------------------- */

/* "granted", "held", "missing", "no gate"; "unknown" without the CIB. */
const char *known_ticket_word(const struct known *known, const char *vm);
/* "held in the name of h1", else what the ticket says; "". */
const char *known_bind_text(const struct known *known, const char *vm,
			    char *buffer, size_t size);

enum known_protection {
	KNOWN_PROTECTED,   /* a failure of it or its host restarts it */
	KNOWN_COMING,      /* not on the protected list yet */
	KNOWN_HELD,        /* it starts nowhere until what holds it has ended */
	KNOWN_UNPROTECTED, /* `why` says what to do */
	KNOWN_UNKNOWN,     /* who would know does not answer */
};
struct known_vm {
	const char *name;
	const char *host;           /* ""; as the lists say, else Pacemaker */
	const char *pacemaker_host; /* "": its history has it nowhere */
	const char *state;          /* a list's word, else "stopped", ... */
	const char *ticket;
	const struct cib_node *primitive; /* NULL: no such resource */
	bool is_listed, is_in_reach;      /* the host that lists it */
	enum known_protection protection;
	char why[512]; /* "" when it is protected and nothing is to be said */
};
void known_vm(const struct known *known, const char *name,
	      struct known_vm *ret_row);
const char *known_protection_word(enum known_protection protection);

/* ---- known_admission.c --------------------------------------------------- */

/* Of one VM: "refused", "raise-refused", "not-admitted", "marked" (one of these
 * two); "" where nothing is to be said. */
struct known_admission {
	const char *state, *text, *help;
};
struct known_admission known_admission(const struct known *known,
				       const char *vm);
bool known_is_refused(const struct known *known, const char *vm);
/* What would help a refused VM, by that manager's status; "". */
const char *admission_help(const json_t *manager, const char *vm);
/* Of the cluster, a new reference; NULL: nobody tells. */
json_t *known_admission_all(const struct known *known);
/* One line; nothing for NULL. */
void admission_put(const struct vmha *v, const json_t *all);
/* And VMs without a gate, hosts in maintenance. */
void admission_problems(const struct known *known, const json_t *all,
			json_t *problems);

/* known_fresh.c: judges who is refused and what was raised, only that VM unless
 * NULL, then a red cluster, too: known_admission() tells that afterwards. Judges
 * nothing where nothing is refused. */
void known_judge(struct vmha *v, struct known *known, const char *only);
/* "runs, and is not admitted as it is" */
#define KNOWN_NOT_ADMITTED "runs, and is not admitted as it is"

/* {rule, text, todo} onto a list. */
void why_add(json_t *reasons, const char *rule, const char *todo,
	     const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* why_room.c: no host has room for it, or a host is starting it right now. */
void why_room(const struct known *known, const char *vm, const json_t *manager,
	      json_t *reasons);
/* A line, after a label of so many columns, and what would help. */
void why_not_admitted(const struct vmha *v, const struct known_admission *one,
		      unsigned int label);

#endif
