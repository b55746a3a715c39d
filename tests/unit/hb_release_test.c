/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `released` through the ring (SAFETY 26), message by message: what the host
 * that lost its storage says and when, what the master writes down and when it
 * answers, what is dropped (replayed, of another membership, boot or sender),
 * and which entries a record voids. One host's structs, no threads and no disk.
 */
#include "hb_side.h"

#define TERM 3u
#define TOLD 7u /* generation of the list that alpha names */
#define NONCE 77u
#define VM_UUID "00000001-2222-3333-4444-555555555555"

static struct ha_listed_vm theirs[4];

static void
hear(const struct ha_ringvm_msg *msg, uint32_t from)
{
	uint8_t bytes[HA_RINGVM_BYTES];

	ha_ringvm_encode(msg, hb.sb.cluster.bytes, bytes);
	assert_true(hbs_incoming_message(&s, from, bytes, sizeof(bytes)));
}

static struct ha_ringvm_msg
released(void)
{
	struct ha_ringvm_msg msg = {
		.type = HA_RINGVM_RELEASED,
		.sender = ALPHA,
		.target = HA_SLOT_NONE,
		.sender_incarnation = 1,
		.ring_seq = SEQ,
		.nonce = NONCE,
		.resource = "vm1",
		.generation = TOLD,
	};

	assert_int_equal(ha_uuid_parse(VM_UUID, &msg.uuid), 0);
	return msg;
}

/* What was sent since the last look; false: nothing. */
static bool
has_sent(struct ha_ringvm_msg *ret_msg)
{
	bool has = sent_len > 0;

	if (has) {
		assert_int_equal(ha_ringvm_decode(sent, sent_len,
						  hb.sb.cluster.bytes, ret_msg),
				 0);
	}
	sent_len = 0;
	return has;
}

static int
begin_release(void **state)
{
	int rc = begin(state);

	s.ring.corosync = (struct ha_corosync *)&hb; /* nobody looks into it */
	hb.flags &= ~HA_BEAT_SEALED;
	ha_evidence_init(&hb.evidence, 1);
	ha_evidence_init(&hb.hold_evidence, 1);
	hb.hosts[ALPHA].list.vms = theirs;
	return rc;
}

static void
be_master(void)
{
	hb.master_term = hb.term = TERM;
	s.master.is_claimed = true;
}

static void
flush_holds(void)
{
	uint64_t now_ms = ha_clock_now_ms();

	(void)ha_evidence_written(&hb.hold_evidence, &hb.sb.timing, 0, now_ms,
				  now_ms, 1, hb.hold_list.generation);
}

/* ---- the master ----------------------------------------------------------- */

static void
master_writes_then_answers(void **state)
{
	struct ha_ringvm_msg msg = released();
	struct ha_ringvm_msg got;

	(void)state;
	be_master();
	hear(&msg, ALPHA);
	assert_int_equal(hb.hold_list.count, 1);
	assert_int_equal(holds[0].kind, HA_HOLD_RELEASED);
	assert_int_equal(holds[0].owner, ALPHA);
	assert_true(holds[0].owner_incarnation == 1 &&
		    holds[0].owner_generation == TOLD && holds[0].term == TERM);
	assert_false(has_sent(&got));
	/* Not on w yet: nothing is answered, nothing written twice. */
	hear(&msg, ALPHA);
	assert_false(has_sent(&got));
	assert_int_equal(hb.hold_list.generation, 1);
	flush_holds();
	for (int again = 0; again < 2; again++) {
		hear(&msg, ALPHA);
		assert_true(has_sent(&got));
		assert_true(got.type == HA_RINGVM_ANSWER && got.result == 0 &&
			    got.target == ALPHA && got.nonce == NONCE &&
			    got.target_incarnation == 1);
	}
	assert_int_equal(hb.hold_list.count, 1);
	/* Of a later list: the record grows, and is flushed anew. */
	msg.generation = TOLD + 1;
	hear(&msg, ALPHA);
	assert_false(has_sent(&got));
	assert_int_equal(hb.hold_list.count, 1);
	assert_true(holds[0].owner_generation == TOLD + 1);
	/* An old message, again: the record does not shrink. */
	flush_holds();
	msg.generation = TOLD;
	hear(&msg, ALPHA);
	assert_true(holds[0].owner_generation == TOLD + 1);
}

