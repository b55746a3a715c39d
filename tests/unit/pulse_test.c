/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libha/core/pulse: when a guest or its application counts as well, and when
 * it is asked again: each bound as a pair. */
#include "unit.h"

#include "ha/pulse.h"

#define T0 1000000u

static void
a_guest_is_good_when_it_answers(void **state)
{
	struct ha_pulse pulse = { 0 };

	(void)state;
	assert_true(ha_pulse_is_due(&pulse, T0));
	assert_false(ha_pulse_is_good(&pulse, T0));
	ha_pulse_answer(&pulse, HA_PULSE_NONE, T0);
	assert_false(ha_pulse_is_good(&pulse, T0));
	assert_true(pulse.was_asked);
	assert_false(ha_pulse_is_due(&pulse, T0 + HA_PULSE_ASK_MS - 1));
	assert_true(ha_pulse_is_due(&pulse, T0 + HA_PULSE_ASK_MS));
	ha_pulse_answer(&pulse, HA_PULSE_ANSWERED, T0);
	assert_true(ha_pulse_is_good(&pulse, T0));
	assert_false(ha_pulse_is_due(&pulse, T0 + HA_PULSE_KEEP_MS - 1));
	assert_true(ha_pulse_is_due(&pulse, T0 + HA_PULSE_KEEP_MS));
}

/* One miss is a busy guest; then it is asked again soon. */
static void
two_misses_in_a_row_end_it(void **state)
{
	struct ha_pulse pulse = { 0 };

	(void)state;
	ha_pulse_answer(&pulse, HA_PULSE_ANSWERED, T0);
	ha_pulse_answer(&pulse, HA_PULSE_NONE, T0 + 1);
	assert_true(ha_pulse_is_good(&pulse, T0 + 1));
	assert_true(ha_pulse_is_due(&pulse, T0 + 1 + HA_PULSE_ASK_MS));
	ha_pulse_answer(&pulse, HA_PULSE_ANSWERED, T0 + 2);
	ha_pulse_answer(&pulse, HA_PULSE_NONE, T0 + 3);
	assert_true(ha_pulse_is_good(&pulse, T0 + 3));
	ha_pulse_answer(&pulse, HA_PULSE_NONE, T0 + 4);
	assert_false(ha_pulse_is_good(&pulse, T0 + 4));
	for (uint64_t i = 0; i < 5; i++) {
		ha_pulse_answer(&pulse, HA_PULSE_NONE, T0 + 5 + i);
	}
	ha_pulse_answer(&pulse, HA_PULSE_ANSWERED, T0 + 20);
	assert_true(ha_pulse_is_good(&pulse, T0 + 20));
}

static void
without_a_channel_it_is_never_good(void **state)
{
	struct ha_pulse pulse = { 0 };

	(void)state;
	ha_pulse_answer(&pulse, HA_PULSE_ANSWERED, T0);
	ha_pulse_answer(&pulse, HA_PULSE_NO_CHANNEL, T0);
	assert_false(ha_pulse_is_good(&pulse, T0));
	assert_true(pulse.has_no_channel);
	assert_false(ha_pulse_is_due(&pulse, T0 + HA_PULSE_KEEP_MS - 1));
	assert_true(ha_pulse_is_due(&pulse, T0 + HA_PULSE_KEEP_MS));
	/* One was plugged in. */
	ha_pulse_answer(&pulse, HA_PULSE_NONE, T0 + 1);
	assert_false(pulse.has_no_channel);
	assert_false(ha_pulse_is_good(&pulse, T0 + 1));
}

static void
an_application_must_be_heard(void **state)
{
	struct ha_pulse pulse = { .is_application = true };

	(void)state;
	assert_false(ha_pulse_is_good(&pulse, 0));
	/* That its channel is there says nothing of it. */
	ha_pulse_answer(&pulse, HA_PULSE_ANSWERED, T0);
	assert_false(ha_pulse_is_good(&pulse, T0));
	assert_true(ha_pulse_is_due(&pulse, T0 + HA_PULSE_ASK_MS));
	ha_pulse_beat(&pulse, T0);
	assert_true(ha_pulse_is_good(&pulse, T0));
	assert_true(ha_pulse_is_good(&pulse, T0 + HA_PULSE_BEAT_MS - 1));
	assert_false(ha_pulse_is_good(&pulse, T0 + HA_PULSE_BEAT_MS));
	ha_pulse_beat(&pulse, T0 + HA_PULSE_BEAT_MS);
	assert_true(ha_pulse_is_good(&pulse, T0 + HA_PULSE_BEAT_MS));
	/* Another clock. */
	assert_false(ha_pulse_is_good(&pulse, T0));
	/* What is heard comes through a channel. */
	ha_pulse_answer(&pulse, HA_PULSE_NO_CHANNEL, T0);
	assert_true(pulse.has_no_channel);
	ha_pulse_beat(&pulse, T0);
	assert_false(pulse.has_no_channel);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_is_good_when_it_answers),
		cmocka_unit_test(two_misses_in_a_row_end_it),
		cmocka_unit_test(without_a_channel_it_is_never_good),
		cmocka_unit_test(an_application_must_be_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
