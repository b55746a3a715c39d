/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the main thread makes of membership, beats and orders (SAFETY 8 to 11,
 * 17, 19): when a host is sealed anew, when another side may claim the cluster,
 * who speaks for his side. One host's structs, no threads and no disk: what was
 * read, and what corosync told, is put there.
 */
#include "hb_side.h"

/* ---- SAFETY 8, 17: each seal is another one ----------------------------- */

static void
cut_off_again_is_another_seal(void **state)
{
	(void)state;
	hbs_seal_look(&s);
	assert_int_equal(hb.list.generation, GENERATION);
	membership(SEQ + 4, 1u << BETA, false);
	hbs_seal_look(&s);
	assert_int_equal(hb.seal.why, HA_SEAL_NO_QUORUM);
	assert_int_equal(hb.list.generation, GENERATION + 1);
	assert_int_equal(hb.sealed_generation, GENERATION + 1);
	hbs_seal_look(&s);
	assert_int_equal(hb.list.generation, GENERATION + 1);
	membership(SEQ + 8, 1u << ALPHA | 1u << BETA, true);
	claimed(0);
	hbs_seal_look(&s);
	assert_int_equal(hb.list.generation, GENERATION + 1);
	/* What was settled is not what is sealed from now on. */
	settled();
	membership(SEQ + 12, 1u << BETA, false);
	hbs_seal_look(&s);
	assert_int_equal(hb.list.generation, GENERATION + 2);
	assert_false(hb.is_settled);
}

/* ---- SAFETY 11, 20: who has lost its claim has no say ------------------- */

static void
who_lost_its_claim_has_no_say(void **state)
{
	struct ha_fence_facts facts = { .action = HA_FENCE_OFF };
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	hb.master_term = hb.term = 3;
	s.master.lease_ms = ha_clock_now_ms() + LEASE_MS;
	hbs_master_look(&s);
	assert_int_equal(hb.master_term, 3);
	hbs_gather_self(&s, ha_clock_now_ms(), &facts);
	assert_true(facts.is_quorate);
	hb.votes[GAMMA] = 3;
	beat(GAMMA, HA_BEAT_QUORATE | HA_BEAT_MEMBER, SEQ + 1, 1u << GAMMA);
	hbs_seal_look(&s);
	assert_int_equal(hb.seal.why, HA_SEAL_CLAIM);
	assert_int_equal(hb.list.generation, GENERATION + 1);
	hbs_master_look(&s);
	assert_int_equal(hb.master_term, 0);
	assert_int_equal(hb.flags & HA_BEAT_MASTER, 0);
	assert_int_equal(
		hbs_master_begin(&s, LEASE_MS, ha_clock_now_ms(), &err),
		-EPERM);
	hbs_gather_self(&s, ha_clock_now_ms(), &facts);
	assert_false(facts.is_quorate);
}

/* ---- SAFETY 11: claims are read before anybody acts --------------------- */

static void
unread_host_may_claim(void **state)
{
	uint64_t later_ms = ha_clock_now_ms() + LEASE_MS;
	struct ha_rival rival;

	(void)state;
	settled();
	claimed(later_ms);
	hbs_seal_look(&s);
	assert_true(hb.seal.is_sealed);
	hbs_seal_rival(&s, ha_clock_now_ms(), &rival);
	assert_true(rival.is_there && rival.is_possible);
	assert_int_equal(rival.slot, GAMMA);
	/* Read, but torn: a newer one may hide in it. */
	hb.views[0].read_ms = later_ms;
	hb.hosts[GAMMA].verdict[0] = HA_BLOCK_TORN;
	hbs_seal_look(&s);
	assert_true(hb.seal.is_sealed);
	hb.hosts[GAMMA].verdict[0] = HA_BLOCK_OK;
	hbs_seal_look(&s);
	assert_false(hb.seal.is_sealed);
}

/* It may have booted since that was read. */
static void
old_proof_is_no_read_claim(void **state)
{
	uint64_t later_ms = ha_clock_now_ms() + LEASE_MS;
	struct ha_rival rival;

	(void)state;
	/* A person has called it dead. */
	hb.hosts[GAMMA].confirmed_incarnation = 1;
	hb.hosts[GAMMA].confirmed_sequence = UINT64_MAX;
	s.hosts[GAMMA].stopped_ms = ha_clock_now_ms();
	hb.hosts[GAMMA].verdict[0] = HA_BLOCK_TORN;
	hbs_seal_rival(&s, ha_clock_now_ms(), &rival);
	assert_false(rival.is_there);
	claimed(later_ms);
	hbs_seal_rival(&s, ha_clock_now_ms(), &rival);
	assert_true(rival.is_there && rival.is_possible);
}