static void
others_are_silent(void **state)
{
	struct ha_ringvm_msg msg = released();
	struct ha_ringvm_msg got;

	(void)state;
	hear(&msg, ALPHA);
	be_master();
	s.master.is_claimed = false;
	hear(&msg, ALPHA);
	be_master();
	hb.phase = HB_STOPPING;
	hear(&msg, ALPHA);
	hb.phase = HB_ARMED;
	/* Of another membership; of somebody else; its own, come back. */
	msg.ring_seq = SEQ + 1;
	hear(&msg, ALPHA);
	msg = released();
	hear(&msg, GAMMA);
	hear(&msg, HA_SLOT_NONE);
	msg.sender = BETA;
	hear(&msg, BETA);
	assert_int_equal(hb.hold_list.count, 0);
	assert_false(has_sent(&got));
}

static void
older_boot_is_refused(void **state)
{
	const struct ha_glimpse booted = { .kind = HA_GLIMPSE_BEAT,
					   .incarnation = 2,
					   .sequence = 1,
					   .is_armed = true };
	uint64_t now_ms = ha_clock_now_ms();
	struct ha_ringvm_msg msg = released();
	struct ha_ringvm_msg got;

	(void)state;
	be_master();
	ha_watch_read(&hb.hosts[ALPHA].watch, 0, &booted, now_ms, now_ms);
	hear(&msg, ALPHA);
	assert_int_equal(hb.hold_list.count, 0);
	assert_true(has_sent(&got));
	assert_int_equal(got.result, ESTALE);
}

static void
full_list_is_refused(void **state)
{
	struct ha_ringvm_msg msg = released();
	struct ha_ringvm_msg got;

	(void)state;
	be_master();
	for (uint32_t i = 0; i < hb.sb.vms; i++) {
		holds[i] =
			(struct ha_hold){ .resource = { 'x', (char)('0' + i) },
					  .kind = HA_HOLD_OWNER,
					  .owner = GAMMA,
					  .owner_incarnation = 1,
					  .owner_generation = GENERATION };
	}
	hb.hold_list.count = hb.sb.vms;
	hear(&msg, ALPHA);
	assert_true(has_sent(&got));
	assert_int_equal(got.result, ENOSPC);
	assert_true(got.sentence[0]);
	assert_int_equal(hb.hold_list.count, hb.sb.vms);
	assert_int_equal(holds[0].kind, HA_HOLD_OWNER);
}

/* ---- everybody ------------------------------------------------------------ */

static void
record_voids_these_entries(void **state)
{
	struct ha_ringvm_msg msg = released();
	struct ha_vm_list *list = &hb.hosts[ALPHA].list;
	struct ha_listed_vm vm = { .resource = "vm1",
				   .state = HA_LISTED_RUNNING };
	struct ha_listed_vm renamed = { .uuid = msg.uuid,
					.resource = "vm9",
					.state = HA_LISTED_OUTGOING };
	struct ha_listed_vm other = { .uuid = { .bytes = { 9 } },
				      .resource = "vm2",
				      .state = HA_LISTED_RUNNING };

	(void)state;
	be_master();
	hear(&msg, ALPHA);
	list->incarnation = 1;
	list->generation = TOLD;
	assert_int_equal(hbs_listed_state(&hb, ALPHA, &vm), HA_LISTED_RELEASED);
	assert_int_equal(hbs_listed_state(&hb, ALPHA, &renamed),
			 HA_LISTED_RELEASED);
	assert_int_equal(hbs_listed_state(&hb, ALPHA, &other),
			 HA_LISTED_RUNNING);
	/* It came onto the list again; another boot; another host. */
	list->generation = TOLD + 1;
	assert_int_equal(hbs_listed_state(&hb, ALPHA, &vm), HA_LISTED_RUNNING);
	list->generation = TOLD;
	list->incarnation = 2;
	assert_int_equal(hbs_listed_state(&hb, ALPHA, &vm), HA_LISTED_RUNNING);
	hb.hosts[GAMMA].list.incarnation = 1;
	assert_int_equal(hbs_listed_state(&hb, GAMMA, &vm), HA_LISTED_RUNNING);
}

