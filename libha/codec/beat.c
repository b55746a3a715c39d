/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host's beat: who it is, how far it is, what it lists, and its orders to
 * other hosts. All of it is one block, so a beat is read whole or not at all.
 * Whoever reads it decides about the life of a host: a beat that contradicts
 * itself is refused (INVALID) and then proves nothing but that its bytes
 * change or don't (SAFETY 1.3).
 */
#include "codec/area_block.h"
#include "ha/crc.h"

/* Payload. What stands up to NEEDED is in every version; behind it 0 means
 * "not told". */
#define AT_HOST 0u
#define AT_BOOT_ID 64u
#define AT_INCARNATION 80u
#define AT_SEQUENCE 88u
#define AT_STATE 96u
#define AT_FLAGS 100u
#define AT_EVIDENCE 104u
#define AT_LIST_COPY 108u
#define AT_LIST_GENERATION 112u
#define AT_LIST_COUNT 120u
#define AT_HOLD_COPY 124u
#define AT_HOLD_GENERATION 128u
#define AT_HOLD_COUNT 136u
#define AT_ORDERS_COUNT 140u
#define AT_ACKS_COUNT 144u
#define AT_STORES_OK 148u
#define AT_RING_SEQ 152u
#define AT_MEMBERS 160u
#define AT_TERM 192u
#define NEEDED 200u
#define AT_STORES_SEEN 200u
#define AT_WATCHDOG_MS 204u
#define AT_PROGRAM 208u
/* Room for fields up to here; then the two arrays. */
#define AT_ORDERS 512u
#define ORDER_BYTES 24u /* kind 4, target 4, incarnation 8, nonce 8 */
#define AT_ACKS (AT_ORDERS + HA_ORDERS_MAX * ORDER_BYTES)
#define ACK_BYTES 16u /* sender 4, result 4, nonce 8 */
/* Of the orders, by their place. */
#define AT_GENERATIONS (AT_ACKS + HA_ORDERS_MAX * ACK_BYTES)
#define GENERATION_BYTES 8u
#define LENGTH (AT_GENERATIONS + HA_ORDERS_MAX * GENERATION_BYTES)

_Static_assert(LENGTH <= HA__PAYLOAD_MAX, "a beat is one block");

#define MEMBER_WORDS 4u
#define ERRNO_MAX 4095 /* the kernel's MAX_ERRNO */
/* What counts from 1 never gets there; JSON's integers end there. */
#define COUNTER_MAX ((uint64_t)INT64_MAX)

static const char *const ORDER_NAMES[] = {
	[HA_ORDER_NONE] = "none",         [HA_ORDER_TEST] = "test",
	[HA_ORDER_RESET] = "reset",       [HA_ORDER_OFF] = "off",
	[HA_ORDER_SEAL] = "seal",         [HA_ORDER_STAND_DOWN] = "stand-down",
	[HA_ORDER_STAND_TO] = "stand-to", [HA_ORDER_UNSEAL] = "unseal",
};
#define ORDER_KINDS (sizeof(ORDER_NAMES) / sizeof(ORDER_NAMES[0]))

const char *
ha_order_kind_name(enum ha_order_kind kind)
{
	return (unsigned int)kind < ORDER_KINDS ? ORDER_NAMES[kind] : "unknown";
}

static uint32_t
at_most(uint32_t value, uint32_t limit)
{
	return value < limit ? value : limit;
}

static void
put_orders(const struct ha_beat *beat, uint8_t *out)
{
	uint32_t orders = at_most(beat->orders_count, HA_ORDERS_MAX);
	uint32_t acks = at_most(beat->acks_count, HA_ORDERS_MAX);

	ha__put_u32(out + AT_ORDERS_COUNT, orders);
	ha__put_u32(out + AT_ACKS_COUNT, acks);
	for (uint32_t i = 0; i < orders; i++) {
		const struct ha_order *order = &beat->orders[i];
		uint8_t *at = out + AT_ORDERS + i * ORDER_BYTES;

		ha__put_u32(at, order->kind);
		ha__put_u32(at + 4, order->target);
		ha__put_u64(at + 8, order->incarnation);
		ha__put_u64(at + 16, order->nonce);
		ha__put_u64(out + AT_GENERATIONS + i * GENERATION_BYTES,
			    order->generation);
	}
	for (uint32_t i = 0; i < acks; i++) {
		const struct ha_order_ack *ack = &beat->acks[i];
		uint8_t *at = out + AT_ACKS + i * ACK_BYTES;

		ha__put_u32(at, ack->sender);
		ha__put_u32(at + 4, (uint32_t)ack->result);
		ha__put_u64(at + 8, ack->nonce);
	}
}

