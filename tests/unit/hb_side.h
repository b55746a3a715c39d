/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One host's serving half as bare structs: no threads, no disk, no corosync.
 * What was read, and what corosync told, is put there by the test. What serve.c
 * and ring.c would do with clients and corosync is faked here.
 */
#ifndef HB_SIDE_H
#define HB_SIDE_H

#include <errno.h>
#include <string.h>

#include "unit.h"

#include "ha/clock.h"
#include "ha/ipc.h"
#include "heartbeat/serve.h"
#include "heartbeat/store.h"

#define ALPHA 0u
#define BETA 1u /* this host */
#define GAMMA 2u
#define SEQ 10u
#define GENERATION 5u
#define LEASE_MS 60000u

static struct hb hb;
static struct hbs s;
static struct ha_listed_vm vms[4];
static struct ha_hold holds[4];
static struct hbs_client client;
static json_t *answered;
/* The last message to the ring. */
static uint8_t sent[HA_RINGVM_BYTES];
static size_t sent_len;

/* Of serve.c and ring.c, which need clients and corosync. */
void
hbs_ring_look(struct hbs *unused)
{
	(void)unused;
}

int
ha_corosync_send(struct ha_corosync *unused, const void *bytes, size_t len)
{
	(void)unused;
	sent_len = len;
	memcpy(sent, bytes, len < sizeof(sent) ? len : sizeof(sent));
	return -EAGAIN;
}

uint64_t
hbs_ring_nonce(struct hbs_ring *unused)
{
	(void)unused;
	return 2;
}

void
hbs_wait_answer(struct hbs *unused, struct hbs_wait *wait, json_t *answer)
{
	(void)unused;
	wait->client->wait = NULL;
	wait->client = NULL;
	json_decref(answered);
	answered = answer;
}

static void
membership(uint64_t ring_seq, uint64_t members, bool is_quorate)
{
	struct ha_ring *ring = &s.ring.core;
	const struct ha_hostset set = { { members } };

	ha_ring_changed(ring, ring_seq, &set, ha_clock_now_ms());
	ha_ring_quorate(ring, ring_seq, is_quorate, ha_clock_now_ms());
	hb.flags &= ~(HA_BEAT_QUORATE | HA_BEAT_MEMBER);
	hb.flags |= HA_BEAT_MEMBER | (is_quorate ? HA_BEAT_QUORATE : 0);
	hb.ring_seq = ring_seq;
	hb.members = set;
}

/* Its claim stands since then. */
static void
claimed(uint64_t at_ms)
{
	s.seal.claim_seq = hb.ring_seq;
	s.seal.claim_members = hb.members;
	s.seal.claimed_ms = at_ms;
}

static void
beat(uint32_t slot, uint32_t flags, uint64_t ring_seq, uint64_t members)
{
	struct hb_host *host = &hb.hosts[slot];
	uint64_t now_ms = ha_clock_now_ms();
	struct ha_glimpse glimpse = {
		.kind = HA_GLIMPSE_BEAT,
		.incarnation = 1,
		.sequence = ++host->beat.sequence,
		.is_armed = true,
	};

	host->has_beat = true;
	host->beat.slot = slot;
	host->beat.incarnation = 1;
	host->beat.state = HA_BEAT_ARMED;
	host->beat.flags = flags;
	host->beat.ring_seq = ring_seq;
	host->beat.members[0] = members;
	host->beat.list_generation = GENERATION;
	host->verdict[0] = HA_BLOCK_OK;
	ha_watch_read(&host->watch, 0, &glimpse, now_ms, now_ms);
	hb.views[0].read_ms = now_ms;
}

static int
begin(void **state)
{
	static const uint32_t VOTES[] = { 1, 1, 1 };
	uint64_t now_ms = ha_clock_now_ms();

	(void)state;
	memset(&hb, 0, sizeof(hb));
	memset(&s, 0, sizeof(s));
	memset(&client, 0, sizeof(client));
	sent_len = 0;
	pthread_mutex_init(&hb.lock, NULL);
	hb.sb.stores = 1;
	hb.sb.slots = 3;
	hb.sb.vms = 4;
	hb.sb.timing = (struct ha_timing){ .beat_ms = 1000,
					   .watchdog_ms = 4000,
					   .tolerance_ms = 1000,
					   .drift_ppm = 1000 };
	hb.self = BETA;
	hb.incarnation = 1;
	hb.phase = HB_ARMED;
	hb.is_claimed = hb.is_armed = true;
	hb.main_fd = hb.pet_fd = -1;
	memcpy(hb.table.names[ALPHA], "alpha", sizeof("alpha"));
	memcpy(hb.table.names[BETA], "beta", sizeof("beta"));
	memcpy(hb.table.names[GAMMA], "gamma", sizeof("gamma"));
	memcpy(hb.votes, VOTES, sizeof(VOTES));
	hb.list.vms = vms;
	hb.list.generation = GENERATION;
	hb.hold_list.holds = holds;
	hb.flags = HA_BEAT_SEALED;
	hb.sealed_generation = GENERATION;
	for (uint32_t i = 0; i < hb.sb.slots; i++) {
		hb.hosts[i].watch.stores = 1;
	}
	s.hb = &hb;
	client.s = &s;
	ha_seal_init(&hb.seal, now_ms);
	hb.seal.why = HA_SEAL_UNSETTLED;
	hbs_seal_init(&s);
	ha_ring_init(&s.ring.core, BETA, 1);
	for (uint32_t i = 0; i < 3; i++) {
		ha_ring_votes(&s.ring.core, i, VOTES[i]);
	}
	membership(SEQ, 1u << ALPHA | 1u << BETA, true);
	claimed(now_ms);
	beat(ALPHA, HA_BEAT_QUORATE | HA_BEAT_MEMBER, SEQ,
	     1u << ALPHA | 1u << BETA);
	beat(GAMMA, HA_BEAT_MEMBER | HA_BEAT_SEALED, SEQ + 1, 1u << GAMMA);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < HBS_WAITS; i++) {
		s.waits[i].client = NULL;
	}
	json_decref(answered);
	answered = NULL;
	pthread_mutex_destroy(&hb.lock);
	return 0;
}

static void
settled(void)
{
	hb.is_settled = true;
	hb.settled_seq = hb.ring_seq;
}

#endif
