/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The seal as the beating half keeps it: no first beat is unsealed, a beat
 * that says "sealed" never names a list from before the seal, and an order to
 * seal is acknowledged by such a beat, or refused by the higher of two sides
 * that have quorum (SAFETY 8, 10, 11, 15).
 */
#include <errno.h>

#include "hb_hosts.h"

#define A (&test_hb[0])
#define B (&test_hb[1])

static int
two_hosts(void **state)
{
	static const uint32_t VOTES[] = { 1, 1, 1 };

	areas_make(state);
	host_joined(A, "alpha");
	host_joined(B, "beta");
	memcpy(A->votes, VOTES, sizeof(VOTES));
	memcpy(B->votes, VOTES, sizeof(VOTES));
	return 0;
}

static int
two_ends(void **state)
{
	(void)state;
	host_end(A);
	host_end(B);
	return 0;
}

static void
open_up(struct hb *hb)
{
	pthread_mutex_lock(&hb->lock);
	hb->flags &= ~HA_BEAT_SEALED;
	pthread_mutex_unlock(&hb->lock);
	hb_kick(hb);
}

/* In a membership of these slots, with quorum. */
static void
membership(struct hb *hb, uint64_t ring_seq, uint64_t members)
{
	pthread_mutex_lock(&hb->lock);
	hb->flags |= HA_BEAT_QUORATE | HA_BEAT_MEMBER;
	hb->ring_seq = ring_seq;
	hb->members.bits[0] = members;
	pthread_mutex_unlock(&hb->lock);
	hb_kick(hb);
}

static void
give_order(struct hb *from, uint32_t target, enum ha_order_kind kind,
	   uint64_t nonce)
{
	pthread_mutex_lock(&from->lock);
	from->orders_count = 1;
	from->orders[0] = (struct ha_order){
		.kind = kind,
		.target = target,
		.incarnation = 1,
		.nonce = nonce,
	};
	pthread_mutex_unlock(&from->lock);
	hb_kick(from);
}

/* 1: no answer yet. */
static int
answer_of(const struct hb *hb, uint32_t slot, uint64_t nonce)
{
	const struct ha_beat *beat = &hb->hosts[slot].beat;

	for (uint32_t i = 0; i < beat->acks_count; i++) {
		if (beat->acks[i].nonce == nonce &&
		    beat->acks[i].sender == hb->self) {
			return beat->acks[i].result;
		}
	}
	return 1;
}

static void
first_beat_is_sealed(void **state)
{
	(void)state;
	wait_for(B, B->hosts[0].has_beat && B->hosts[0].beat.sequence > 0);
	wait_for(B, (B->hosts[0].beat.flags & HA_BEAT_SEALED) != 0);
}

/* Each beat of the other that B ever reads is held against the rule, while A
 * is sealed and its list changes. */
static void
order_is_acknowledged_by_a_sealed_beat(void **state)
{
	uint64_t sealed;

	(void)state;
	open_up(A);
	wait_for(B, (B->hosts[0].beat.flags & HA_BEAT_SEALED) == 0);
	list_add(A, 1);
	give_order(B, 0, HA_ORDER_SEAL, 7);
	wait_for(B, answer_of(B, 0, 7) != 1);
	pthread_mutex_lock(&A->lock);
	sealed = A->sealed_generation;
	assert_int_equal(A->list.generation, sealed);
	assert_true(A->is_seal_ordered && A->seal_sender == 1);
	pthread_mutex_unlock(&A->lock);
	pthread_mutex_lock(&B->lock);
	assert_int_equal(answer_of(B, 0, 7), 0);
	assert_true((B->hosts[0].beat.flags & HA_BEAT_SEALED) != 0);
	assert_true(B->hosts[0].beat.list_generation >= sealed);
	pthread_mutex_unlock(&B->lock);
	assert_int_equal(sealed, 2);
	/* Sealed already: it is another seal, whatever the master has lifted
	 * or settled of the one before. */
	pthread_mutex_lock(&A->lock);
	A->is_settled = true;
	pthread_mutex_unlock(&A->lock);
	give_order(B, 0, HA_ORDER_SEAL, 8);
	wait_for(B, answer_of(B, 0, 8) == 0);
	wait_for(A, A->list.generation == sealed + 1 && !A->is_settled);
	wait_for(B, B->hosts[0].beat.list_generation == sealed + 1);
}

/* Two nodes cut apart, each with quorum for itself: equal votes, the greater
 * name is higher. */