/* ---- SAFETY 10, 15: the master's word is about one list ------------------ */

static void
order(uint32_t from, enum ha_order_kind kind, uint64_t nonce,
      uint64_t generation)
{
	struct hb_host *host = &hb.hosts[from];

	host->beat.orders_count = 1;
	host->beat.orders[0] = (struct ha_order){
		.kind = kind,
		.target = BETA,
		.incarnation = 1,
		.nonce = nonce,
		.generation = generation,
	};
	host->unseal_asked = kind == HA_ORDER_UNSEAL ? nonce : 0;
}

static void
unseal_names_its_list(void **state)
{
	(void)state;
	beat(ALPHA, HA_BEAT_QUORATE | HA_BEAT_MEMBER | HA_BEAT_MASTER, SEQ,
	     1u << ALPHA | 1u << BETA);
	order(ALPHA, HA_ORDER_UNSEAL, 71, GENERATION - 1);
	hbs_seal_look(&s);
	assert_true(hb.seal.is_sealed);
	assert_int_equal(hb.hosts[ALPHA].unseal_obeyed, 71);
	assert_int_equal(hb.hosts[ALPHA].unseal_code, -ESTALE);
	order(ALPHA, HA_ORDER_UNSEAL, 72, GENERATION);
	hbs_seal_look(&s);
	assert_false(hb.seal.is_sealed);
	assert_int_equal(hb.hosts[ALPHA].unseal_code, 0);
}

/* ---- SAFETY 19, 1.6: members have said that they are there --------------- */

/* Asked now; alpha answers. */
static void
confirm(void)
{
	static uint64_t nonce = 100;
	struct ha_ring *ring = &s.ring.core;
	struct ha_ring_msg msg;
	struct ha_ring_msg reply;

	assert_true(ha_ring_ask(ring, ++nonce, ha_clock_now_ms(), &msg));
	(void)ha_ring_deliver(ring, &msg, ha_clock_now_ms(), &reply);
	msg.sender = msg.target = ALPHA;
	msg.nonce = 0;
	(void)ha_ring_deliver(ring, &msg, ha_clock_now_ms(), &reply);
}

static int test_runs;

static json_t *
count_run(struct hbs *unused, struct hbs_client *same, const json_t *request)
{
	(void)unused;
	assert_ptr_equal(same, &client);
	assert_true(json_is_integer(json_object_get(request, "ring_seq")));
	test_runs++;
	return ha_ipc_ok();
}

static int
answer_code(void)
{
	return (int)json_integer_value(json_object_get(answered, "errno"));
}

static void
nothing_is_done_unconfirmed(void **state)
{
	json_t *request = json_pack("{s:i}", "ring_seq", (int)SEQ);

	(void)state;
	test_runs = 0;
	confirm(); /* before it is asked: does not count */
	ha_clock_sleep_ms(2, UINT64_MAX);
	assert_null(hbs_confirm_first(&s, &client, request, count_run));
	hbs_wait_check(&s);
	assert_int_equal(test_runs, 0);
	assert_true(hbs_confirm_wants_ask(&s, ha_clock_now_ms()));
	confirm();
	hbs_wait_check(&s);
	assert_int_equal(test_runs, 1);
	assert_true(json_is_true(json_object_get(answered, "ok")));
	assert_null(client.wait);
	/* Of another membership it is not done, confirmed or not. */
	assert_null(hbs_confirm_first(&s, &client, request, count_run));
	membership(SEQ + 4, 1u << ALPHA | 1u << BETA, true);
	confirm();
	hbs_wait_check(&s);
	assert_int_equal(test_runs, 1);
	assert_int_equal(answer_code(), EAGAIN);
	json_decref(answered);
	answered = hbs_confirm_first(&s, &client, request, count_run);
	assert_int_equal(answer_code(), EAGAIN);
	json_decref(request);
}

/* With two votes one is no majority, and the other could have quorum, too. */
static void
two_nodes_need_each_answer(void **state)
{
	uint64_t since_ms = ha_clock_now_ms();

	(void)state;
	ha_ring_votes(&s.ring.core, GAMMA, 0);
	assert_false(hbs_is_confirmed(&s, since_ms));
	confirm();
	assert_true(hbs_is_confirmed(&s, since_ms));
	assert_false(hbs_is_confirmed(&s, ha_clock_now_ms() + 1));
	/* Alone nobody is asked. */
	membership(SEQ + 4, 1u << BETA, true);
	assert_true(hbs_is_confirmed(&s, ha_clock_now_ms()));
}