/* ---- the host that lost its storage -------------------------------------- */

static struct hbs_wait *
withdraw(void)
{
	json_t *request =
		json_pack("{s:s, s:s}", "uuid", VM_UUID, "resource", "vm1");

	hb.list.count = 1;
	vms[0] = (struct ha_listed_vm){ .resource = "vm1",
					.state = HA_LISTED_RUNNING };
	assert_int_equal(ha_uuid_parse(VM_UUID, &vms[0].uuid), 0);
	assert_null(hbs_op_withdraw(&s, &client, request));
	json_decref(request);
	assert_non_null(client.wait);
	return client.wait;
}

static bool
tells(struct hbs_wait *wait)
{
	struct ha_ringvm_msg got;

	wait->send_ms = 0;
	assert_false(hbs_withdraw_check(&s, wait, ha_clock_now_ms()));
	return has_sent(&got);
}

static void
told_only_by_the_ring(void **state)
{
	struct hbs_wait *wait;

	(void)state;
	wait = withdraw();
	assert_false(tells(wait));
	s.ring.core.mode = HA_RING_ANNOUNCED;
	assert_false(tells(wait));
	s.ring.core.mode = HA_RING_LEASED;
	assert_true(tells(wait));
	hb.is_standing_down = true;
	assert_false(tells(wait));
	hb.is_standing_down = false;
	hb.is_armed = false;
	assert_false(tells(wait));
	hb.is_armed = true;
	s.ring.corosync = NULL;
	assert_false(tells(wait));
	s.ring.corosync = (struct ha_corosync *)&hb;
	/* Under another definition it is on the list, and binds. */
	hb.list.count = 1;
	vms[0] = (struct ha_listed_vm){ .uuid = { .bytes = { 8 } },
					.resource = "vm1",
					.state = HA_LISTED_INCOMING };
	assert_false(tells(wait));
	vms[0].state = HA_LISTED_RELEASED;
	assert_true(tells(wait));
}

static void
answer_ends_the_wait(void **state)
{
	struct ha_ringvm_msg got;
	struct ha_ringvm_msg msg;
	struct hbs_wait *wait;

	(void)state;
	s.ring.core.mode = HA_RING_LEASED;
	wait = withdraw();
	assert_int_equal(hb.list.count, 0);
	assert_false(hbs_withdraw_check(&s, wait, ha_clock_now_ms()));
	assert_true(has_sent(&got));
	assert_int_equal(got.type, HA_RINGVM_RELEASED);
	assert_true(got.generation == GENERATION + 1 &&
		    got.sender_incarnation == 1 && got.sender == BETA);
	msg = got;
	msg.type = HA_RINGVM_ANSWER;
	msg.sender = ALPHA;
	msg.target = BETA;
	msg.target_incarnation = 1;
	msg.generation = 0;
	/* To another question, and to another boot. */
	msg.nonce++;
	hear(&msg, ALPHA);
	msg.nonce--;
	msg.target_incarnation = 2;
	hear(&msg, ALPHA);
	msg.target_incarnation = 1;
	/* No: it goes on asking, and says so in the end. */
	msg.result = ENOSPC;
	(void)strcpy(msg.sentence, "no room");
	hear(&msg, ALPHA);
	assert_non_null(client.wait);
	assert_true(tells(wait));
	assert_non_null(strstr(wait->err.text, "no room"));
	msg.result = 0;
	hear(&msg, ALPHA);
	assert_null(client.wait);
	assert_true(json_is_true(json_object_get(answered, "ok")));
	hear(&msg, ALPHA); /* once more: nobody waits */
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, begin_release, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(master_writes_then_answers), CASE(others_are_silent),
		CASE(older_boot_is_refused),      CASE(full_list_is_refused),
		CASE(record_voids_these_entries), CASE(told_only_by_the_ring),
		CASE(answer_ends_the_wait),
	};

	(void)settled;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
