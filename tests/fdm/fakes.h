/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of vmha-fdmd ask of one another and of the world outside, for
 * tests of one part: the CIB, heartbeatd, programs, clients. What is asked is
 * kept here, nothing happens. A part that is linked, or a test that has a
 * function of its own, goes before the fake (they are weak). Whatever a test
 * has not said it expects must not be asked for.
 */
#ifndef TEST_FDM_FAKES_H
#define TEST_FDM_FAKES_H

#include "../unit/unit.h"

#include <jansson.h>
#include <stdbool.h>

#include "FaultDomain/fdm.h"

#define FAKE_CIB 1u        /* ha_cib_update() is expected */
#define FAKE_HEARTBEATD 2u /* fdm_worker_ask() is */

struct fake {
	unsigned int expects;
	bool is_snap_old;    /* heartbeatd has not answered for long */
	bool do_members_say; /* at once, that they are there */
	/* the last update of the CIB, and who is to hear of its end */
	uint32_t updates;
	char *update; /* NULL: none */
	void (*written)(void *data, int code, const char *why);
	void *written_data;
	/* the last request to heartbeatd, and who wants its answer */
	json_t *request; /* NULL: none */
	void (*on_request)(const json_t *request);
	void (*answer_to)(void *data, int code, const json_t *answer,
			  const char *why);
	void *answer_data;
	/* the last answer to a client */
	uint32_t answers, client;
	json_t *answer;     /* NULL: none */
	uint32_t refreshes; /* of the CIB, asked for */
	/* duties of the master */
	uint32_t leases, cleanups;
	char cleaned[HA_RESOURCE_NAME];
};
extern struct fake fake;

void fake_begin(unsigned int expects);
void fake_end(void);

/* A manager whose host is in a quorate membership, with hosts "h1", "h2"... that
 * heartbeatd knows; 0: none. And its end. */
void fake_cluster_begin(struct fdm *fdm, struct fdm_snap *snap, uint32_t hosts);
void fake_cluster_end(struct fdm *fdm);

#endif
