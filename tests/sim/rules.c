/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that can be switched off one at a time, and within how many seeds
 * a failure must then be found. Off means that the simulator's own daemon
 * breaks the rule, or gives the core other facts than it saw; the core is
 * always the real one.
 */
#include <stdio.h>
#include <string.h>

#include "sim.h"

#define NAME_SIZE 32

const struct rule_row rule_table[RULE_N] = {
	[RULE_NONE] = { .name = "none", .safety = "-", .text = "all rules on" },
	[RULE_STAMP] = { .name = "stamp-at-submission",
			 .safety = "1.1",
			 .text = "evidence is stamped when the write has "
				 "completed",
			 .seeds = 200,
			 .from = 5801 },
	[RULE_LATE] = { .name = "late-write",
			.safety = "1.1",
			.text = "a write that completes after D is evidence" },
	[RULE_KILL] = { .name = "kill-timer",
			.safety = "1.2",
			.text = "no SIGKILL timer between check and pet",
			.seeds = 20000 },
	[RULE_REOPEN] = { .name = "no-reopen",
			  .safety = "1.2",
			  .text = "a daemon killed while armed is started "
				  "again and opens the watchdog without "
				  "evidence",
			  .seeds = 20000 },
	[RULE_READ_SUBMISSION] = { .name = "read-submission",
				   .safety = "1.3",
				   .text = "silence is counted to the "
					   "completion of a read",
				   .seeds = 20000 },
	[RULE_HUNG_READ] = { .name = "hung-read",
			     .safety = "1.3",
			     .text = "a read that hangs showed nothing new",
			     .seeds = 20000 },
	[RULE_WINDOW] = { .name = "common-span",
			  .safety = "1.3",
			  .text = "datastores silent at different times add up",
			  .seeds = 50000 },
	[RULE_LOWER] = { .name = "higher-only",
			 .safety = "1.4",
			 .text = "a lower incarnation counts as replaced too",
			 .seeds = 20000 },
	[RULE_DAMAGED_BOOT] = { .name = "damaged-own-block",
				.safety = "1.4",
				.text = "a damaged own block counts as read",
				.seeds = 50000 },
	[RULE_CLAIM_FLUSHED] = { .name = "claim-flushed",
				 .safety = "1.4",
				 .text = "a claim on one datastore counts",
				 .aim = AIM_HIDDEN_CLAIMS,
				 .seeds = 8000 },
	[RULE_CLAIM_HIDES] = { .name = "claim-hides",
			       .safety = "1.4, 14",
			       .text = "a datastore counts as read though a "
				       "claim "
				       "that does not count hides what stood "
				       "there",
			       .aim = AIM_HIDDEN_LIFE,
			       .seeds = 8000 },
	[RULE_CLAIM_TERM] = { .name = "claim-term",
			      .safety = "1.4, 19",
			      .text = "a term that only a claim that does not "
				      "count tells is not known",
			      .is_lock = true,
			      .seeds = 60000,
			      .aim = AIM_HIDDEN_LIFE },
	[RULE_STOP] = { .name = "stopped-on-w",
			.safety = "1.5",
			.text = "a clean stop closes the watchdog at once",
			.seeds = 20000 },
	[RULE_OWN_ECHO] = { .name = "own-echo",
			    .safety = "1.6",
			    .text = "one's own message coming back is a lease",
			    .seeds = 20000 },
	[RULE_ANNOUNCE] = { .name = "announcement-first",
			    .safety = "1.6",
			    .text = "ring evidence begins with the "
				    "announcement",
			    .seeds = 20000 },
	[RULE_RING_SILENCE] = { .name = "ring-silence",
				.safety = "1.6",
				.text = "a host in ring mode is dead when its "
					"storage is silent",
				.seeds = 20000 },
	[RULE_CONFIRM] = { .name = "ring-confirm",
			   .safety = "1.6",
			   .text = "silence is believed without asking the "
				   "members whether they are still there",
			   .seeds = 20000 },
	[RULE_CONFIRM_LATE] = { .name = "ring-confirm-late",
				.safety = "1.6",
				.text = "the members' answers may be older "
					"than the silence",
				.seeds = 50000 },
	[RULE_CLOCK] = { .name = "clock-anew",
			 .safety = "1.6",
			 .text = "T without a host runs on over memberships "
				 "whose members may have been with it between",
			 .seeds = 50000 },
	[RULE_STATES] = { .name = "state-exchange",
			  .safety = "1.6",
			  .text = "who has not told its mode is in storage "
				  "mode" },
	[RULE_LONE] = { .name = "lone-proof",
			.safety = "1.7",
			.text = "a lone quorate host lives on without the "
				"proof",
			.seeds = 20000 },
	[RULE_ORDER] = { .name = "one-moment",
			 .safety = "14",
			 .text = "a beat that waited for its list takes its "
				 "sequence and state later than its list",
			 .seeds = 20000 },
	[RULE_LONE_READ] = { .name = "lone-read",
			     .safety = "1.7",
			     .text = "the proof for a lone host may be older "
				     "than its last membership with the other",
			     .seeds = 200000 },
	[RULE_FLUSH] = { .name = "beat-names-list",
			 .safety = "14",
			 .text = "a list counts as flushed before a beat "
				 "names it",
			 .seeds = 20000 },
	[RULE_GENERATION] = { .name = "list-generation",
			      .safety = "14",
			      .text = "any list copy is taken for the one "
				      "that the beat names",
			      .seeds = 20000 },
	[RULE_DAMAGED_LIST] = { .name = "damaged-beat",
				.safety = "14",
				.text = "a datastore whose beat is damaged "
					"counts as read when a list is chosen",
				.seeds = 50000 },
	[RULE_OVERLAP] = { .name = "w-and-r-overlap",
			   .safety = "Times",
			   .text = "one written datastore is enough: w + r = N",
			   .seeds = 20000 },
	[RULE_LIST_FIRST] = { .name = "list-before-start",
			      .safety = "12",
			      .text = "a start asks nobody and lists the VM "
				      "when it runs",
			      .seeds = 2000,
			      .is_lock = true },
	[RULE_READ_AFTER] = { .name = "read-after-write",
			      .safety = "12",
			      .text = "lists read before the own entry was "
				      "flushed count",
			      .seeds = 2000,
			      .is_lock = true },
	[RULE_LOCK_GENERATION] = { .name = "lock-generation",
				   .safety = "14",
				   .text = "any list copy of the incarnation "
					   "is taken for the one that the "
					   "beat names",
				   .seeds = 2000,
				   .is_lock = true },
	[RULE_PASS_ENTRY] = { .name = "no-passing",
			      .safety = "12",
			      .text = "of two starts the higher goes on past "
				      "the lower one's entry",
			      .seeds = 2000,
			      .is_lock = true },
	[RULE_EMPTY_RESTART] = { .name = "list-read-back",
				 .safety = "1.2",
				 .text = "a daemon restarted in the same boot "
					 "begins with an empty list",
				 .is_lock = true,
				 .aim = AIM_READ_BACK,
				 .seeds = 8000 },
	[RULE_INCOMING] = { .name = "incoming-first",
			    .safety = "13",
			    .text = "the target of a migration lists the VM "
				    "when it has arrived",
			    .is_lock = true,
			    .aim = AIM_MINORITY_MOVE,
			    .seeds = 20000 },
	[RULE_TWO_PAIRS] = { .name = "one-pair",
			     .safety = "13",
			     .text = "a migration passes any number of entries",
			     .is_lock = true,
			     .aim = AIM_THIRD_END,
			     .seeds = 60000 },
	[RULE_SEAL] = { .name = "seal-at-start",
			.safety = "8",
			.text = "a sealed host goes on to start VMs",
			.seeds = 4000,
			.is_lock = true },
	[RULE_CLAIMS] = { .name = "claims",
			  .safety = "11",
			  .text = "two quorate sides do not look at each "
				  "other's claims",
			  .is_lock = true,
			  .aim = AIM_TWO_SIDES,
			  .seeds = 60000 },
	[RULE_CLAIM_MASTER] = { .name = "claim-lost-master",
				.safety = "11, 20",
				.text = "the master of a side that lost its "
					"claim lifts and grants on",
				.is_lock = true,
				.aim = AIM_TWO_SIDES,
				.seeds = 80000 },
	[RULE_CLAIM_READ] = { .name = "claim-read",
			      .safety = "11",
			      .text = "a side goes on before it has read the "
				      "others since its own claim was flushed",
			      .is_lock = true,
			      .aim = AIM_TWO_SIDES,
			      .with = RULE_CLAIM_MASTER,
			      .seeds = 400,
			      .from = 161601 },
	[RULE_SEAL_ANEW] = { .name = "sealed-anew",
			     .safety = "8, 17",
			     .text = "a host cut off again while still sealed "
				     "keeps its list's generation, and an old "
				     "lift ends the new holds",
			     .is_lock = true,
			     .aim = AIM_SEALED_TWICE,
			     .seeds = 20000 },
	[RULE_UNSEAL_GENERATION] = { .name = "unseal-generation",
				     .safety = "10, 15",
				     .text = "an order to unseal is about no "
					     "list in particular",
				     .is_lock = true,
				     .aim = AIM_OLD_WORD,
				     .seeds = 40000 },
	[RULE_SEAL_ACK] = { .name = "seal-obeyed",
			    .safety = "4, 8",
			    .text = "a host that calls itself quorate counts "
				    "as sealed without having obeyed the "
				    "order to seal",
			    .is_lock = true,
			    .aim = AIM_TWO_SIDES,
			    .with = RULE_CLAIM_MASTER,
			    .seeds = 400,
			    .from = 96001 },
	[RULE_MASTER_CONFIRM] = { .name = "master-confirm",
				  .safety = "19, 1.6",
				  .text = "a master lifts and unseals without "
					  "asking its members whether they "
					  "are still there",
				  .is_lock = true,
				  .aim = AIM_STILL_MASTER,
				  .seeds = 40000 },
	[RULE_FENCE_CONFIRM] = { .name = "fence-confirm",
				 .safety = "4, 1.6",
				 .text = "a sealed host is held without asking "
					 "the members whether they are still "
					 "there",
				 .is_lock = true,
				 .aim = AIM_STALE_FENCE,
				 .seeds = 40000 },
	[RULE_EARLY_RELEASE] = { .name = "early-release",
				 .safety = "9",
				 .text = "a sealed host releases a start that "
					 "shows no process yet",
				 .is_lock = true,
				 .aim = AIM_SLOW_START,
				 .seeds = 20000 },
	[RULE_ABSENCE] = { .name = "absence",
			   .safety = "9",
			   .text = "absence from a list that is not sealed "
				   "counts as released",
			   .is_lock = true,
			   .aim = AIM_TWO_SIDES,
			   .with = RULE_CLAIMS,
			   .seeds = 400,
			   .from = 17101 },
	[RULE_HOLD_READ] = { .name = "hold-read",
			     .safety = "12, 17",
			     .text = "a start does not look at holds",
			     .is_lock = true,
			     .seeds = 8000 },
	[RULE_HOLD_DISK] = { .name = "hold-on-disk",
			     .safety = "17",
			     .text = "VMs are held in the CIB alone",
			     .seeds = 4000,
			     .is_lock = true },
	[RULE_HOLD_KEEP] = { .name = "holds-kept",
			     .safety = "17, 19",
			     .text = "holds end with the incarnation that "
				     "wrote them",
			     .is_lock = true,
			     .aim = AIM_HOLDER,
			     .seeds = 8000 },
	[RULE_TERM] = { .name = "term-check",
			.safety = "19",
			.text = "a start does not look at its ticket's term",
			.is_lock = true,
			.aim = AIM_NEW_MASTER,
			.seeds = 8000 },
	[RULE_TERM_READ] = { .name = "term-read",
			     .safety = "19",
			     .text = "a master's term is taken without "
				     "reading the others before and after",
			     .seeds = 6000,
			     .is_lock = true },
	[RULE_DERIVE] = { .name = "tickets-derived",
			  .safety = "19",
			  .text = "the master rewrites only what itself "
				  "decided anew",
			  .is_lock = true,
			  .seeds = 200,
			  .from = 9001 },
	[RULE_RELEASE_LIST] = { .name = "released-list",
				.safety = "26",
				.text = "a record that a VM has ended is "
					"about any list of that host's boot",
				.is_lock = true,
				.aim = AIM_RELEASED,
				.seeds = 8000 },
	[RULE_RELEASE_BOOT] = { .name = "released-boot",
				.safety = "26",
				.text = "a record that a VM has ended is "
					"about lists of that host's later "
					"boots too",
				.is_lock = true,
				.aim = AIM_RELEASED,
				.seeds = 80000 },
	[RULE_REJOIN] = { .name = "rejoin-check",
			  .safety = "4",
			  .text = "success though the host is a member again",
			  .seeds = 4000,
			  .is_lock = true },
	[RULE_RESTART_ORDER] = { .name = "restart-order",
				 .safety = "-",
				 .text = "priorities do not wait for each other",
				 .is_lock = true,
				 .aim = AIM_RESTART,
				 .seeds = 4000 },
	[RULE_RESTART_DEPENDS] = { .name = "restart-depends",
				   .safety = "-",
				   .text = "a VM does not wait for what it "
					   "depends on",
				   .is_lock = true,
				   .aim = AIM_RESTART,
				   .seeds = 4000 },
	[RULE_RESTART_BOUND] = { .name = "restart-bound",
				 .safety = "-",
				 .text = "any number of VMs is started at a "
					 "time",
				 .is_lock = true,
				 .aim = AIM_RESTART,
				 .seeds = 4000 },
	[RULE_RESTART_LIMIT] = { .name = "restart-limit",
				 .safety = "-",
				 .text = "attempts have no limit",
				 .is_lock = true,
				 .aim = AIM_RESTART,
				 .seeds = 4000 },
	[RULE_RESTART_WAITS] = { .name = "restart-waits",
				 .safety = "-",
				 .text = "a VM that failed is tried again at "
					 "once",
				 .is_lock = true,
				 .aim = AIM_RESTART,
				 .seeds = 4000 },
	[RULE_RESTART_TICKET] = { .name = "attempt-in-ticket",
				  .safety = "19",
				  .text = "attempts are not counted in the "
					  "ticket",
				  .is_lock = true,
				  .aim = AIM_RESTART,
				  .seeds = 8000 },
	[RULE_KEEP_BACK] = { .name = "keep-back",
			     .safety = "4",
			     .text = "a host is fenced before those of its VMs "
				     "that must wait are kept back",
			     .is_lock = true,
			     .aim = AIM_KEEP_BACK,
			     .seeds = 8000 },
	[RULE_PROTECT_READ] = { .name = "protected-read",
				.safety = "24",
				.text = "a new master writes the protected "
					"list without having read it",
				.is_lock = true,
				.aim = AIM_RESTART,
				.seeds = 8000 },
	[RULE_PROTECT_FIRST] = { .name = "protected-first",
				 .safety = "21",
				 .text = "a ticket is taken away before the "
					 "protected list on disk says off",
				 .is_lock = true,
				 .aim = AIM_RESTART,
				 .seeds = 40000 },
	[RULE_SITTING] = { .name = "master-sits",
			   .safety = "22",
			   .text = "a master that sits scores like all others",
			   .is_lock = true,
			   .aim = AIM_RESTART,
			   .seeds = 8000 },
};