static void
higher_side_does_not_obey_the_lower(void **state)
{
	(void)state;
	open_up(A);
	open_up(B);
	membership(A, 10, 1u << 0);
	membership(B, 11, 1u << 1);
	wait_for(B, (B->hosts[0].beat.flags & HA_BEAT_QUORATE) != 0);
	wait_for(A, (A->hosts[1].beat.flags & HA_BEAT_QUORATE) != 0);
	give_order(A, 1, HA_ORDER_SEAL, 21);
	give_order(B, 0, HA_ORDER_SEAL, 22);
	wait_for(B, answer_of(B, 0, 22) == 0);
	wait_for(A, answer_of(A, 1, 21) == -EPERM);
	wait_for(A, (A->flags & HA_BEAT_SEALED) != 0);
	wait_for(B, (B->flags & HA_BEAT_SEALED) == 0);
	assert_int_equal(count_events(B, HB_EVENT_NOT_OBEYED, HA_ORDER_SEAL),
			 1);
	/* Of a member it is no side's order, also when that one has gone on to
	 * another membership. */
	membership(A, 12, 1);
	membership(B, 11, 3);
	wait_for(B, B->hosts[0].beat.ring_seq == 12);
	give_order(A, 1, HA_ORDER_SEAL, 23);
	wait_for(A, answer_of(A, 1, 23) == 0);
	wait_for(B, (B->flags & HA_BEAT_SEALED) != 0);
}

/* Main decides about UNSEAL; a later order to seal voids it. */
static void
seal_voids_the_masters_word(void **state)
{
	(void)state;
	open_up(A);
	give_order(B, 0, HA_ORDER_UNSEAL, 31);
	wait_for(A, A->hosts[1].unseal_asked == 31);
	pthread_mutex_lock(&A->lock);
	A->is_settled = true;
	pthread_mutex_unlock(&A->lock);
	assert_int_equal(answer_of(B, 0, 31), 1);
	give_order(B, 0, HA_ORDER_SEAL, 32);
	wait_for(B, answer_of(B, 0, 32) == 0);
	wait_for(A, !A->is_settled && A->hosts[1].unseal_asked == 0);
}

/* Under the writer's steps of store.c, with a list that hangs on its way. */
static void
beat_names_no_list_from_before_the_seal(void **state)
{
	static struct hb hb;
	static struct hb_store st;
	static struct ha_listed_vm vms[VMS], own[VMS];
	struct ha_beat beat;

	(void)state;
	hb.conf.stores = hb.sb.stores = 1;
	hb.sb.slots = 2;
	hb.hosts[1].has_beat = true;
	hb.hosts[1].beat.orders_count = 1;
	hb.hosts[1].beat.orders[0] = (struct ha_order){
		.kind = HA_ORDER_SEAL,
		.target = 0,
		.incarnation = 1,
		.nonce = 9,
	};
	hb.incarnation = 1;
	hb.is_claimed = true;
	hb.list.vms = vms;
	hb.stores[0] = &st;
	st = (struct hb_store){ .hb = &hb, .own_vms = own, .kick_fd = -1 };
	hb.list.generation = 5;
	hb_list_take(&st);
	hb_seal(&hb);
	assert_int_equal(hb.sealed_generation, 6);
	/* The list of 5 has landed, the next beat names it. */
	st.list = st.going;
	hb_beat_assemble(&st, &beat);
	assert_int_equal(beat.list_generation, 5);
	assert_int_equal(beat.flags & HA_BEAT_SEALED, 0);
	assert_int_equal(beat.acks_count, 0);
	hb_list_take(&st);
	st.list = st.going;
	hb_beat_assemble(&st, &beat);
	assert_int_equal(beat.list_generation, 6);
	assert_true((beat.flags & HA_BEAT_SEALED) != 0);
	assert_int_equal(beat.acks_count, 1);
	assert_int_equal(beat.acks[0].result, 0);
	hb_seal(&hb);
	assert_int_equal(hb.list.generation, 6);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(beat_names_no_list_from_before_the_seal),
		cmocka_unit_test_setup_teardown(first_beat_is_sealed, two_hosts,
						two_ends),
		cmocka_unit_test_setup_teardown(
			order_is_acknowledged_by_a_sealed_beat, two_hosts,
			two_ends),
		cmocka_unit_test_setup_teardown(
			higher_side_does_not_obey_the_lower, two_hosts,
			two_ends),
		cmocka_unit_test_setup_teardown(seal_voids_the_masters_word,
						two_hosts, two_ends),
	};

	(void)argc;
	hosts_setup(argv[0]);
	(void)alarm(TEST_END_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