/* The host has booted, and what it claims counts: what it said before that is
 * not what it says now. */
static void
beat_of_an_older_boot_is_not_fresh(void **state)
{
	struct ha_glimpse claim = { .kind = HA_GLIMPSE_BEAT,
				    .incarnation = 2,
				    .sequence = 1 };
	uint64_t now_ms;

	(void)state;
	beat(ALPHA, HA_BEAT_SEALED, SEQ, 1u << ALPHA);
	now_ms = ha_clock_now_ms();
	assert_true(hbs_is_beat_fresh(&hb, ALPHA, now_ms));
	ha_watch_read(&hb.hosts[ALPHA].watch, 0, &claim, now_ms, now_ms);
	assert_int_equal(hb_judge(&hb, ALPHA, 0).proof, HA_PROOF_ALIVE);
	assert_false(hbs_is_beat_fresh(&hb, ALPHA, now_ms));
}

/* A corosync that stands still shows the sender as a member for ever. */
static void
order_to_seal_ends_by_news_alone(void **state)
{
	(void)state;
	hb.is_seal_ordered = true;
	hb.seal_sender = ALPHA;
	hb.seal_sender_incarnation = 1;
	hb.seal_ordered_ms = ha_clock_now_ms();
	hb.seal_ordered_seq = SEQ;
	hbs_seal_look(&s);
	assert_true(hb.is_seal_ordered);
	confirm();
	hbs_seal_look(&s);
	assert_false(hb.is_seal_ordered);
	hb.is_seal_ordered = true;
	hb.seal_ordered_ms = ha_clock_now_ms() + LEASE_MS;
	hbs_seal_look(&s);
	assert_true(hb.is_seal_ordered);
	membership(SEQ + 4, 1u << ALPHA | 1u << BETA, true);
	beat(ALPHA, HA_BEAT_QUORATE | HA_BEAT_MEMBER, SEQ + 4,
	     1u << ALPHA | 1u << BETA);
	hbs_seal_look(&s);
	assert_false(hb.is_seal_ordered);
}

/* ---- SAFETY section 4: what counts as sealed ----------------------------- */

static bool
fact(const char *name)
{
	json_t *request = json_pack("{s:s}", "host", "gamma");
	json_t *facts = hbs_op_fence_facts(&s, &client, request);
	bool is_so = json_is_true(json_object_get(facts, name));

	assert_true(json_is_boolean(json_object_get(facts, name)));
	json_decref(request);
	json_decref(facts);
	return is_so;
}

static void
quorate_host_is_sealed_by_order_alone(void **state)
{
	const uint32_t flags = HA_BEAT_SEALED | HA_BEAT_MEMBER;

	(void)state;
	assert_true(fact("says_sealed"));
	beat(GAMMA, flags | HA_BEAT_QUORATE, SEQ + 1, 1u << GAMMA);
	assert_false(fact("says_sealed"));
	s.orders[0] = (struct hbs_order){
		.nonce = 9,
		.host = GAMMA,
		.kind = HA_ORDER_SEAL,
		.incarnation = 1,
		.given_ms = ha_clock_now_ms(),
		.is_acked = true,
	};
	assert_true(fact("says_sealed"));
	/* Of another incarnation, refused, or before it was a member here. */
	s.orders[0].incarnation = 2;
	assert_false(fact("says_sealed"));
	s.orders[0].incarnation = 1;
	s.orders[0].result = -EPERM;
	assert_false(fact("says_sealed"));
	s.orders[0].result = 0;
	s.hosts[GAMMA].last_member_ms = s.orders[0].given_ms;
	assert_false(fact("says_sealed"));
}

static void
seal_counts_once_it_is_confirmed(void **state)
{
	(void)state;
	assert_true(fact("is_unconfirmed"));
	ha_clock_sleep_ms(2, UINT64_MAX);
	confirm();
	assert_false(fact("is_unconfirmed"));
	/* Later beats of that seal are no news; another seal is. */
	beat(GAMMA, HA_BEAT_SEALED, SEQ + 1, 1u << GAMMA);
	assert_false(fact("is_unconfirmed"));
	ha_clock_sleep_ms(2, UINT64_MAX);
	hb.hosts[GAMMA].beat.list_generation++;
	assert_true(fact("is_unconfirmed"));
	ha_clock_sleep_ms(2, UINT64_MAX);
	confirm();
	assert_false(fact("is_unconfirmed"));
	claimed(ha_clock_now_ms() + LEASE_MS); /* claims are not read */
	assert_true(fact("is_unconfirmed"));
}

