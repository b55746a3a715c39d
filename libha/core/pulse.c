/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When a guest, or its application, counts as well, and when it is asked
 * again. A guest agent is asked seldom while it answers, since each ask costs
 * a program and a turn of libvirt's; an application sends by itself. Must never
 * call good what was not heard since its process began, nor for longer than
 * the bounds of pulse.h after it fell silent.
 */
#include "ha/pulse.h"

void
ha_pulse_answer(struct ha_pulse *pulse, enum ha_pulse_answer answer,
		uint64_t now_ms)
{
	pulse->was_asked = true;
	pulse->has_no_channel = answer == HA_PULSE_NO_CHANNEL;
	pulse->next_ms = now_ms + HA_PULSE_ASK_MS;
	switch (answer) {
	case HA_PULSE_ANSWERED:
		pulse->misses = 0;
		pulse->is_good = !pulse->is_application;
		if (pulse->is_good) {
			pulse->next_ms = now_ms + HA_PULSE_KEEP_MS;
		}
		break;
	case HA_PULSE_NO_CHANNEL:
		/* One may be plugged in. */
		pulse->misses = 0;
		pulse->is_good = false;
		pulse->next_ms = now_ms + HA_PULSE_KEEP_MS;
		break;
	case HA_PULSE_NONE:
	case HA_PULSE_ANSWER_N:
		pulse->misses += pulse->misses < HA_PULSE_MISSES_MAX;
		if (pulse->misses >= HA_PULSE_MISSES_MAX) {
			pulse->is_good = false;
		}
		break;
	}
}

void
ha_pulse_beat(struct ha_pulse *pulse, uint64_t now_ms)
{
	pulse->was_heard = true;
	pulse->heard_ms = now_ms;
	pulse->has_no_channel = false;
}

bool
ha_pulse_is_good(const struct ha_pulse *pulse, uint64_t now_ms)
{
	if (!pulse->is_application) {
		return pulse->is_good;
	}
	/* A time ahead of now is of another clock. */
	return pulse->was_heard && pulse->heard_ms <= now_ms &&
	       now_ms - pulse->heard_ms < HA_PULSE_BEAT_MS;
}

bool
ha_pulse_is_due(const struct ha_pulse *pulse, uint64_t now_ms)
{
	return now_ms >= pulse->next_ms;
}
