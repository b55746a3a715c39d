/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts as JSON and ring messages as bytes: round trips; nothing missing,
 * mistyped, truncated, damaged, foreign or newer is taken for an answer.
 */
#include <errno.h>

#include "area_fixture.h"

#include "ha/wire.h"

/* ---- facts -------------------------------------------------------------- */

static const struct ha_fence_answer ANSWER = {
	.facts = {
		.can_write = true,
		.is_quorate = true,
		.is_known = true,
		.member_since_stop = true,
		.is_back = true,
		.is_braked = true,
		.ring = HA_RING_SILENCE_LATER,
		.ring_due_ms = 123456,
		.storage = { .proof = HA_PROOF_SILENT,
			     .incarnation = 12,
			     .since_ms = 1000,
			     .due_ms = 7000,
			     .until_ms = 9000,
			     .silent = 2,
			     .needed = 3 },
	},
	.timing = { 1000, 4000, 500, 1001 },
	.about = 11,
	.sequence = 4711,
	.list_generation = 7,
	.host = "h2",
	.evidence = "hb1 beat 412 is 3.2 s old",
};

static void
expect_answer(const struct ha_fence_answer *a, const struct ha_fence_answer *b)
{
	assert_int_equal(a->facts.is_self, b->facts.is_self);
	assert_int_equal(a->facts.can_write, b->facts.can_write);
	assert_int_equal(a->facts.can_read, b->facts.can_read);
	assert_int_equal(a->facts.is_quorate, b->facts.is_quorate);
	assert_int_equal(a->facts.is_known, b->facts.is_known);
	assert_int_equal(a->facts.is_member, b->facts.is_member);
	assert_int_equal(a->facts.is_back, b->facts.is_back);
	assert_int_equal(a->facts.member_since_stop,
			 b->facts.member_since_stop);
	assert_int_equal(a->facts.is_standing_down, b->facts.is_standing_down);
	assert_int_equal(a->facts.is_braked, b->facts.is_braked);
	assert_int_equal(a->facts.says_sealed, b->facts.says_sealed);
	assert_int_equal(a->facts.is_unconfirmed, b->facts.is_unconfirmed);
	assert_int_equal(a->facts.is_list_read, b->facts.is_list_read);
	assert_int_equal(a->facts.ring, b->facts.ring);
	assert_true(a->facts.ring_due_ms == b->facts.ring_due_ms);
	assert_int_equal(a->facts.storage.proof, b->facts.storage.proof);
	assert_true(a->facts.storage.incarnation ==
		    b->facts.storage.incarnation);
	assert_true(a->facts.storage.since_ms == b->facts.storage.since_ms);
	assert_true(a->facts.storage.due_ms == b->facts.storage.due_ms);
	assert_true(a->facts.storage.until_ms == b->facts.storage.until_ms);
	assert_int_equal(a->facts.storage.silent, b->facts.storage.silent);
	assert_int_equal(a->facts.storage.needed, b->facts.storage.needed);
	assert_memory_equal(&a->timing, &b->timing, sizeof(a->timing));
	assert_true(a->about == b->about && a->sequence == b->sequence);
	assert_true(a->list_generation == b->list_generation);
	assert_string_equal(a->host, b->host);
	assert_string_equal(a->evidence, b->evidence);
}