/* ---- SAFETY 19: terms ---------------------------------------------------- */

static void
term_is_chosen_after_fresh_reads(void **state)
{
	json_t *request =
		json_pack("{s:b, s:i}", "on", 1, "lease_ms", (int)LEASE_MS);

	(void)state;
	ha_evidence_init(&hb.evidence, 1);
	(void)ha_evidence_written(&hb.evidence, &hb.sb.timing, 0,
				  ha_clock_now_ms(), ha_clock_now_ms(), 1,
				  GENERATION);
	hb.hosts[ALPHA].beat.term = hb.hosts[ALPHA].term = 4;
	assert_null(hbs_op_master(&s, &client, request));
	hbs_wait_check(&s);
	assert_int_equal(hb.master_term, 0);
	ha_clock_sleep_ms(3, UINT64_MAX);
	hb.hosts[ALPHA].beat.term = hb.hosts[ALPHA].term = 7;
	hb.views[0].read_ms = ha_clock_now_ms();
	hbs_wait_check(&s);
	assert_int_equal(hb.master_term, 8);
	assert_non_null(client.wait);
	json_decref(request);
}

/* Read again after the claim, one of another side has the same term. */
static void
contested_term_is_taken_anew(void **state)
{
	static struct hb_store store;
	json_t *request =
		json_pack("{s:b, s:i}", "on", 1, "lease_ms", (int)LEASE_MS);

	(void)state;
	store = (struct hb_store){ .hb = &hb, .kick_fd = -1 };
	store.written.incarnation = 1;
	store.written.sequence = UINT64_MAX;
	hb.conf.stores = 1;
	hb.stores[0] = &store;
	ha_evidence_init(&hb.evidence, 1);
	(void)ha_evidence_written(&hb.evidence, &hb.sb.timing, 0,
				  ha_clock_now_ms(), ha_clock_now_ms(), 1,
				  GENERATION);
	assert_null(hbs_op_master(&s, &client, request));
	ha_clock_sleep_ms(3, UINT64_MAX);
	hb.views[0].read_ms = ha_clock_now_ms();
	hbs_wait_check(&s);
	assert_int_equal(hb.master_term, 1);
	hbs_wait_check(&s); /* it stands on w: the others are read again */
	ha_clock_sleep_ms(3, UINT64_MAX);
	hb.hosts[GAMMA].beat.term = hb.hosts[GAMMA].term = 1;
	hb.hosts[GAMMA].beat.flags |= HA_BEAT_MASTER;
	hb.views[0].read_ms = ha_clock_now_ms();
	hbs_wait_check(&s);
	assert_int_equal(hb.master_term, 2);
	assert_false(s.master.is_claimed);
	hbs_wait_check(&s);
	ha_clock_sleep_ms(3, UINT64_MAX);
	hb.views[0].read_ms = ha_clock_now_ms();
	confirm();
	hbs_wait_check(&s);
	assert_true(s.master.is_claimed);
	assert_int_equal(json_integer_value(json_object_get(answered, "term")),
			 2);
	json_decref(request);
}

/* A member has taken over: a renewal that was under way does not outbid it, and
 * the older term ends. Of a newer term whose master is no member any more, the
 * next one is taken. */