_Static_assert(RULE_N <= 65, "a set of rules is a bit per rule");

enum rule
rule_find(const char *name)
{
	uint32_t i;

	for (i = 0; i < RULE_N; i++) {
		if (strcmp(rule_table[i].name, name) == 0) {
			break;
		}
	}
	return (enum rule)i;
}

bool
rules_parse(const char *names, uint64_t *ret_off)
{
	char name[NAME_SIZE];
	uint64_t off = 0;

	while (*names) {
		size_t length = strcspn(names, ",");
		enum rule rule;

		if (length >= sizeof(name)) {
			return false;
		}
		memcpy(name, names, length);
		name[length] = '\0';
		rule = rule_find(name);
		if (rule == RULE_N || rule == RULE_NONE) {
			return false;
		}
		off |= RULE_BIT(rule);
		names += length + (names[length] == ',');
	}
	*ret_off = off;
	return true;
}

void
rules_name(uint64_t off, char *ret_text, size_t size)
{
	size_t used = 0;
	uint32_t i;

	ret_text[0] = '\0';
	for (i = 1; i < RULE_N && used < size; i++) {
		if (off & RULE_BIT(i)) {
			used += (size_t)snprintf(ret_text + used, size - used,
						 "%s%s", used ? "," : "",
						 rule_table[i].name);
		}
	}
}
