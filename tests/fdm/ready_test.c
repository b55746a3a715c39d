/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agents/FaultDomain/ready_listen: what comes through an application's channel
 * is a heartbeat, a guest that writes without end is read now and then, and
 * who hangs up is told from who is silent. With real sockets. */
#include "../unit/unit.h"

#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/ready.h"

#define WAIT_MS 10000u
#define PATH "/tmp/vmha-ready-%d"

struct scene {
	struct fdm fdm;
	struct fdm_pulse one;
	char path[64];
	int server, peer;
};

static void
begin(struct scene *s)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memset(s, 0, sizeof(*s));
	s->fdm.context = g_main_context_new();
	s->one.fdm = &s->fdm;
	s->one.pulse.is_application = true;
	(void)snprintf(s->path, sizeof(s->path), PATH, (int)getpid());
	(void)unlink(s->path);
	g_strlcpy(address.sun_path, s->path, sizeof(address.sun_path));
	s->server = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(
		bind(s->server, (struct sockaddr *)&address, sizeof(address)),
		0);
	assert_int_equal(listen(s->server, 1), 0);
	fdm_ready_listen(&s->one, s->path);
	assert_non_null(s->one.source);
	s->peer = accept4(s->server, NULL, NULL, SOCK_NONBLOCK);
	assert_true(s->peer >= 0);
}

static void
end(struct scene *s)
{
	fdm_ready_hang_up(&s->one);
	assert_null(s->one.source);
	assert_null(g_main_context_find_source_by_user_data(s->fdm.context,
							    &s->one));
	(void)close(s->peer);
	(void)close(s->server);
	(void)unlink(s->path);
	g_main_context_unref(s->fdm.context);
}

/* Until the condition holds; what has no time limit here would hang. */
#define wait_for(s, condition)                                           \
	do {                                                             \
		gint64 until = g_get_monotonic_time() + WAIT_MS * 1000;  \
		while (!(condition) && g_get_monotonic_time() < until) { \
			if (!g_main_context_iteration((s)->fdm.context,  \
						      FALSE)) {          \
				g_usleep(1000);                          \
			}                                                \
		}                                                        \
		assert_true(condition);                                  \
	} while (0)

static void
a_line_is_a_heartbeat(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	assert_false(g_main_context_iteration(s.fdm.context, FALSE));
	assert_false(s.one.pulse.was_heard);
	assert_int_equal(write(s.peer, "ok\n", 3), 3);
	wait_for(&s, s.one.pulse.was_heard);
	end(&s);
}

static void
a_flood_costs_one_read_a_rest(void **state)
{
	static char flood[16384];
	struct scene s;

	(void)state;
	begin(&s);
	memset(flood, 'x', sizeof(flood));
	assert_true(write(s.peer, flood, sizeof(flood)) > 4096);
	wait_for(&s, s.one.pulse.was_heard);
	for (int i = 0; i < 3; i++) {
		assert_false(g_main_context_iteration(s.fdm.context, FALSE));
	}
	s.one.pulse.was_heard = false;
	wait_for(&s, s.one.pulse.was_heard);
	end(&s);
}

static void
who_hangs_up_can_be_found_again(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	(void)close(s.peer);
	wait_for(&s, !s.one.source);
	assert_false(s.one.pulse.was_heard);
	fdm_ready_listen(&s.one, s.path);
	assert_non_null(s.one.source);
	s.peer = accept4(s.server, NULL, NULL, SOCK_NONBLOCK);
	assert_int_equal(write(s.peer, "ok\n", 3), 3);
	(void)close(s.peer);
	wait_for(&s, s.one.pulse.was_heard);
	wait_for(&s, !s.one.source); /* after the rest */
	s.peer = -1;
	end(&s);
}

static void
nobody_there(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct scene s;
	char path[sizeof(address.sun_path) + 1];
	int server;

	(void)state;
	begin(&s);
	fdm_ready_hang_up(&s.one);
	fdm_ready_listen(&s.one, "/tmp/vmha-no-such-socket");
	assert_null(s.one.source);
	/* One byte too long: not whoever listens at what fits of it. */
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	memcpy(path, s.path, strlen(s.path));
	memcpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	server = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(
		bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(server, 1), 0);
	fdm_ready_listen(&s.one, path);
	(void)close(server);
	(void)unlink(address.sun_path);
	assert_null(s.one.source);
	end(&s);
}

static void
one_connection_is_enough(void **state)
{
	const GSource *first;
	struct scene s;

	(void)state;
	begin(&s);
	first = s.one.source;
	fdm_ready_listen(&s.one, s.path);
	assert_ptr_equal(s.one.source, first);
	assert_int_equal(accept4(s.server, NULL, NULL, 0), -1);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_a_heartbeat),
		cmocka_unit_test(a_flood_costs_one_read_a_rest),
		cmocka_unit_test(who_hangs_up_can_be_found_again),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(one_connection_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
