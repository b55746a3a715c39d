/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Facts for the fence agent as JSON. One table of members drives both
 * directions. The agent decides about the life of a host by them, so nothing
 * has a default: a member that is missing, of another type or out of range
 * makes the whole answer useless. Members that are not in the table are
 * ignored: they are of a newer daemon.
 */
#include <errno.h>
#include <string.h>

#include "ha/text.h"
#include "ha/wire.h"

enum member_type {
	MEMBER_BOOL,
	MEMBER_U32,
	MEMBER_U64,
};

struct member {
	const char *group; /* object that it stands in, NULL: the top */
	const char *name;
	enum member_type type;
	size_t offset;
};

#define AT(path) offsetof(struct ha_fence_answer, path)

static const struct member MEMBERS[] = {
	{ NULL, "about", MEMBER_U64, AT(about) },
	{ NULL, "sequence", MEMBER_U64, AT(sequence) },
	{ NULL, "list_generation", MEMBER_U64, AT(list_generation) },
	{ NULL, "is_self", MEMBER_BOOL, AT(facts.is_self) },
	{ NULL, "can_write", MEMBER_BOOL, AT(facts.can_write) },
	{ NULL, "can_read", MEMBER_BOOL, AT(facts.can_read) },
	{ NULL, "is_quorate", MEMBER_BOOL, AT(facts.is_quorate) },
	{ NULL, "is_known", MEMBER_BOOL, AT(facts.is_known) },
	{ NULL, "is_member", MEMBER_BOOL, AT(facts.is_member) },
	{ NULL, "is_back", MEMBER_BOOL, AT(facts.is_back) },
	{ NULL, "member_since_stop", MEMBER_BOOL, AT(facts.member_since_stop) },
	{ NULL, "is_standing_down", MEMBER_BOOL, AT(facts.is_standing_down) },
	{ NULL, "is_braked", MEMBER_BOOL, AT(facts.is_braked) },
	{ NULL, "says_sealed", MEMBER_BOOL, AT(facts.says_sealed) },
	{ NULL, "is_list_read", MEMBER_BOOL, AT(facts.is_list_read) },
	{ NULL, "is_unconfirmed", MEMBER_BOOL, AT(facts.is_unconfirmed) },
	{ NULL, "ring_due_ms", MEMBER_U64, AT(facts.ring_due_ms) },
	{ "storage", "incarnation", MEMBER_U64, AT(facts.storage.incarnation) },
	{ "storage", "since_ms", MEMBER_U64, AT(facts.storage.since_ms) },
	{ "storage", "due_ms", MEMBER_U64, AT(facts.storage.due_ms) },
	{ "storage", "until_ms", MEMBER_U64, AT(facts.storage.until_ms) },
	{ "storage", "silent", MEMBER_U32, AT(facts.storage.silent) },
	{ "storage", "needed", MEMBER_U32, AT(facts.storage.needed) },
	{ "timing", "beat_ms", MEMBER_U32, AT(timing.beat_ms) },
	{ "timing", "watchdog_ms", MEMBER_U32, AT(timing.watchdog_ms) },
	{ "timing", "tolerance_ms", MEMBER_U32, AT(timing.tolerance_ms) },
	{ "timing", "drift_ppm", MEMBER_U32, AT(timing.drift_ppm) },
};
#define MEMBERS_N (sizeof(MEMBERS) / sizeof(MEMBERS[0]))

static const char *const PROOFS[HA_PROOF_N] = {
	[HA_PROOF_UNKNOWN] = "unknown",
	[HA_PROOF_ALIVE] = "alive",
	[HA_PROOF_SILENT] = "silent",
	[HA_PROOF_REPLACED] = "replaced",
	[HA_PROOF_STOPPED] = "stopped",
	[HA_PROOF_NEVER] = "never",
	[HA_PROOF_CONFIRMED] = "confirmed",
	[HA_PROOF_STANDING_DOWN] = "standing-down",
	[HA_PROOF_UNGUARDED] = "unguarded",
};

static const char *const RINGS[] = {
	[HA_RING_SILENCE_NO_QUORUM] = "no-quorum",
	[HA_RING_SILENCE_MEMBER] = "member",
	[HA_RING_SILENCE_MAJORITY] = "majority",
	[HA_RING_SILENCE_LATER] = "later",
	[HA_RING_SILENCE_YES] = "yes",
	[HA_RING_SILENCE_UNCONFIRMED] = "unconfirmed",
};
#define RINGS_N (sizeof(RINGS) / sizeof(RINGS[0]))

/* ---- out ---------------------------------------------------------------- */

/* JSON's integers end at INT64_MAX in jansson; the clock does not get there
 * in this universe, but "never" does: it stays that. */
