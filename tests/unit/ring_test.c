/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libha/core/ring and ring_silence, one host's view: the scenario file. The
 * views of several hosts together are in ring_walk_test.c. */
#include "scn.h"

#include "ha/ring.h"

#define SCENARIOS "tests/scenarios/ring.scn"
#define OWN_INCARNATION 10u
#define PEER_INCARNATION 7u

static const char *const MODE[] = { "storage", "announced", "leased" };
static const char *const TYPE[] = { "state", "nonce", "echo", "leave" };
static const char *const SILENCE[] = { "no-quorum", "member", "majority",
				       "later", "yes" };

static uint64_t
word_number(const struct scn *scn, size_t i)
{
	assert_true(i < scn->words);
	return strtoull(scn->word[i], NULL, 10);
}

static struct ha_hostset
hosts_of(const char *list)
{
	struct ha_hostset set = { { 0 } };

	for (uint32_t i = 0; list && i < HA_HOSTS_MAX; i++) {
		if (strcmp(list, "none") != 0 && scn_in_list(list, i)) {
			ha_hostset_add(&set, i);
		}
	}
	return set;
}

static void
new_case(const struct scn *scn, struct ha_ring *ring)
{
	const char *at = scn_text(scn, "votes");

	ha_ring_init(ring, (uint32_t)scn_number(scn, "self", 0),
		     OWN_INCARNATION);
	for (uint32_t i = 0; at; i++) {
		ha_ring_votes(ring, i, (uint32_t)strtoul(at, NULL, 10));
		at = strchr(at, ',');
		at = at ? at + 1 : NULL;
	}
}

static void
do_tick(const struct scn *scn, struct ha_ring *ring, uint64_t now_ms)
{
	struct ha_ring_msg msg;
	const char *got = "none";

	if (ha_ring_tick(ring, scn_has(scn, "wants"),
			 scn_number(scn, "nonce", 0), now_ms, &msg)) {
		got = TYPE[msg.type];
		assert_int_equal(msg.incarnation, OWN_INCARNATION);
		assert_int_equal(msg.ring_seq, ring->ring_seq);
	}
	scn_same(scn, got, scn->word[scn->wants]);
	scn_same(scn, MODE[ring->mode], scn->word[scn->wants + 1]);
}

/* "2:7:ring" */
static void
take_known(const char *word, struct ha_ring_msg *msg)
{
	char *end;
	uint32_t host = (uint32_t)strtoul(word, &end, 10);

	if (*end != ':') {
		return;
	}
	assert_true(host < HA_HOSTS_MAX);
	msg->known[host].incarnation = strtoull(end + 1, &end, 10);
	msg->known[host].is_ring_mode = strcmp(end, ":ring") == 0;
	if (msg->hosts <= host) {
		msg->hosts = host + 1;
	}
}

static void
do_deliver(const struct scn *scn, struct ha_ring *ring, uint64_t now_ms,
	   enum ha_ring_type type)
{
	struct ha_ring_msg reply;
	struct ha_ring_msg msg = {
		.type = type,
		.sender = (uint32_t)word_number(scn, 2),
		.target = (uint32_t)scn_number(scn, "target", 0),
		.incarnation = scn_number(scn, "inc", PEER_INCARNATION),
		.ring_seq = scn_number(scn, "seq", 0),
		.nonce = scn_number(scn, "nonce", 0),
	};
	const char *got = "none";

	for (size_t i = 3; i < scn_given(scn); i++) {
		take_known(scn->word[i], &msg);
	}
	if (ha_ring_deliver(ring, &msg, now_ms, &reply)) {
		got = TYPE[reply.type];
		assert_int_equal(reply.sender, ring->self);
		if (reply.type == HA_RING_MSG_ECHO) {
			assert_int_equal(reply.target, msg.sender);
			assert_int_equal(reply.nonce, msg.nonce);
		} else {
			assert_int_equal(reply.nonce, 0); /* no ping-pong */
		}
	}
	scn_same(scn, got, scn->word[scn->wants]);
}

static void
do_evidence(const struct scn *scn, const struct ha_ring *ring)
{
	uint64_t stamp_ms = 0;

	scn_same(scn, ha_ring_evidence(ring, &stamp_ms) ? "has" : "none",
		 scn->word[scn->wants]);
	scn_same_number(scn, "stamp", stamp_ms);
}