void
ha_beat_encode(const struct ha_superblock *sb, const struct ha_beat *beat,
	       void *ret_block)
{
	const struct ha__place where = {
		.kind = HA__KIND_BEAT,
		.cluster = &sb->cluster,
		.place = beat->slot,
	};
	uint8_t *out = ha__block_begin(ret_block, &where);

	ha__put_name(out + AT_HOST, beat->host, sizeof(beat->host));
	ha__put_uuid(out + AT_BOOT_ID, &beat->boot_id);
	ha__put_u64(out + AT_INCARNATION, beat->incarnation);
	ha__put_u64(out + AT_SEQUENCE, beat->sequence);
	ha__put_u32(out + AT_STATE, beat->state);
	ha__put_u32(out + AT_FLAGS, beat->flags);
	ha__put_u32(out + AT_EVIDENCE, beat->evidence);
	ha__put_u32(out + AT_LIST_COPY, beat->list_copy);
	ha__put_u64(out + AT_LIST_GENERATION, beat->list_generation);
	ha__put_u32(out + AT_LIST_COUNT, beat->list_count);
	ha__put_u32(out + AT_HOLD_COPY, beat->hold_copy);
	ha__put_u64(out + AT_HOLD_GENERATION, beat->hold_generation);
	ha__put_u32(out + AT_HOLD_COUNT, beat->hold_count);
	ha__put_u32(out + AT_STORES_OK, beat->stores_ok);
	ha__put_u64(out + AT_RING_SEQ, beat->ring_seq);
	for (uint32_t i = 0; i < MEMBER_WORDS; i++) {
		ha__put_u64(out + AT_MEMBERS + 8 * i, beat->members[i]);
	}
	ha__put_u64(out + AT_TERM, beat->term);
	ha__put_u32(out + AT_STORES_SEEN, beat->stores_seen);
	ha__put_u32(out + AT_WATCHDOG_MS, beat->watchdog_ms);
	ha__put_u32(out + AT_PROGRAM, beat->program);
	put_orders(beat, out);
	ha__block_end(ret_block, LENGTH);
}

/* An order of a kind that only a newer program knows is kept: the sender is
 * told so (-ENOSYS), and its beat counts like any other. Hosts of two versions
 * work together, whatever the newer one orders. */
static bool
take_order(const struct ha__payload *in, uint32_t at, uint32_t slots,
	   struct ha_order *ret_order)
{
	uint32_t kind = ha__take_u32(in, at);

	if (kind == HA_ORDER_NONE) {
		return false;
	}
	ret_order->kind = (enum ha_order_kind)kind;
	ret_order->target = ha__take_u32(in, at + 4);
	ret_order->incarnation = ha__take_u64(in, at + 8);
	ret_order->nonce = ha__take_u64(in, at + 16);
	return ret_order->target < slots && ret_order->incarnation > 0;
}

