/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket of vmha-fdmd: clients, requests, answers; as the heartbeat
 * daemon's. One request of a client at a time; one that does not read its
 * answer is dropped.
 */
#include <errno.h>
#include <glib-unix.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"

#define SENTENCE_BYTES 1024
#define NO_FD (-1)

struct client {
	struct fdm *fdm;
	int fd;
	GSource *source;
	bool is_owed; /* an answer comes later */
	uint64_t asked_ms;
};

struct fdm_server {
	int fd;
	GSource *source;
	struct client clients[FDM_CLIENTS];
};

static json_t *
op_ping(struct fdm *fdm, uint32_t client, const json_t *request)
{
	json_t *answer = ha_ipc_ok();

	(void)client;
	(void)request;
	if (answer) {
		(void)json_object_set_new(
			answer, "promoted",
			json_boolean(fdm->election.is_promoted));
	}
	return answer;
}

static const struct {
	const char *name;
	json_t *(*run)(struct fdm *fdm, uint32_t client, const json_t *request);
} OPS[] = {
	{ "ping", op_ping },
	{ "promote", fdm_op_promote },
	{ "demote", fdm_op_demote },
	{ "status", fdm_op_status },
	{ "vm", fdm_op_vm },
	{ "may-hold", fdm_op_may_hold },
	{ "hold-back", fdm_op_hold_back },
	{ "hold", fdm_op_hold },
	{ "ended", fdm_op_ended },
	{ "power-on", fdm_op_power_on },
};

json_t *
fdm_failed(int code, const char *format, ...)
{
	char text[SENTENCE_BYTES];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return ha_ipc_failed(code, text);
}

static void
drop(struct client *client)
{
	struct fdm *fdm = client->fdm;

	if (client->is_owed) {
		client->is_owed = false;
		fdm_hold_cancel(fdm, (uint32_t)(client - fdm->server->clients));
		fdm_waits_cancel(fdm,
				 (uint32_t)(client - fdm->server->clients));
	}
	g_source_destroy(client->source);
	g_source_unref(client->source);
	(void)close(client->fd);
	client->fd = NO_FD;
}

static void
reply(struct client *client, json_t *answer)
{
	bool is_told = answer && ha_ipc_reply(client->fd, answer) == 0;

	json_decref(answer);
	if (!is_told) {
		drop(client);
	}
}

void
fdm_server_answer(struct fdm *fdm, uint32_t client, json_t *answer)
{
	fdm->server->clients[client].is_owed = false;
	reply(&fdm->server->clients[client], answer);
}

static void
run(struct client *client, const json_t *request)
{
	const char *op = json_string_value(json_object_get(request, "op"));
	uint32_t index = (uint32_t)(client - client->fdm->server->clients);
	json_t *answer;

	if (client->is_owed) {
		reply(client, fdm_failed(-EBUSY, "the last request of this "
						 "client is not answered yet"));
		return;
	}
	for (size_t i = 0; op && i < G_N_ELEMENTS(OPS); i++) {
		if (strcmp(OPS[i].name, op) != 0) {
			continue;
		}
		client->is_owed = true;
		answer = OPS[i].run(client->fdm, index, request);
		if (answer) {
			client->is_owed = false;
			reply(client, answer);
		}
		return;
	}
	reply(client,
	      fdm_failed(-ENOSYS,
			 "this version of the fault domain manager (%s) does "
			 "not know the request \"%s\"",
			 VMHA_VERSION, op ? op : ""));
}

static gboolean
on_client(gint fd, GIOCondition condition, gpointer data)
{
	struct client *client = data;
	struct ha_err err = HA_ERR_INIT;
	json_t *request = NULL;
	int rc = ha_ipc_receive(fd, &request, &err);

	(void)condition;
	if (rc == -EAGAIN) {
		return G_SOURCE_CONTINUE;
	}
	if (rc == -EPROTO) {
		reply(client, fdm_failed(rc, "%s", err.text));
	} else if (rc != 0) {
		drop(client);
	} else {
		client->asked_ms = ha_clock_now_ms();
		run(client, request);
		json_decref(request);
	}
	return G_SOURCE_CONTINUE;
}

static GSource *
watch(struct fdm *fdm, int fd, GUnixFDSourceFunc func, gpointer data)
{
	GSource *source =
		g_unix_fd_source_new(fd, G_IO_IN | G_IO_HUP | G_IO_ERR);

	g_source_set_callback(source, G_SOURCE_FUNC(func), data, NULL);
	(void)g_source_attach(source, fdm->context);
	return source;
}

/* Takes the connection over. */
static void
add_client(struct fdm *fdm, int fd)
{
	for (uint32_t i = 0; i < FDM_CLIENTS; i++) {
		struct client *client = &fdm->server->clients[i];

		if (client->fd == NO_FD) {
			*client = (struct client){
				.fdm = fdm,
				.fd = fd,
				.asked_ms = ha_clock_now_ms(),
			};
			client->source = watch(fdm, fd, on_client, client);
			return;
		}
	}
	fdm_log(FDM_LOG_CLIENT, "too many at a time");
	(void)close(fd);
}

static gboolean
on_listen(gint fd, GIOCondition condition, gpointer data)
{
	struct ha_err err = HA_ERR_INIT;

	(void)condition;
	for (uint32_t i = 0; i < FDM_CLIENTS; i++) {
		int client_fd;
		int rc = ha_ipc_accept(fd, &client_fd, &err);

		if (rc == 0) {
			add_client(data, client_fd);
		} else if (rc == -EACCES) {
			fdm_log(FDM_LOG_CLIENT, err.text);
		} else {
			break; /* none is left */
		}
	}
	return G_SOURCE_CONTINUE;
}

void
fdm_server_tick(struct fdm *fdm, uint64_t now_ms)
{
	for (uint32_t i = 0; i < FDM_CLIENTS; i++) {
		struct client *client = &fdm->server->clients[i];

		if (client->fd != NO_FD && !client->is_owed &&
		    now_ms >= client->asked_ms + FDM_IDLE_MS) {
			drop(client);
		}
	}
}

int
fdm_server_open(struct fdm *fdm, struct ha_err *err)
{
	struct fdm_server *server = g_new0(struct fdm_server, 1);
	int rc = ha_ipc_listen(HA_IPC_FDM_PATH, &server->fd, err);

	if (rc < 0) {
		g_free(server);
		return rc;
	}
	for (uint32_t i = 0; i < FDM_CLIENTS; i++) {
		server->clients[i].fd = NO_FD;
	}
	fdm->server = server;
	server->source = watch(fdm, server->fd, on_listen, fdm);
	return 0;
}

void
fdm_server_close(struct fdm *fdm)
{
	struct fdm_server *server = fdm->server;

	if (!server) {
		return;
	}
	for (uint32_t i = 0; i < FDM_CLIENTS; i++) {
		if (server->clients[i].fd != NO_FD) {
			drop(&server->clients[i]);
		}
	}
	g_source_destroy(server->source);
	g_source_unref(server->source);
	(void)close(server->fd);
	(void)unlink(HA_IPC_FDM_PATH);
	g_free(server);
	fdm->server = NULL;
}
