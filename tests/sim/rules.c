/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that can be switched off one at a time, and within how many seeds
 * a failure must then be found. Off means that the simulator's own daemon
 * breaks the rule, or gives the core other facts than it saw; the core is
 * always the real one.
 */
#include <string.h>

#include "sim.h"

const struct rule_row rule_table[RULE_N] = {
	[RULE_NONE] = { "none", "-", "all rules on", 0 },
	[RULE_STAMP] = { "stamp-at-submission", "1.1",
			 "evidence is stamped when the write has completed",
			 200, false, 88801 },
	[RULE_LATE] = { "late-write", "1.1",
			"a write that completes after D is evidence", 0 },
	[RULE_KILL] = { "kill-timer", "1.2",
			"no SIGKILL timer between check and pet", 20000 },
	[RULE_REOPEN] = { "no-reopen", "1.2",
			  "a daemon killed while armed is started again and "
			  "opens the watchdog without evidence",
			  20000 },
	[RULE_READ_SUBMISSION] = { "read-submission", "1.3",
				   "silence is counted to the completion of a "
				   "read",
				   20000 },
	[RULE_HUNG_READ] = { "hung-read", "1.3",
			     "a read that hangs showed nothing new", 20000 },
	[RULE_WINDOW] = { "common-span", "1.3",
			  "datastores silent at different times add up",
			  50000 },
	[RULE_LOWER] = { "higher-only", "1.4",
			 "a lower incarnation counts as replaced too", 20000 },
	[RULE_DAMAGED_BOOT] = { "damaged-own-block", "1.4",
				"a damaged own block counts as read", 50000 },
	[RULE_CLAIM_FLUSHED] = { "claim-flushed", "1.4",
				 "a claim on one datastore counts", 0 },
	[RULE_STOP] = { "stopped-on-w", "1.5",
			"a clean stop closes the watchdog at once", 20000 },
	[RULE_OWN_ECHO] = { "own-echo", "1.6",
			    "one's own message coming back is a lease", 20000 },
	[RULE_ANNOUNCE] = { "announcement-first", "1.6",
			    "ring evidence begins with the announcement",
			    20000 },
	[RULE_RING_SILENCE] = { "ring-silence", "1.6",
				"a host in ring mode is dead when its storage "
				"is silent",
				20000 },
	[RULE_CONFIRM] = { "ring-confirm", "1.6",
			   "silence is believed without asking the members "
			   "whether they are still there",
			   20000 },
	[RULE_CONFIRM_LATE] = { "ring-confirm-late", "1.6",
				"the members' answers may be older than the "
				"silence",
				50000 },
	[RULE_CLOCK] = { "clock-anew", "1.6",
			 "T without a host runs on over memberships whose "
			 "members may have been with it between",
			 50000 },
	[RULE_STATES] = { "state-exchange", "1.6",
			  "who has not told its mode is in storage mode", 0 },
	[RULE_LONE] = { "lone-proof", "1.7",
			"a lone quorate host lives on without the proof",
			20000 },
	[RULE_ORDER] = { "one-moment", "14",
			 "a beat that waited for its list takes its sequence "
			 "and state later than its list",
			 20000 },
	[RULE_LONE_READ] = { "lone-read", "1.7",
			     "the proof for a lone host may be older than its "
			     "last membership with the other",
			     200000 },
	[RULE_FLUSH] = { "beat-names-list", "14",
			 "a list counts as flushed before a beat names it",
			 20000 },
	[RULE_GENERATION] = { "list-generation", "14",
			      "any list copy is taken for the one that the "
			      "beat names",
			      20000 },
	[RULE_DAMAGED_LIST] = { "damaged-beat", "14",
				"a datastore whose beat is damaged counts as "
				"read when a list is chosen",
				50000 },
	[RULE_OVERLAP] = { "w-and-r-overlap", "Times",
			   "one written datastore is enough: w + r = N",
			   20000 },
	[RULE_LIST_FIRST] = { "list-before-start", "12",
			      "a start asks nobody and lists the VM when it "
			      "runs",
			      2000, true },
	[RULE_READ_AFTER] = { "read-after-write", "12",
			      "lists read before the own entry was flushed "
			      "count",
			      2000, true },
	[RULE_LOCK_GENERATION] = { "lock-generation", "14",
				   "any list copy of the incarnation is taken "
				   "for the one that the beat names",
				   2000, true },
	[RULE_PASS_ENTRY] = { "no-passing", "12",
			      "of two starts the higher goes on past the "
			      "lower one's entry",
			      2000, true },
	[RULE_EMPTY_RESTART] = { "list-read-back", "1.2",
				 "a daemon restarted in the same boot begins "
				 "with an empty list",
				 0, true },
	[RULE_INCOMING] = { "incoming-first", "13",
			    "the target of a migration lists the VM when it "
			    "has arrived",
			    0, true },
	[RULE_TWO_PAIRS] = { "one-pair", "13",
			     "a migration passes any number of entries", 0,
			     true },
	[RULE_SEAL] = { "seal-at-start", "8",
			"a sealed host goes on to start VMs", 4000, true },
	[RULE_CLAIMS] = { "claims", "11",
			  "two quorate sides do not look at each other's "
			  "claims",
			  0, true },
	[RULE_CLAIM_MASTER] = { "claim-lost-master", "11, 20",
				"the master of a side that lost its claim "
				"lifts and grants on",
				0, true },
	[RULE_CLAIM_READ] = { "claim-read", "11",
			      "a side goes on before it has read the others "
			      "since its own claim was flushed",
			      0, true },
	[RULE_SEAL_ANEW] = { "sealed-anew", "8, 17",
			     "a host cut off again while still sealed keeps "
			     "its list's generation, and an old lift ends the "
			     "new holds",
			     0, true },
	[RULE_UNSEAL_GENERATION] = { "unseal-generation", "10, 15",
				     "an order to unseal is about no list in "
				     "particular",
				     0, true },
	[RULE_SEAL_ACK] = { "seal-obeyed", "4, 8",
			    "a host that calls itself quorate counts as sealed "
			    "without having obeyed the order to seal",
			    0, true },
	[RULE_MASTER_CONFIRM] = { "master-confirm", "19, 1.6",
				  "a master lifts and unseals without asking "
				  "its members whether they are still there",
				  0, true },
	[RULE_EARLY_RELEASE] = { "early-release", "9",
				 "a sealed host releases a start that shows no "
				 "process yet",
				 0, true },
	[RULE_ABSENCE] = { "absence", "9",
			   "absence from a list that is not sealed counts as "
			   "released",
			   20000, true },
	[RULE_HOLD_READ] = { "hold-read", "12, 17",
			     "a start does not look at holds", 0, true },
	[RULE_HOLD_DISK] = { "hold-on-disk", "17",
			     "VMs are held in the CIB alone", 4000, true },
	[RULE_HOLD_KEEP] = { "holds-kept", "17, 19",
			     "holds end with the incarnation that wrote them",
			     8000, true },
	[RULE_TERM] = { "term-check", "19",
			"a start does not look at its ticket's term", 0, true },
	[RULE_TERM_READ] = { "term-read", "19",
			     "a master's term is taken without reading the "
			     "others before and after",
			     6000, true },
	[RULE_DERIVE] = { "tickets-derived", "19",
			  "the master rewrites only what itself decided anew",
			  6000, true },
	[RULE_REJOIN] = { "rejoin-check", "4",
			  "success though the host is a member again", 4000,
			  true },
};

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