static void
answer_round_trip(void **state)
{
	uint64_t seed = 31;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct ha_fence_answer answer = ANSWER;
		struct ha_fence_answer back;
		uint32_t bits = area_below(&seed, 2048);
		json_t *object;

		answer.facts.is_self = bits & 1;
		answer.facts.can_write = bits & 2;
		answer.facts.can_read = bits & 4;
		answer.facts.is_quorate = bits & 8;
		answer.facts.is_known = bits & 16;
		answer.facts.is_member = bits & 32;
		answer.facts.member_since_stop = bits & 64;
		answer.facts.is_standing_down = bits & 128;
		answer.facts.is_braked = bits & 256;
		answer.facts.says_sealed = bits & 512;
		answer.facts.is_unconfirmed = (bits & 513) == 513;
		answer.facts.is_list_read = bits & 1024;
		answer.facts.storage.proof =
			(enum ha_proof)area_below(&seed, HA_PROOF_N);
		answer.facts.ring = (enum ha_ring_silence)area_below(
			&seed, HA_RING_SILENCE_YES + 1);
		answer.facts.ring_due_ms = area_random(&seed) / 2;
		answer.facts.storage.incarnation = area_random(&seed) / 2;
		answer.facts.storage.since_ms = area_random(&seed) / 2;
		answer.facts.storage.due_ms = area_random(&seed) / 2;
		answer.facts.storage.until_ms = area_random(&seed) / 2;
		answer.facts.storage.silent = area_below(&seed, 6);
		answer.about = area_random(&seed) / 2;
		answer.sequence = area_random(&seed) / 2;
		answer.timing.drift_ppm = UINT32_MAX;
		area_name(&seed, answer.host, sizeof(answer.host));
		object = ha_wire_fence_answer(&answer);
		assert_non_null(object);
		/* What the daemon puts around it does no harm. */
		json_object_set_new(object, "ok", json_true());
		assert_int_equal(
			ha_wire_fence_answer_parse(object, &back, NULL), 0);
		expect_answer(&back, &answer);
		json_decref(object);
	}
}

/* One word for one proof in the daemon's answer and in the core's log. */
static void
answer_words(void **state)
{
	(void)state;
	for (int i = 0; i < HA_PROOF_N; i++) {
		struct ha_fence_answer answer = ANSWER;
		json_t *object;

		answer.facts.storage.proof = (enum ha_proof)i;
		object = ha_wire_fence_answer(&answer);
		assert_string_equal(
			json_string_value(json_object_get(
				json_object_get(object, "storage"), "proof")),
			ha_proof_name((enum ha_proof)i));
		json_decref(object);
	}
}

/* "Never" does not fit into JSON's integers and must not become small. */
static void
answer_never(void **state)
{
	struct ha_fence_answer answer = ANSWER;
	struct ha_fence_answer back;
	json_t *object;

	(void)state;
	answer.facts.ring_due_ms = UINT64_MAX;
	object = ha_wire_fence_answer(&answer);
	assert_int_equal(ha_wire_fence_answer_parse(object, &back, NULL), 0);
	assert_true(back.facts.ring_due_ms == INT64_MAX);
	json_decref(object);
	/* What is no text can't be sent. */
	strcpy(answer.host, "\xff");
	assert_null(ha_wire_fence_answer(&answer));
	answer = ANSWER;
	answer.facts.storage.proof = HA_PROOF_N;
	assert_null(ha_wire_fence_answer(&answer));
}

static void
expect_refused(json_t *object, const char *name)
{
	struct ha_fence_answer back = { .about = 99 };
	struct ha_err err = HA_ERR_INIT;

	assert_int_equal(ha_wire_fence_answer_parse(object, &back, &err),
			 -EPROTO);
	assert_non_null(strstr(err.text, name));
	assert_true(back.about == 99);
}

/* Each member of each object: missing, null, another type. */
static void
answer_needs_every_member(void **state)
{
	static const char *const GROUPS[] = { NULL, "storage", "timing" };
	unsigned int members = 0;

	(void)state;
	for (size_t g = 0; g < N_ELEMENTS(GROUPS); g++) {
		json_t *whole = ha_wire_fence_answer(&ANSWER);
		json_t *names =
			GROUPS[g] ? json_object_get(whole, GROUPS[g]) : whole;
		const char *name;
		json_t *value;

		json_object_foreach(names, name, value)
		{
			for (int how = 0; how < 3; how++) {
				json_t *copy = json_deep_copy(whole);
				json_t *part =
					GROUPS[g] ? json_object_get(copy,
								    GROUPS[g]) :
						    copy;

				if (how == 0) {
					json_object_del(part, name);
				} else {
					json_object_set_new(
						part, name,
						how == 1 ? json_null() :
							   json_real(1.5));
				}
				expect_refused(copy, json_is_object(value) ?
							     "." :
							     name);
				json_decref(copy);
				members++;
			}
		}
		json_decref(whole);
	}
	assert_in_range(members, 3 * (17 + 7 + 4), UINT32_MAX);
}