static void
do_silence(const struct scn *scn, const struct ha_ring *ring, uint64_t now_ms)
{
	struct ha_hostset gone = hosts_of(scn_text(scn, "gone"));
	uint64_t due_ms = 0;
	enum ha_ring_silence got = ha_ring_silence(
		ring, ha_profile_timing(HA_PROFILE_STANDARD),
		(uint32_t)word_number(scn, 2), &gone, now_ms, &due_ms);

	scn_same(scn, SILENCE[got], scn->word[scn->wants]);
	scn_same_number(scn, "due", due_ms);
}

static void
do_line(const struct scn *scn, struct ha_ring *ring)
{
	const uint64_t now_ms = strtoull(scn->word[0] + 1, NULL, 10);
	const char *what = scn->word[1];

	assert_int_equal(scn->word[0][0], '@');
	if (strcmp(what, "changed") == 0) {
		struct ha_hostset members = hosts_of(scn->word[3]);

		ha_ring_changed(ring, word_number(scn, 2), &members, now_ms);
	} else if (strcmp(what, "quorum") == 0) {
		ha_ring_quorate(ring, word_number(scn, 2), true, now_ms);
	} else if (strcmp(what, "no-quorum") == 0) {
		ha_ring_quorate(ring, word_number(scn, 2), false, now_ms);
	} else if (strcmp(what, "lost") == 0) {
		ha_ring_lost(ring);
	} else if (strcmp(what, "gone") == 0) {
		struct ha_hostset gone = hosts_of(scn->word[2]);

		ha_ring_gone(ring, &gone, now_ms);
	} else if (strcmp(what, "tick") == 0) {
		do_tick(scn, ring, now_ms);
	} else if (strcmp(what, "evidence") == 0) {
		do_evidence(scn, ring);
	} else if (strcmp(what, "silence") == 0) {
		do_silence(scn, ring, now_ms);
	} else {
		size_t type = 0;

		while (type < N_ELEMENTS(TYPE) &&
		       strcmp(what, TYPE[type]) != 0) {
			type++;
		}
		scn_same(scn, type < N_ELEMENTS(TYPE) ? "" : what, "");
		do_deliver(scn, ring, now_ms, (enum ha_ring_type)type);
	}
}

static void
scenarios(void **state)
{
	struct ha_ring ring;
	struct scn scn;

	(void)state;
	scn_open(&scn, SCENARIOS);
	while (scn_next(&scn)) {
		if (strcmp(scn.word[0], "case") == 0) {
			new_case(&scn, &ring);
		} else {
			do_line(&scn, &ring);
		}
	}
	assert_true(scn.checks >= 90);
}

static void
states(void **state)
{
	struct ha_hostset members = { { 7 } };
	struct ha_ring_msg msg;
	struct ha_ring ring;

	(void)state;
	ha_ring_init(&ring, 2, OWN_INCARNATION);
	ha_ring_changed(&ring, 4, &members, 100);
	ha_ring_state(&ring, &msg);
	assert_int_equal(msg.type, HA_RING_MSG_STATE);
	assert_int_equal(msg.hosts, 3);
	assert_int_equal(msg.known[2].incarnation, OWN_INCARNATION);
	assert_false(msg.known[2].is_ring_mode);
	assert_int_equal(msg.nonce, 1); /* just come: asks for theirs */
	ha_ring_changed(&ring, 5, &members, 200);
	ha_ring_state(&ring, &msg);
	assert_int_equal(msg.nonce, 0);
	assert_int_equal(msg.ring_seq, 5);
	ha_ring_lost(&ring);
	ha_ring_changed(&ring, 6, &members, 300);
	ha_ring_state(&ring, &msg);
	assert_int_equal(msg.nonce, 1);
}

static void
needed(void **state)
{
	const struct ha_timing *timing = ha_profile_timing(HA_PROFILE_STANDARD);
	struct ha_ring ring;

	(void)state;
	ha_ring_init(&ring, 0, OWN_INCARNATION);
	assert_true(ha_ring_is_needed(&ring, timing, false, 0, 10));
	assert_false(ha_ring_is_needed(&ring, timing, true, 1000, 3000));
	assert_true(ha_ring_is_needed(&ring, timing, true, 1000, 3001));
	/* Back only when a beat is fresh, and newer than the ring's stamp. */
	ring.mode = HA_RING_LEASED;
	assert_false(ha_ring_is_needed(&ring, timing, true, 1000, 2000));
	assert_true(ha_ring_is_needed(&ring, timing, true, 1000, 2001));
	ring.has_evidence = true;
	ring.evidence_ms = 1000;
	assert_true(ha_ring_is_needed(&ring, timing, true, 1000, 1500));
	assert_false(ha_ring_is_needed(&ring, timing, true, 1001, 1500));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scenarios),
		cmocka_unit_test(states),
		cmocka_unit_test(needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
