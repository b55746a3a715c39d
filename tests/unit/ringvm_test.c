/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of two daemons about one VM as bytes: round trips; each truncation and
 * each flipped bit is refused; what can't be is refused; other kinds are told
 * apart, so that daemons of two versions get along.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "area_fixture.h"
#include "ha/crc.h"
#include "ha/ringvm.h"
#include "ha/wire.h"

#define AT_MSG_CRC 64u

static const uint8_t CLUSTER[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };

static struct ha_ringvm_msg
a_message(enum ha_ringvm_type type)
{
	struct ha_ringvm_msg msg;

	memset(&msg, 0, sizeof(msg));
	msg.type = type;
	msg.sender = 3;
	msg.target = 1;
	msg.sender_incarnation = 0x1122334455667788;
	msg.target_incarnation = 9;
	msg.ring_seq = 77;
	msg.nonce = 0x8899aabbccddeeff;
	memset(msg.uuid.bytes, 0x5a, sizeof(msg.uuid.bytes));
	(void)snprintf(msg.resource, sizeof(msg.resource), "web1");
	switch (type) {
	case HA_RINGVM_INCOMING:
		msg.budget_ms = 30000;
		break;
	case HA_RINGVM_ANSWER:
		msg.result = EPERM;
		(void)snprintf(msg.sentence, sizeof(msg.sentence),
			       "this host is sealed");
		break;
	case HA_RINGVM_RELEASED:
		msg.target = HA_SLOT_NONE;
		msg.target_incarnation = 0;
		msg.generation = 0x0102030405060708;
		break;
	}
	return msg;
}

static void
put_crc(uint8_t *bytes, size_t len)
{
	area_put32(bytes + AT_MSG_CRC, 0);
	area_put32(bytes + AT_MSG_CRC, ha_crc32c(0, bytes, len));
}

static void
round_trip(void **state)
{
	(void)state;
	for (int type = HA_RINGVM_INCOMING; type <= HA_RINGVM_RELEASED;
	     type++) {
		struct ha_ringvm_msg msg = a_message((enum ha_ringvm_type)type);
		struct ha_ringvm_msg back;
		uint8_t *exact = malloc(HA_RINGVM_BYTES);

		assert_non_null(exact);
		ha_ringvm_encode(&msg, CLUSTER, exact);
		assert_int_equal(ha_ringvm_decode(exact, HA_RINGVM_BYTES,
						  CLUSTER, &back),
				 0);
		assert_memory_equal(&back, &msg, sizeof(msg));
		free(exact);
	}
}

/* A text that fills its room is cut, not run over. */
static void
long_texts(void **state)
{
	struct ha_ringvm_msg msg = a_message(HA_RINGVM_ANSWER);
	struct ha_ringvm_msg back;
	uint8_t bytes[HA_RINGVM_BYTES];

	(void)state;
	memset(msg.sentence, 'x', sizeof(msg.sentence));
	ha_ringvm_encode(&msg, CLUSTER, bytes);
	assert_int_equal(ha_ringvm_decode(bytes, sizeof(bytes), CLUSTER, &back),
			 0);
	assert_int_equal(strlen(back.sentence), HA_RINGVM_SENTENCE - 1);
}

static void
damage(void **state)
{
	struct ha_ringvm_msg msg = a_message(HA_RINGVM_INCOMING);
	struct ha_ringvm_msg back = { .sender = 77 };
	uint8_t bytes[HA_RINGVM_BYTES];

	(void)state;
	ha_ringvm_encode(&msg, CLUSTER, bytes);
	for (size_t cut = 0; cut < sizeof(bytes); cut++) {
		uint8_t *exact = malloc(cut + 1);

		assert_non_null(exact);
		memcpy(exact, bytes, cut);
		assert_true(ha_ringvm_decode(exact, cut, CLUSTER, &back) < 0);
		free(exact);
	}
	for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_true(ha_ringvm_decode(bytes, sizeof(bytes), CLUSTER,
					     &back) < 0);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(back.sender, 77);
}

