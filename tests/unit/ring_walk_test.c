/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/ring and ring_silence by seeded random walks: several hosts whose
 * datastores come and go in a network that splits and heals, daemons that are
 * restarted, and everybody judging everybody. Nobody may be called gone whose
 * watchdog still runs; and hosts must live by leases and be found dead, or the
 * walk tests nothing. Storage is ideal here (a beat is seen at once): what
 * slow storage does is in watch_test.c.
 */
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "ha/evidence.h"
#include "ha/fencing.h"
#include "ha/ring.h"

#define HOSTS_MAX 5u
#define STEP_MS 50u
#define STEPS 1200u
#define WALKS 400u
#define INSTALL_MAX_MS 400u

struct host {
	struct ha_ring ring;
	bool is_alive, has_storage;
	uint64_t storage_ms; /* its newest beat, 0: none */
	uint64_t fires_ms, tick_ms;
	uint32_t part;
	uint64_t install_ms; /* of next_seq; 0: nothing to install */
	uint64_t next_seq;
	struct ha_hostset next_members;
};

struct world {
	uint64_t random, now_ms, seq, nonce;
	uint32_t hosts;
	const struct ha_timing *timing;
	struct host host[HOSTS_MAX];
	unsigned int *leased, *found;
	uint64_t seed;
};

static uint64_t
draw(struct world *world, uint64_t n)
{
	world->random ^= world->random << 13;
	world->random ^= world->random >> 7;
	world->random ^= world->random << 17;
	return world->random % n;
}

/* In one order for all that are in this membership and can be reached. */
static void
multicast(struct world *world, uint32_t from, const struct ha_ring_msg *msg)
{
	for (uint32_t i = 0; i < world->hosts; i++) {
		struct host *host = &world->host[i];
		struct ha_ring_msg reply;

		if (host->is_alive && host->part == world->host[from].part &&
		    host->ring.ring_seq == msg->ring_seq &&
		    ha_ring_deliver(&host->ring, msg, world->now_ms, &reply)) {
			multicast(world, i, &reply);
		}
	}
}

static void
split(struct world *world)
{
	uint32_t parts = 1 + (uint32_t)draw(world, 3);

	for (uint32_t i = 0; i < world->hosts; i++) {
		world->host[i].part = (uint32_t)draw(world, parts);
	}
	for (uint32_t part = 0; part < parts; part++) {
		struct ha_hostset members = { { 0 } };
		uint64_t seq = ++world->seq;

		for (uint32_t i = 0; i < world->hosts; i++) {
			if (world->host[i].is_alive &&
			    world->host[i].part == part) {
				ha_hostset_add(&members, i);
			}
		}
		for (uint32_t i = 0; i < world->hosts; i++) {
			struct host *host = &world->host[i];

			if (ha_hostset_has(&members, i)) {
				host->next_seq = seq;
				host->next_members = members;
				host->install_ms = world->now_ms + STEP_MS +
						   draw(world, INSTALL_MAX_MS);
			}
		}
	}
}

/* Hosts install at moments of their own and keep their old view until then;
 * but nothing passes between parts, so whoever is in a new membership with
 * this host has left the one that it shared with a host of another part:
 * what extended virtual synchrony promises. */
static void
install(struct world *world, uint32_t i)
{
	struct host *host = &world->host[i];
	struct ha_ring_msg msg;
	uint32_t votes = 0;

	for (uint32_t j = 0; j < world->hosts; j++) {
		votes += ha_hostset_has(&host->next_members, j);
	}
	host->install_ms = 0;
	ha_ring_changed(&host->ring, host->next_seq, &host->next_members,
			world->now_ms);
	ha_ring_quorate(&host->ring, host->next_seq,
			votes >= world->hosts / 2 + 1, world->now_ms);
	/* Those that install later take it from their buffers: ask again. */
	ha_ring_state(&host->ring, &msg);
	msg.nonce = 1;
	multicast(world, i, &msg);
}

