/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The heartbeat of one VM's guest, or of its application, as its host sees it
 * (ready conditions guest-heartbeat and application-heartbeat). Pure: what was
 * seen and the time in, good or not and when to ask again out. All times are
 * milliseconds of one monotonic clock. Nothing is good that was not heard.
 */
#ifndef HA_PULSE_H
#define HA_PULSE_H

#include <stdbool.h>
#include <stdint.h>

/* An agent that has not answered yet is asked so often, and one that has,
 * whether it still does. A guest takes longer than the first to boot. */
#define HA_PULSE_ASK_MS 5000u
#define HA_PULSE_KEEP_MS 30000u
/* So many asks in a row without an answer: it is not good any more. A guest
 * that is busy for a moment misses one. */
#define HA_PULSE_MISSES_MAX 2u
/* vSphere: failureInterval of application monitoring, its default. */
#define HA_PULSE_BEAT_MS 30000u

/* What came of asking a guest agent, or of looking for a channel. */
enum ha_pulse_answer {
	HA_PULSE_NONE,       /* none, or not in time */
	HA_PULSE_ANSWERED,   /* application: its channel is there */
	HA_PULSE_NO_CHANNEL, /* its domain has none: it can't be good */
	HA_PULSE_ANSWER_N
};

/* Zeroed for each process of the VM: a new one has not been heard. */
struct ha_pulse {
	bool is_application; /* it sends; else its guest agent is asked */
	bool is_good;        /* guest: its agent answers */
	bool has_no_channel;
	bool was_asked;
	uint32_t misses;
	uint64_t next_ms; /* to be asked then */
	bool was_heard;   /* application */
	uint64_t heard_ms;
};

void ha_pulse_answer(struct ha_pulse *pulse, enum ha_pulse_answer answer,
		     uint64_t now_ms);
/* Its application says that it is well. */
void ha_pulse_beat(struct ha_pulse *pulse, uint64_t now_ms);
bool ha_pulse_is_good(const struct ha_pulse *pulse, uint64_t now_ms);
/* Is it to be asked, or its channel to be looked for? */
bool ha_pulse_is_due(const struct ha_pulse *pulse, uint64_t now_ms);

#endif