/* One message of that type with these two bytes in place of its own. */
struct content {
	const char *what;
	enum ha_ringvm_type type;
	uint32_t at;
	uint16_t value;
	int rc;
};

static void
check_contents(const struct content *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct ha_ringvm_msg msg = a_message(cases[i].type);
		struct ha_ringvm_msg back;
		uint8_t bytes[HA_RINGVM_BYTES];
		int rc;

		ha_ringvm_encode(&msg, CLUSTER, bytes);
		bytes[cases[i].at] = (uint8_t)cases[i].value;
		bytes[cases[i].at + 1] = (uint8_t)(cases[i].value >> 8);
		put_crc(bytes, sizeof(bytes));
		rc = ha_ringvm_decode(bytes, sizeof(bytes), CLUSTER, &back);
		if (rc != cases[i].rc) {
			fail_msg("%s: %d", cases[i].what, rc);
		}
	}
}

static void
contents(void **state)
{
	static const struct content CASES[] = {
		{ "newer minor", HA_RINGVM_INCOMING, 4, 0x0901, 0 },
		{ "newer major", HA_RINGVM_INCOMING, 4, 2, -EPROTONOSUPPORT },
		{ "major 0", HA_RINGVM_INCOMING, 4, 0, -EPROTO },
		{ "unknown type", HA_RINGVM_INCOMING, 6, 3, -EPROTO },
		{ "other cluster", HA_RINGVM_INCOMING, 8, 0, -EPROTO },
		{ "sender", HA_RINGVM_INCOMING, 24, HA_HOSTS_MAX, -EPROTO },
		{ "target", HA_RINGVM_INCOMING, 26, HA_HOSTS_MAX, -EPROTO },
		{ "to itself", HA_RINGVM_INCOMING, 26, 3, -EPROTO },
		{ "a wish with a result", HA_RINGVM_INCOMING, 68, 1, -EPROTO },
		{ "an answer's result", HA_RINGVM_ANSWER, 68, 4095, 0 },
		{ "no errno", HA_RINGVM_ANSWER, 68, 4096, -EPROTO },
		{ "no resource", HA_RINGVM_INCOMING, 88, 0, -EPROTO },
		{ "a line end in it", HA_RINGVM_INCOMING, 88, 0x610a, -EPROTO },
		{ "text behind its end", HA_RINGVM_INCOMING, 150, 0x0061,
		  -EPROTO },
		{ "a sentence without end", HA_RINGVM_ANSWER, 406, 0x6161,
		  -EPROTO },
		{ "a wish with a generation", HA_RINGVM_INCOMING, 408, 1,
		  -EPROTO },
		{ "an answer with one", HA_RINGVM_ANSWER, 414, 1, -EPROTO },
		{ "a wish to all", HA_RINGVM_INCOMING, 26, HA_SLOT_NONE,
		  -EPROTO },
	};

	(void)state;
	check_contents(CASES, N_ELEMENTS(CASES));
}

static void
released_contents(void **state)
{
	static const struct content CASES[] = {
		{ "released, to one", HA_RINGVM_RELEASED, 26, 1, -EPROTO },
		{ "released, for an incarnation", HA_RINGVM_RELEASED, 40, 1,
		  -EPROTO },
		{ "released, with a result", HA_RINGVM_RELEASED, 68, 1,
		  -EPROTO },
		{ "released, sender's slot", HA_RINGVM_RELEASED, 24,
		  HA_HOSTS_MAX, -EPROTO },
		{ "released, last generation", HA_RINGVM_RELEASED, 414, 0x7f02,
		  0 },
		{ "released, generation", HA_RINGVM_RELEASED, 414, 0x8002,
		  -EPROTO },
		{ "released, incarnation", HA_RINGVM_RELEASED, 38, 0x8122,
		  -EPROTO },
	};

	(void)state;
	check_contents(CASES, N_ELEMENTS(CASES));
}