static bool
take_orders(const struct ha__payload *in, uint32_t slots, struct ha_beat *beat)
{
	beat->orders_count = ha__take_u32(in, AT_ORDERS_COUNT);
	beat->acks_count = ha__take_u32(in, AT_ACKS_COUNT);
	if (beat->orders_count > HA_ORDERS_MAX ||
	    beat->acks_count > HA_ORDERS_MAX ||
	    (beat->orders_count > 0 &&
	     !ha__has(in, AT_ORDERS, beat->orders_count * ORDER_BYTES)) ||
	    (beat->acks_count > 0 &&
	     !ha__has(in, AT_ACKS, beat->acks_count * ACK_BYTES))) {
		return false;
	}
	for (uint32_t i = 0; i < beat->orders_count; i++) {
		if (!take_order(in, AT_ORDERS + i * ORDER_BYTES, slots,
				&beat->orders[i])) {
			return false;
		}
		beat->orders[i].generation =
			ha__take_u64(in, AT_GENERATIONS + i * GENERATION_BYTES);
	}
	for (uint32_t i = 0; i < beat->acks_count; i++) {
		uint32_t at = AT_ACKS + i * ACK_BYTES;
		struct ha_order_ack *ack = &beat->acks[i];

		ack->sender = ha__take_u32(in, at);
		ack->result = (int32_t)ha__take_u32(in, at + 4);
		ack->nonce = ha__take_u64(in, at + 8);
		if (ack->sender >= slots || ack->result > 0 ||
		    ack->result < -ERRNO_MAX) {
			return false;
		}
	}
	return true;
}

static bool
take_members(const struct ha__payload *in, uint32_t slots, struct ha_beat *beat)
{
	for (uint32_t i = 0; i < MEMBER_WORDS; i++) {
		beat->members[i] = ha__take_u64(in, AT_MEMBERS + 8 * i);
	}
	for (uint32_t slot = slots; slot < 64 * MEMBER_WORDS; slot++) {
		if ((beat->members[slot / 64] >> (slot % 64)) & 1) {
			return false;
		}
	}
	return true;
}

/* No claim: nobody ever beat here, so nothing else can be said either. */
static bool
is_consistent(const struct ha_beat *beat)
{
	if ((beat->state == HA_BEAT_UNCLAIMED) != (beat->incarnation == 0)) {
		return false;
	}
	if (beat->state == HA_BEAT_UNCLAIMED) {
		return beat->list_generation == 0 && beat->list_count == 0 &&
		       beat->hold_generation == 0 && beat->hold_count == 0 &&
		       beat->orders_count == 0 && beat->acks_count == 0;
	}
	return beat->host[0] != '\0' &&
	       (beat->list_generation > 0 || beat->list_count == 0) &&
	       (beat->hold_generation > 0 || beat->hold_count == 0);
}

static bool
take_fields(const struct ha__payload *in, const struct ha_superblock *sb,
	    struct ha_beat *beat)
{
	uint32_t state = ha__take_u32(in, AT_STATE);
	uint32_t evidence = ha__take_u32(in, AT_EVIDENCE);

	beat->boot_id = ha__get_uuid(in->bytes + AT_BOOT_ID);
	beat->incarnation = ha__take_u64(in, AT_INCARNATION);
	beat->sequence = ha__take_u64(in, AT_SEQUENCE);
	beat->flags = ha__take_u32(in, AT_FLAGS);
	beat->list_copy = ha__take_u32(in, AT_LIST_COPY);
	beat->list_generation = ha__take_u64(in, AT_LIST_GENERATION);
	beat->list_count = ha__take_u32(in, AT_LIST_COUNT);
	beat->hold_copy = ha__take_u32(in, AT_HOLD_COPY);
	beat->hold_generation = ha__take_u64(in, AT_HOLD_GENERATION);
	beat->hold_count = ha__take_u32(in, AT_HOLD_COUNT);
	beat->stores_ok = ha__take_u32(in, AT_STORES_OK);
	beat->ring_seq = ha__take_u64(in, AT_RING_SEQ);
	beat->term = ha__take_u64(in, AT_TERM);
	beat->stores_seen = ha__take_u32(in, AT_STORES_SEEN);
	beat->watchdog_ms = ha__take_u32(in, AT_WATCHDOG_MS);
	beat->program = ha__take_u32(in, AT_PROGRAM);
	if (state > HA_BEAT_STANDING_DOWN || evidence > HA_BEAT_EVIDENCE_LONE ||
	    !ha__get_name(in->bytes + AT_HOST, sizeof(beat->host),
			  beat->host)) {
		return false;
	}
	beat->state = (enum ha_beat_state)state;
	beat->evidence = (enum ha_evidence_kind_disk)evidence;
	return beat->incarnation <= COUNTER_MAX &&
	       beat->sequence <= COUNTER_MAX && beat->list_copy <= 1 &&
	       beat->hold_copy <= 1 && beat->list_count <= sb->vms &&
	       beat->hold_count <= sb->vms &&
	       beat->stores_ok <= HA_STORES_MAX &&
	       take_members(in, sb->slots, beat) &&
	       take_orders(in, sb->slots, beat) && is_consistent(beat);
}