static void
live(struct world *world, uint32_t i)
{
	struct host *host = &world->host[i];
	struct ha_pet_facts facts = { .has_storage = host->storage_ms != 0,
				      .storage_ms = host->storage_ms };
	struct ha_ring_msg msg;
	struct ha_pet pet;

	if (host->install_ms != 0 && world->now_ms >= host->install_ms) {
		install(world, i);
	}
	if (world->now_ms >= host->tick_ms) {
		bool needed;

		host->tick_ms = world->now_ms + world->timing->beat_ms;
		if (host->has_storage) {
			host->storage_ms = world->now_ms;
		}
		needed = ha_ring_is_needed(&host->ring, world->timing,
					   host->storage_ms != 0,
					   host->storage_ms, world->now_ms);
		if (ha_ring_tick(&host->ring, needed, ++world->nonce,
				 world->now_ms, &msg)) {
			multicast(world, i, &msg);
		}
	}
	facts.has_ring = ha_ring_evidence(&host->ring, &facts.ring_ms);
	pet = ha_pet_judge(&facts, world->timing, world->now_ms);
	if (pet.kind != HA_EVIDENCE_NONE) {
		host->fires_ms = world->now_ms + world->timing->watchdog_ms;
		*world->leased += pet.kind == HA_EVIDENCE_RING;
	}
	host->is_alive = world->now_ms < host->fires_ms;
}

static void
judge(struct world *world, uint32_t reader, uint32_t about)
{
	const struct host *target = &world->host[about];
	const struct ha_hostset nobody = { { 0 } };
	struct ha_watch_verdict storage = { .proof = HA_PROOF_ALIVE };
	enum ha_ring_silence ring;
	uint64_t due_ms = 0;

	if (world->now_ms >=
	    target->storage_ms + ha_timing_silence_ms(world->timing)) {
		storage.proof = HA_PROOF_SILENT;
		storage.until_ms = world->now_ms;
	}
	ring = ha_ring_silence(&world->host[reader].ring, world->timing, about,
			       &nobody, world->now_ms, &due_ms);
	if (!ha_fencing_is_gone(&storage, ring, due_ms)) {
		return;
	}
	if (target->is_alive) {
		fail_msg("seed %llu at %llu: host %u calls %u gone, alive",
			 (unsigned long long)world->seed,
			 (unsigned long long)world->now_ms, reader, about);
	}
	*world->found += 1;
}

static void
trouble(struct world *world)
{
	uint32_t i = (uint32_t)draw(world, world->hosts);
	struct host *host = &world->host[i];

	if (draw(world, 100) == 0) {
		split(world);
	}
	if (draw(world, 60) == 0) {
		host->has_storage = draw(world, 2) == 0;
	}
	if (draw(world, 200) == 0 && host->is_alive) {
		/* The daemon is restarted: it has forgotten everything. */
		uint64_t incarnation = host->ring.incarnation;

		ha_ring_init(&host->ring, i, incarnation);
		for (uint32_t j = 0; j < world->hosts; j++) {
			ha_ring_votes(&host->ring, j, 1);
		}
		split(world);
	}
}

static void
walk_once(struct world *world)
{
	world->random = world->seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	world->timing = ha_profile_timing(HA_PROFILE_STANDARD);
	world->hosts = 2 + (uint32_t)draw(world, HOSTS_MAX - 1);
	world->now_ms = 100000;
	for (uint32_t i = 0; i < world->hosts; i++) {
		struct host *host = &world->host[i];

		ha_ring_init(&host->ring, i, 1 + i);
		for (uint32_t j = 0; j < world->hosts; j++) {
			ha_ring_votes(&host->ring, j, 1);
		}
		host->is_alive = host->has_storage = true;
		host->storage_ms = world->now_ms;
		host->fires_ms = world->now_ms + world->timing->watchdog_ms;
		host->tick_ms = world->now_ms + draw(world, 1000);
	}
	split(world);
	for (unsigned int step = 0; step < STEPS; step++) {
		world->now_ms += STEP_MS;
		trouble(world);
		for (uint32_t i = 0; i < world->hosts; i++) {
			if (world->host[i].is_alive) {
				live(world, i);
			}
		}
		for (uint32_t i = 0; i < world->hosts; i++) {
			for (uint32_t j = 0;
			     world->host[i].is_alive && j < world->hosts; j++) {
				judge(world, i, j);
			}
		}
	}
}

static void
never_gone_while_alive(void **state)
{
	static struct world world;
	unsigned int leased = 0;
	unsigned int found = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= WALKS; seed++) {
		memset(&world, 0, sizeof(world));
		world.seed = seed;
		world.leased = &leased;
		world.found = &found;
		walk_once(&world);
	}
	print_message("pets by lease %u, judged gone %u\n", leased, found);
	assert_true(leased > WALKS);
	assert_true(found > WALKS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_gone_while_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