/* What would be about any list, or about any boot. */
static void
released_of_nothing(void **state)
{
	struct ha_ringvm_msg msg = a_message(HA_RINGVM_RELEASED);
	uint8_t bytes[HA_RINGVM_BYTES];

	(void)state;
	msg.generation = 0;
	ha_ringvm_encode(&msg, CLUSTER, bytes);
	assert_int_equal(ha_ringvm_decode(bytes, sizeof(bytes), CLUSTER, &msg),
			 -EPROTO);
	msg = a_message(HA_RINGVM_RELEASED);
	msg.sender_incarnation = 0;
	ha_ringvm_encode(&msg, CLUSTER, bytes);
	assert_int_equal(ha_ringvm_decode(bytes, sizeof(bytes), CLUSTER, &msg),
			 -EPROTO);
}

/* A version that knows no generation sends less, and is understood. */
static void
short_messages(void **state)
{
	static const enum ha_ringvm_type TYPES[] = { HA_RINGVM_INCOMING,
						     HA_RINGVM_ANSWER,
						     HA_RINGVM_RELEASED };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(TYPES); i++) {
		struct ha_ringvm_msg msg = a_message(TYPES[i]);
		struct ha_ringvm_msg back;
		uint8_t bytes[HA_RINGVM_BYTES];
		int rc = TYPES[i] == HA_RINGVM_RELEASED ? -EPROTO : 0;

		ha_ringvm_encode(&msg, CLUSTER, bytes);
		put_crc(bytes, HA_RINGVM_BYTES_MIN);
		assert_int_equal(ha_ringvm_decode(bytes, HA_RINGVM_BYTES_MIN,
						  CLUSTER, &back),
				 rc);
		if (rc == 0) {
			assert_memory_equal(&back, &msg, sizeof(msg));
		}
	}
}

/* Each decoder leaves the other's messages alone: that is what an older
 * daemon does with these. */
static void
two_kinds(void **state)
{
	struct ha_ringvm_msg msg = a_message(HA_RINGVM_INCOMING);
	struct ha_ring_msg ring = { .type = HA_RING_MSG_LEAVE };
	struct ha_ring_msg ring_back;
	static uint8_t bytes[HA_RING_BYTES_MAX];
	size_t len = ha_ring_msg_encode(&ring, CLUSTER, bytes);

	(void)state;
	assert_int_equal(ha_ringvm_decode(bytes, len, CLUSTER, &msg), -ENOMSG);
	ha_ringvm_encode(&msg, CLUSTER, bytes);
	assert_int_equal(
		ha_ring_msg_decode(bytes, HA_RINGVM_BYTES, CLUSTER, &ring_back),
		-EPROTO);
}

static void
newer_minor(void **state)
{
	struct ha_ringvm_msg msg = a_message(HA_RINGVM_ANSWER);
	uint8_t bytes[HA_RINGVM_BYTES + 8] = { 0 };

	(void)state;
	ha_ringvm_encode(&msg, CLUSTER, bytes);
	bytes[5] = 1;
	put_crc(bytes, sizeof(bytes));
	assert_int_equal(ha_ringvm_decode(bytes, sizeof(bytes), CLUSTER, &msg),
			 0);
	bytes[6] = HA_RINGVM_RELEASED + 1;
	put_crc(bytes, sizeof(bytes));
	assert_int_equal(ha_ringvm_decode(bytes, sizeof(bytes), CLUSTER, &msg),
			 -EPROTONOSUPPORT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(long_texts),
		cmocka_unit_test(damage),
		cmocka_unit_test(contents),
		cmocka_unit_test(two_kinds),
		cmocka_unit_test(newer_minor),
		cmocka_unit_test(released_contents),
		cmocka_unit_test(released_of_nothing),
		cmocka_unit_test(short_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