static void
answer_bad_values(void **state)
{
	static const char *const CASES[] = {
		"{\"about\":-1}",
		"{\"is_self\":1}",
		"{\"ring\":\"maybe\"}",
		"{\"sequence\":\"5\"}",
		"{\"host\":\"a\\u0000b\"}",
		"{\"host\":\"0123456789012345678901234567890123456789"
		"012345678901234567890123\"}",
		"{\"storage\":[]}",
	};
	json_t *whole = ha_wire_fence_answer(&ANSWER);

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		json_t *copy = json_deep_copy(whole);
		json_t *change = json_loads(CASES[i], JSON_ALLOW_NUL, NULL);

		assert_non_null(change);
		json_object_update(copy, change);
		expect_refused(copy, "no usable");
		json_decref(change);
		json_decref(copy);
	}
	json_object_set_new(json_object_get(whole, "timing"), "beat_ms",
			    json_integer((json_int_t)UINT32_MAX + 1));
	expect_refused(whole, "timing.beat_ms");
	json_decref(whole);
	expect_refused(NULL, "about");
}

/* ---- ring --------------------------------------------------------------- */

static const uint8_t CLUSTER[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };

static void
random_msg(uint64_t *seed, struct ha_ring_msg *msg)
{
	memset(msg, 0, sizeof(*msg));
	msg->type = (enum ha_ring_type)area_below(seed, HA_RING_MSG_LEAVE + 1);
	msg->sender = area_below(seed, HA_HOSTS_MAX);
	msg->target = area_below(seed, HA_HOSTS_MAX);
	msg->incarnation = area_random(seed);
	msg->ring_seq = area_random(seed);
	msg->nonce = area_random(seed) | 1;
	msg->hosts = msg->type == HA_RING_MSG_STATE ?
			     area_below(seed, HA_HOSTS_MAX + 1) :
			     0;
	for (uint32_t i = 0; i < msg->hosts; i++) {
		msg->known[i].incarnation = area_random(seed);
		msg->known[i].is_ring_mode = area_below(seed, 2);
	}
}

static void
ring_round_trip(void **state)
{
	static uint8_t bytes[HA_RING_BYTES_MAX];
	uint64_t seed = 32;

	(void)state;
	for (int round = 0; round < 1000; round++) {
		struct ha_ring_msg msg;
		struct ha_ring_msg back;
		uint8_t *exact;
		size_t len;

		random_msg(&seed, &msg);
		memset(bytes, 0xa5, sizeof(bytes));
		len = ha_ring_msg_encode(&msg, CLUSTER, bytes);
		assert_int_equal(len, 64 + 16 * msg.hosts);
		exact = malloc(len);
		assert_non_null(exact);
		memcpy(exact, bytes, len);
		assert_int_equal(ha_ring_msg_decode(exact, len, CLUSTER, &back),
				 0);
		assert_memory_equal(&back, &msg, sizeof(msg));
		free(exact);
	}
}

/* Each truncation, each flipped bit: refused. */
static void
ring_damage(void **state)
{
	static uint8_t bytes[HA_RING_BYTES_MAX];
	struct ha_ring_msg msg = { .type = HA_RING_MSG_STATE,
				   .sender = 1,
				   .hosts = 3 };
	struct ha_ring_msg back = { .sender = 77 };
	size_t len = ha_ring_msg_encode(&msg, CLUSTER, bytes);

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *exact = malloc(cut + 1);

		assert_non_null(exact);
		memcpy(exact, bytes, cut);
		assert_int_equal(ha_ring_msg_decode(exact, cut, CLUSTER, &back),
				 -EPROTO);
		free(exact);
	}
	for (size_t bit = 0; bit < 8 * len; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(ha_ring_msg_decode(bytes, len, CLUSTER, &back),
				 -EPROTO);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(back.sender, 77);
	assert_int_equal(ha_ring_msg_decode(bytes, len, CLUSTER, &back), 0);
}

