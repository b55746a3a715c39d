/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket: clients, requests, answers. One request of a client at a time;
 * one that does not read its answer is dropped. An operation is a row of OPS.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ha/clock.h"
#include "ha/text.h"
#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

static const struct {
	const char *name;
	json_t *(*run)(struct hbs *s, struct hbs_client *client,
		       const json_t *request);
} OPS[] = {
	{ "status", hbs_op_status },
	{ "vms", hbs_op_vms },
	{ "fence-facts", hbs_op_fence_facts },
	{ "fenced", hbs_op_fenced },
	{ "order", hbs_op_order },
	{ "order-state", hbs_op_order_state },
	{ "announce", hbs_op_announce },
	{ "withdraw", hbs_op_withdraw },
	{ "master", hbs_op_master },
	{ "tickets", hbs_op_tickets },
	{ "isolated", hbs_op_isolated },
	{ "hold", hbs_op_hold },
	{ "lift", hbs_op_lift },
	{ "holds", hbs_op_holds },
	{ "protect", hbs_op_protect },
	{ "protected", hbs_op_protected },
	{ "confirm-dead", hbs_op_confirm_dead },
	{ "disarm", hbs_op_disarm },
	{ "arm", hbs_op_arm },
};

static void
drop(struct hbs_client *client)
{
	struct hbs *s = client->s;

	if (client->wait) {
		hbs_wait_cancel(s, client->wait);
	}
	(void)qb_loop_poll_del(s->loop, client->fd);
	(void)close(client->fd);
	client->fd = -1;
}

/* Takes the answer over. */
static void
reply(struct hbs_client *client, json_t *answer)
{
	bool is_told = answer && ha_ipc_reply(client->fd, answer) == 0;

	json_decref(answer);
	if (!is_told) {
		drop(client);
	}
}

void
hbs_wait_answer(struct hbs *s, struct hbs_wait *wait, json_t *answer)
{
	struct hbs_client *client = wait->client;

	/* Freed first: a client that is dropped has nothing to cancel. */
	client->wait = NULL;
	wait->client = NULL;
	if (client->fd == HBS_RING_FD) {
		hbs_incoming_answer(s, client, answer);
		return;
	}
	reply(client, answer);
}

static json_t *
run(struct hbs_client *client, const json_t *request)
{
	const char *op = json_string_value(json_object_get(request, "op"));

	if (client->wait) {
		return hbs_failed(-EBUSY, "the last request of this client is "
					  "not answered yet");
	}
	for (size_t i = 0; op && i < sizeof(OPS) / sizeof(OPS[0]); i++) {
		if (strcmp(OPS[i].name, op) == 0) {
			return OPS[i].run(client->s, client, request);
		}
	}
	return hbs_failed(-ENOSYS,
			  "this version of the heartbeat daemon (%s) does not "
			  "know the request \"%s\"",
			  VMHA_VERSION, op ? op : "");
}

static int32_t
on_client(int32_t fd, int32_t revents, void *data)
{
	struct hbs_client *client = data;
	struct ha_err err = HA_ERR_INIT;
	json_t *request = NULL;
	json_t *answer;
	int rc;

	(void)revents;
	if (client->fd != fd) {
		return 0;
	}
	rc = ha_ipc_receive(fd, &request, &err);
	if (rc == -EAGAIN) {
		return 0;
	}
	if (rc == -EPROTO) {
		reply(client, hbs_failed(rc, "%s", err.text));
		return 0;
	}
	if (rc != 0) {
		drop(client);
		return 0;
	}
	client->asked_ms = ha_clock_now_ms();
	answer = run(client, request);
	json_decref(request);
	if (answer) {
		reply(client, answer);
	} else if (!client->wait) {
		drop(client); /* no memory for an answer */
	} else {
		hbs_wait_check(client->s); /* perhaps all is there already */
	}
	return 0;
}

/* The connection is taken over. */
static void
add_client(struct hbs *s, int fd)
{
	for (uint32_t i = 0; i < HBS_CLIENTS; i++) {
		struct hbs_client *client = &s->clients[i];

		if (client->fd >= 0) {
			continue;
		}
		if (qb_loop_poll_add(s->loop, QB_LOOP_MED, fd, POLLIN, client,
				     on_client) < 0) {
			break;
		}
		*client = (struct hbs_client){
			.s = s,
			.fd = fd,
			.asked_ms = ha_clock_now_ms(),
		};
		return;
	}
	hb_log(HB_LOG_CLIENT, "too many at a time");
	(void)close(fd);
}

static int32_t
on_listen(int32_t fd, int32_t revents, void *data)
{
	struct hbs *s = data;
	struct ha_err err = HA_ERR_INIT;

	(void)revents;
	for (uint32_t i = 0; i < HBS_CLIENTS; i++) {
		int client_fd;
		int rc = ha_ipc_accept(fd, &client_fd, &err);

		if (rc == 0) {
			add_client(s, client_fd);
		} else if (rc == -EACCES) {
			hb_log(HB_LOG_CLIENT, err.text);
		} else {
			break; /* none is left, or no descriptor for it */
		}
	}
	return 0;
}

void
hbs_serve_tick(struct hbs *s)
{
	uint64_t now_ms = ha_clock_now_ms();

	for (uint32_t i = 0; i < HBS_CLIENTS; i++) {
		struct hbs_client *client = &s->clients[i];

		if (client->fd >= 0 && !client->wait &&
		    now_ms >= client->asked_ms + HBS_IDLE_MS) {
			drop(client);
		}
	}
}

int
hbs_serve_open(struct hbs *s, struct ha_err *err)
{
	int rc;

	for (uint32_t i = 0; i < HBS_CLIENTS; i++) {
		s->clients[i] = (struct hbs_client){ .s = s, .fd = -1 };
	}
	s->listen_fd = -1;
	rc = ha_ipc_listen(HA_IPC_PATH, &s->listen_fd, err);
	if (rc < 0) {
		return rc;
	}
	rc = qb_loop_poll_add(s->loop, QB_LOOP_MED, s->listen_fd, POLLIN, s,
			      on_listen);
	return rc < 0 ? ha_err_set(err, rc, "can't listen on %s", HA_IPC_PATH) :
			0;
}

void
hbs_serve_close(struct hbs *s)
{
	for (uint32_t i = 0; i < HBS_CLIENTS; i++) {
		if (s->clients[i].fd >= 0) {
			drop(&s->clients[i]);
		}
	}
	if (s->listen_fd >= 0) {
		(void)qb_loop_poll_del(s->loop, s->listen_fd);
		(void)close(s->listen_fd);
		(void)unlink(HA_IPC_PATH);
		s->listen_fd = -1;
	}
}