static json_t *
number(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *
value_of(const struct ha_fence_answer *answer, const struct member *member)
{
	const char *at = (const char *)answer + member->offset;
	bool flag;
	uint32_t u32;
	uint64_t u64;

	switch (member->type) {
	case MEMBER_BOOL:
		memcpy(&flag, at, sizeof(flag));
		return json_boolean(flag);
	case MEMBER_U32:
		memcpy(&u32, at, sizeof(u32));
		return number(u32);
	case MEMBER_U64:
		memcpy(&u64, at, sizeof(u64));
		return number(u64);
	}
	return NULL;
}

/* The value is taken over, also by a failure. */
static bool
put(json_t *object, const char *name, json_t *value)
{
	return json_object_set_new(object, name, value) == 0;
}

static bool
put_words(const struct ha_fence_answer *answer, json_t *root, json_t *storage)
{
	unsigned int proof = answer->facts.storage.proof;
	unsigned int ring = answer->facts.ring;

	return proof < HA_PROOF_N && ring < RINGS_N &&
	       put(storage, "proof", json_string(PROOFS[proof])) &&
	       put(root, "ring", json_string(RINGS[ring])) &&
	       put(root, "host",
		   json_stringn(answer->host,
				strnlen(answer->host, sizeof(answer->host)))) &&
	       put(root, "evidence",
		   json_stringn(answer->evidence,
				strnlen(answer->evidence,
					sizeof(answer->evidence))));
}

json_t *
ha_wire_fence_answer(const struct ha_fence_answer *answer)
{
	json_t *root = json_object();
	json_t *storage = json_object();
	bool is_ok = put_words(answer, root, storage) &&
		     put(root, "timing", json_object()) &&
		     json_object_set(root, "storage", storage) == 0;

	for (size_t i = 0; i < MEMBERS_N && is_ok; i++) {
		const struct member *m = &MEMBERS[i];
		json_t *into =
			m->group ? json_object_get(root, m->group) : root;

		is_ok = put(into, m->name, value_of(answer, m));
	}
	json_decref(storage);
	if (!is_ok) {
		json_decref(root);
		return NULL;
	}
	return root;
}

/* ---- in ----------------------------------------------------------------- */

static bool
take(const json_t *value, const struct member *member,
     struct ha_fence_answer *answer)
{
	char *at = (char *)answer + member->offset;
	json_int_t number = json_integer_value(value);
	bool flag = json_is_true(value);
	uint32_t u32 = (uint32_t)number;
	uint64_t u64 = (uint64_t)number;

	switch (member->type) {
	case MEMBER_BOOL:
		memcpy(at, &flag, sizeof(flag));
		return json_is_boolean(value);
	case MEMBER_U32:
		memcpy(at, &u32, sizeof(u32));
		return json_is_integer(value) && number >= 0 &&
		       number <= UINT32_MAX;
	case MEMBER_U64:
		memcpy(at, &u64, sizeof(u64));
		return json_is_integer(value) && number >= 0;
	}
	return false;
}

static bool
take_text(const json_t *value, char *dst, size_t size)
{
	const char *text = json_string_value(value);

	return text && strlen(text) == json_string_length(value) &&
	       ha_text_copy(dst, size, text) == 0;
}

static int
take_word(const json_t *value, const char *const *words, size_t n)
{
	const char *text = json_string_value(value);

	for (size_t i = 0; text && i < n; i++) {
		if (strcmp(words[i], text) == 0) {
			return (int)i;
		}
	}
	return -1;
}

static int
refuse(struct ha_err *err, const char *group, const char *name)
{
	return ha_err_set(err, -EPROTO,
			  "the heartbeat daemon's answer about a host has no "
			  "usable %s%s%s: the daemon that runs is of another "
			  "version than this program; see vmha heartbeat "
			  "status",
			  group ? group : "", group ? "." : "", name);
}

int
ha_wire_fence_answer_parse(const json_t *object,
			   struct ha_fence_answer *ret_answer,
			   struct ha_err *err)
{
	struct ha_fence_answer answer;
	const json_t *storage = json_object_get(object, "storage");
	int proof;
	int ring;

	memset(&answer, 0, sizeof(answer));
	for (size_t i = 0; i < MEMBERS_N; i++) {
		const struct member *m = &MEMBERS[i];
		const json_t *from =
			m->group ? json_object_get(object, m->group) : object;

		if (!take(json_object_get(from, m->name), m, &answer)) {
			return refuse(err, m->group, m->name);
		}
	}
	proof = take_word(json_object_get(storage, "proof"), PROOFS,
			  HA_PROOF_N);
	ring = take_word(json_object_get(object, "ring"), RINGS, RINGS_N);
	if (proof < 0) {
		return refuse(err, "storage", "proof");
	}
	if (ring < 0) {
		return refuse(err, NULL, "ring");
	}
	if (!take_text(json_object_get(object, "host"), answer.host,
		       sizeof(answer.host))) {
		return refuse(err, NULL, "host");
	}
	if (!take_text(json_object_get(object, "evidence"), answer.evidence,
		       sizeof(answer.evidence))) {
		return refuse(err, NULL, "evidence");
	}
	answer.facts.storage.proof = (enum ha_proof)proof;
	answer.facts.ring = (enum ha_ring_silence)ring;
	*ret_answer = answer;
	return 0;
}