static void
ring_contents(void **state)
{
	static const struct {
		const char *what;
		enum ha_ring_type type;
		uint32_t at;
		uint16_t value;
		int rc;
	} CASES[] = {
		{ "newer minor", HA_RING_MSG_NONCE, 4, 0x0901, 0 },
		{ "newer major", HA_RING_MSG_NONCE, 4, 2, -EPROTONOSUPPORT },
		{ "major 0", HA_RING_MSG_NONCE, 4, 0, -EPROTO },
		{ "unknown type", HA_RING_MSG_NONCE, 6, 4, -EPROTO },
		{ "other cluster", HA_RING_MSG_NONCE, 8, 0, -EPROTO },
		{ "sender", HA_RING_MSG_NONCE, 24, 255, -EPROTO },
		{ "no target", HA_RING_MSG_NONCE, 26, 0xffff, 0 },
		{ "echo to nobody", HA_RING_MSG_ECHO, 26, 0xffff, -EPROTO },
		{ "hosts in an echo", HA_RING_MSG_ECHO, 28, 1, -EPROTO },
		{ "more hosts", HA_RING_MSG_STATE, 28, 3, -EPROTO },
		{ "fewer hosts", HA_RING_MSG_STATE, 28, 1, 0 },
		{ "256 hosts", HA_RING_MSG_STATE, 28, 256, -EPROTO },
		{ "no nonce", HA_RING_MSG_NONCE, 48, 0, -EPROTO },
		{ "no nonce to echo", HA_RING_MSG_ECHO, 48, 0, -EPROTO },
		{ "no nonce, none needed", HA_RING_MSG_LEAVE, 48, 0, 0 },
	};
	static uint8_t bytes[HA_RING_BYTES_MAX];

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		struct ha_ring_msg msg = { .type = CASES[i].type,
					   .hosts = 2,
					   .nonce = 1 };
		struct ha_ring_msg back;
		size_t len = ha_ring_msg_encode(&msg, CLUSTER, bytes);
		int rc;

		bytes[CASES[i].at] = (uint8_t)CASES[i].value;
		bytes[CASES[i].at + 1] = (uint8_t)(CASES[i].value >> 8);
		area_put32(bytes + 56, 0);
		area_put32(bytes + 56, ha_crc32c(0, bytes, len));
		rc = ha_ring_msg_decode(bytes, len, CLUSTER, &back);
		if (rc != CASES[i].rc) {
			fail_msg("%s: %d", CASES[i].what, rc);
		}
	}
}

/* A type that a newer minor version added, and its longer message. */
static void
ring_newer_minor(void **state)
{
	static uint8_t bytes[HA_RING_BYTES_MAX + 8];
	struct ha_ring_msg msg = { .type = HA_RING_MSG_LEAVE };
	struct ha_ring_msg back;
	size_t len = ha_ring_msg_encode(&msg, CLUSTER, bytes);

	(void)state;
	bytes[5] = 1;
	len += 8;
	area_put32(bytes + 56, 0);
	area_put32(bytes + 56, ha_crc32c(0, bytes, len));
	assert_int_equal(ha_ring_msg_decode(bytes, len, CLUSTER, &back), 0);
	bytes[6] = HA_RING_MSG_LEAVE + 1;
	area_put32(bytes + 56, 0);
	area_put32(bytes + 56, ha_crc32c(0, bytes, len));
	assert_int_equal(ha_ring_msg_decode(bytes, len, CLUSTER, &back),
			 -EPROTONOSUPPORT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_round_trip),
		cmocka_unit_test(answer_words),
		cmocka_unit_test(answer_never),
		cmocka_unit_test(answer_needs_every_member),
		cmocka_unit_test(answer_bad_values),
		cmocka_unit_test(ring_round_trip),
		cmocka_unit_test(ring_damage),
		cmocka_unit_test(ring_contents),
		cmocka_unit_test(ring_newer_minor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