static void
renewal_outbids_no_member(void **state)
{
	json_t *request =
		json_pack("{s:b, s:i}", "on", 1, "lease_ms", (int)LEASE_MS);
	const uint32_t flags = HA_BEAT_QUORATE | HA_BEAT_MEMBER;

	(void)state;
	ha_evidence_init(&hb.evidence, 1);
	(void)ha_evidence_written(&hb.evidence, &hb.sb.timing, 0,
				  ha_clock_now_ms(), ha_clock_now_ms(), 1,
				  GENERATION);
	hb.term = hb.master_term = 5;
	hb.flags |= HA_BEAT_MASTER;
	s.master.is_claimed = true;
	s.master.lease_ms = ha_clock_now_ms() + LEASE_MS;
	beat(ALPHA, flags | HA_BEAT_MASTER, SEQ, 1u << ALPHA | 1u << BETA);
	hb.hosts[ALPHA].beat.term = hb.hosts[ALPHA].term = 6;
	assert_null(hbs_op_master(&s, &client, request));
	assert_int_equal(s.master.looks_ms, 0); /* no term is looked for */
	hbs_master_look(&s);
	assert_int_equal(hb.master_term, 0);
	hbs_wait_check(&s);
	assert_int_equal(answer_code(), ESTALE);
	assert_int_equal(hb.master_term, 0);
	/* It has laid it down. */
	hb.term = hb.master_term = 5;
	beat(ALPHA, flags, SEQ, 1u << ALPHA | 1u << BETA);
	assert_null(hbs_op_master(&s, &client, request));
	assert_int_not_equal(s.master.looks_ms, 0);
	json_decref(request);
}

/* SAFETY 19, where the manager of this host does not run: what it has told is
 * old, and the agent's own look at the CIB counts. Never against a manager that
 * tells, and never a term that is over. */
static void
old_word_of_tickets_is_no_word(void **state)
{
	struct hbs_wait wait = { .resource = "vm1" };
	struct ha_err err = HA_ERR_INIT;
	uint64_t now_ms = ha_clock_now_ms(); /* well above 12 s */

	(void)state;
	settled();
	hbs_seal_look(&s);
	beat(ALPHA, HA_BEAT_QUORATE | HA_BEAT_MEMBER | HA_BEAT_MASTER, SEQ,
	     1u << ALPHA | 1u << BETA);
	hb.hosts[ALPHA].beat.term = 9;
	hb.term = 9;
	memcpy(s.tickets[0].resource, "vm1", sizeof("vm1"));
	s.tickets[0].term = 8;
	s.tickets_count = 1;
	s.tickets_ms = now_ms;
	assert_int_equal(hbs_ticket_ready(&s, &wait, now_ms, &err), -EAGAIN);
	wait.ticket_term = 9;
	assert_int_equal(hbs_ticket_ready(&s, &wait, now_ms, &err), -EAGAIN);
	s.tickets_ms = now_ms - HBS_TICKETS_FRESH_MS;
	assert_int_equal(hbs_ticket_ready(&s, &wait, now_ms, &err), 0);
	wait.ticket_term = 8;
	assert_int_equal(hbs_ticket_ready(&s, &wait, now_ms, &err), -ESTALE);
	wait.ticket_term = 0;
	assert_int_equal(hbs_ticket_ready(&s, &wait, now_ms, &err), -ESTALE);
	assert_non_null(strstr(err.text, "of term 8, the master alpha"));
	wait.is_wish = true;
	assert_int_equal(hbs_ticket_ready(&s, &wait, now_ms, &err), -EAGAIN);
	wait.is_wish = false;
	memcpy(wait.resource, "vm2", sizeof("vm2"));
	assert_int_equal(hbs_ticket_ready(&s, &wait, now_ms, &err), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(cut_off_again_is_another_seal,
						begin, end),
		cmocka_unit_test_setup_teardown(who_lost_its_claim_has_no_say,
						begin, end),
		cmocka_unit_test_setup_teardown(unread_host_may_claim, begin,
						end),
		cmocka_unit_test_setup_teardown(unseal_names_its_list, begin,
						end),
		cmocka_unit_test_setup_teardown(nothing_is_done_unconfirmed,
						begin, end),
		cmocka_unit_test_setup_teardown(two_nodes_need_each_answer,
						begin, end),
		cmocka_unit_test_setup_teardown(
			beat_of_an_older_boot_is_not_fresh, begin, end),
		cmocka_unit_test_setup_teardown(
			order_to_seal_ends_by_news_alone, begin, end),
		cmocka_unit_test_setup_teardown(
			quorate_host_is_sealed_by_order_alone, begin, end),
		cmocka_unit_test_setup_teardown(
			seal_counts_once_it_is_confirmed, begin, end),
		cmocka_unit_test_setup_teardown(
			term_is_chosen_after_fresh_reads, begin, end),
		cmocka_unit_test_setup_teardown(contested_term_is_taken_anew,
						begin, end),
		cmocka_unit_test_setup_teardown(renewal_outbids_no_member,
						begin, end),
		cmocka_unit_test_setup_teardown(old_proof_is_no_read_claim,
						begin, end),
		cmocka_unit_test_setup_teardown(old_word_of_tickets_is_no_word,
						begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