enum ha_block_verdict
ha_beat_decode(const struct ha_superblock *sb, uint32_t slot, const void *block,
	       struct ha_beat *ret_beat)
{
	const struct ha__place where = {
		.kind = HA__KIND_BEAT,
		.cluster = &sb->cluster,
		.place = slot,
	};
	struct ha__payload in;
	struct ha_beat beat;
	enum ha_block_verdict verdict =
		ha__block_open(block, &where, NEEDED, &in);

	if (verdict != HA_BLOCK_OK) {
		return verdict;
	}
	memset(&beat, 0, sizeof(beat));
	beat.slot = slot;
	if (slot >= sb->slots || !take_fields(&in, sb, &beat)) {
		return HA_BLOCK_INVALID;
	}
	*ret_beat = beat;
	return HA_BLOCK_OK;
}

static struct ha_glimpse
glimpse_of(const struct ha_beat *beat)
{
	if (beat->state == HA_BEAT_UNCLAIMED) {
		return (struct ha_glimpse){ .kind = HA_GLIMPSE_UNCLAIMED };
	}
	return (struct ha_glimpse){
		.kind = HA_GLIMPSE_BEAT,
		.incarnation = beat->incarnation,
		.sequence = beat->sequence,
		.is_armed = beat->state == HA_BEAT_ARMED,
		.is_disarmed = beat->state == HA_BEAT_STOPPED,
		.is_standing_down = beat->state == HA_BEAT_STANDING_DOWN,
		.list_count = beat->list_count,
		.list_generation = beat->list_generation,
	};
}

void
ha_beat_glimpse(enum ha_block_verdict verdict, const struct ha_beat *beat,
		const void *block, struct ha_glimpse *ret_glimpse)
{
	struct ha_glimpse glimpse = { .kind = HA_GLIMPSE_FOREIGN };

	switch (verdict) {
	case HA_BLOCK_OK:
		glimpse = glimpse_of(beat);
		break;
	case HA_BLOCK_TORN:
	case HA_BLOCK_INVALID:
		glimpse.kind = HA_GLIMPSE_DAMAGED;
		glimpse.fingerprint = ha_fingerprint(block, HA_BLOCK);
		break;
	case HA_BLOCK_BLANK:
	case HA_BLOCK_ALIEN:
	case HA_BLOCK_FOREIGN:
	case HA_BLOCK_MISPLACED:
	case HA_BLOCK_NEWER:
	case HA_BLOCK_STALE:
	case HA_BLOCK_VERDICT_N:
		break;
	}
	*ret_glimpse = glimpse;
}

const char *
ha_beat_state_name(enum ha_beat_state state)
{
	switch (state) {
	case HA_BEAT_UNCLAIMED:
		return "unclaimed";
	case HA_BEAT_STARTING:
		return "starting";
	case HA_BEAT_ARMED:
		return "armed";
	case HA_BEAT_STOPPED:
		return "stopped";
	case HA_BEAT_STANDING_DOWN:
		return "standing-down";
	}
	return "?";
}

const char *
ha_beat_evidence_name(const struct ha_beat *beat)
{
	switch (beat->evidence) {
	case HA_BEAT_EVIDENCE_NONE:
		return "none";
	case HA_BEAT_EVIDENCE_STORAGE:
		return "storage";
	case HA_BEAT_EVIDENCE_RING:
		return "ring";
	case HA_BEAT_EVIDENCE_LONE:
		return "lone";
	}
	return "?";
}
