/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Before silence is believed the members are asked: only answers that are
 * ordered behind the question count, and only as many as leave no majority
 * that could have vouched for another host (core/ring_ask.c).
 */
#include "unit.h"

#include "ha/ring.h"

#define HOSTS 5u
#define SEQ 40u
#define ASK 7u
#define ASK_MS 5000u

static const struct ha_hostset NOBODY = { { 0 } };

/* Host 0 in a quorate membership of the first `members` of `hosts`. */
static void
set_up(struct ha_ring *ring, uint32_t hosts, uint32_t members)
{
	struct ha_hostset set = { { 0 } };

	ha_ring_init(ring, 0, 1);
	for (uint32_t i = 0; i < hosts; i++) {
		ha_ring_votes(ring, i, 1);
	}
	for (uint32_t i = 0; i < members; i++) {
		ha_hostset_add(&set, i);
	}
	ha_ring_changed(ring, SEQ, &set, 1000);
	ha_ring_quorate(ring, SEQ, true, 1000);
}

static void
deliver_state(struct ha_ring *ring, uint32_t sender, uint64_t nonce,
	      uint64_t ring_seq)
{
	struct ha_ring_msg msg = {
		.type = HA_RING_MSG_STATE,
		.sender = sender,
		.incarnation = 3,
		.ring_seq = ring_seq,
		.nonce = nonce,
	};
	struct ha_ring_msg reply;

	(void)ha_ring_deliver(ring, &msg, ASK_MS, &reply);
}

static void
answers_behind_the_question(void **state)
{
	struct ha_ring ring;
	struct ha_ring_msg msg;

	(void)state;
	set_up(&ring, HOSTS, 4);
	assert_true(ha_ring_ask(&ring, ASK, ASK_MS, &msg));
	assert_int_equal(msg.type, HA_RING_MSG_STATE);
	assert_int_equal(msg.nonce, ASK);
	/* In front of it in the order: sent before, for all we know. */
	deliver_state(&ring, 1, 0, SEQ);
	deliver_state(&ring, 2, 0, SEQ);
	deliver_state(&ring, 3, 0, SEQ);
	assert_false(ha_ring_is_confirmed(&ring, &NOBODY, ASK_MS));
	deliver_state(&ring, 0, ASK, SEQ);
	assert_false(ha_ring_is_confirmed(&ring, &NOBODY, ASK_MS));
	deliver_state(&ring, 1, 0, SEQ);
	assert_false(ha_ring_is_confirmed(&ring, &NOBODY, ASK_MS));
	/* Two of five are left: no majority. */
	deliver_state(&ring, 2, 0, SEQ);
	assert_true(ha_ring_is_confirmed(&ring, &NOBODY, ASK_MS));
	/* They were there when they were asked, not later. */
	assert_false(ha_ring_is_confirmed(&ring, &NOBODY, ASK_MS + 1));
}

static void
another_question_is_not_ours(void **state)
{
	struct ha_ring ring;
	struct ha_ring_msg msg;

	(void)state;
	set_up(&ring, HOSTS, 4);
	assert_true(ha_ring_ask(&ring, ASK, ASK_MS, &msg));
	deliver_state(&ring, 0, ASK - 1, SEQ);
	deliver_state(&ring, 1, 0, SEQ);
	deliver_state(&ring, 2, 0, SEQ);
	assert_false(ha_ring_is_confirmed(&ring, &NOBODY, ASK_MS));
}

static void
a_membership_ends_it(void **state)
{
	struct ha_hostset members = { { 0xf } };
	struct ha_ring ring;
	struct ha_ring_msg msg;

	(void)state;
	set_up(&ring, HOSTS, 4);
	assert_true(ha_ring_ask(&ring, ASK, ASK_MS, &msg));
	deliver_state(&ring, 0, ASK, SEQ);
	deliver_state(&ring, 1, 0, SEQ);
	deliver_state(&ring, 2, 0, SEQ);
	assert_true(ha_ring_is_confirmed(&ring, &NOBODY, ASK_MS));
	ha_ring_changed(&ring, SEQ + 4, &members, ASK_MS);
	assert_false(ha_ring_is_confirmed(&ring, &NOBODY, ASK_MS));
	/* The old question does not count in the new membership. */
	deliver_state(&ring, 0, ASK, SEQ + 4);
	deliver_state(&ring, 1, 0, SEQ + 4);
	deliver_state(&ring, 2, 0, SEQ + 4);
	assert_false(ha_ring_is_confirmed(&ring, &NOBODY, ASK_MS));
	ha_ring_lost(&ring);
	assert_false(ha_ring_is_confirmed(&ring, &NOBODY, ASK_MS));
	assert_false(ha_ring_ask(&ring, ASK + 1, ASK_MS, &msg));
}

static void
two_nodes_and_the_gone(void **state)
{
	struct ha_hostset gone = { { 0x10 } };
	struct ha_ring ring;
	struct ha_ring_msg msg;

	(void)state;
	/* A lease of the other needs our own echo: no answer is needed. */
	set_up(&ring, 2, 1);
	assert_true(ha_ring_is_confirmed(&ring, &NOBODY, ASK_MS));
	/* Five, one stopped cleanly: three others, one answer is enough only
	 * once the stopped one is known to be gone. */
	set_up(&ring, HOSTS, 3);
	assert_true(ha_ring_ask(&ring, ASK, ASK_MS, &msg));
	deliver_state(&ring, 0, ASK, SEQ);
	deliver_state(&ring, 1, 0, SEQ);
	assert_false(ha_ring_is_confirmed(&ring, &gone, ASK_MS));
	ha_ring_gone(&ring, &gone, ASK_MS);
	assert_true(ha_ring_is_confirmed(&ring, &gone, ASK_MS));
}

/* Votes enough to be a side alone, or a side with nobody left to ask: the
 * members' word is needed all the same before holds end. */
static void
a_side_of_its_own_asks_its_members(void **state)
{
	struct ha_ring ring;
	struct ha_ring_msg msg;

	(void)state;
	set_up(&ring, 2, 2);
	assert_true(ha_ring_is_confirmed(&ring, &NOBODY, ASK_MS));
	assert_false(ha_ring_stands(&ring, &NOBODY, ASK_MS));
	assert_true(ha_ring_ask(&ring, ASK, ASK_MS, &msg));
	deliver_state(&ring, 0, ASK, SEQ);
	assert_false(ha_ring_stands(&ring, &NOBODY, ASK_MS));
	deliver_state(&ring, 1, 0, SEQ);
	assert_true(ha_ring_stands(&ring, &NOBODY, ASK_MS));
	assert_false(ha_ring_stands(&ring, &NOBODY, ASK_MS + 1));
	/* Alone in its membership, nobody is there to ask. */
	set_up(&ring, 2, 1);
	assert_true(ha_ring_stands(&ring, &NOBODY, ASK_MS));
	/* Where a majority must answer, that is enough. */
	set_up(&ring, HOSTS, 4);
	assert_true(ha_ring_ask(&ring, ASK, ASK_MS, &msg));
	deliver_state(&ring, 0, ASK, SEQ);
	deliver_state(&ring, 1, 0, SEQ);
	assert_false(ha_ring_stands(&ring, &NOBODY, ASK_MS));
	deliver_state(&ring, 2, 0, SEQ);
	assert_true(ha_ring_stands(&ring, &NOBODY, ASK_MS));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_behind_the_question),
		cmocka_unit_test(another_question_is_not_ours),
		cmocka_unit_test(a_membership_ends_it),
		cmocka_unit_test(two_nodes_and_the_gone),
		cmocka_unit_test(a_side_of_its_own_asks_its_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
