/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The term of a VM's ticket (SAFETY 19), read from the local copy of Pacemaker's
 * CIB. Only where the fault domain manager of this host, who tells it to the
 * heartbeat daemon, does not run. What can't be read is no term: it must never
 * open the gate.
 */
#include <errno.h>
#include <expat.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "VirtualMachine/vm.h"
#include "ha/worker.h"

#define TICKET_PREFIX "vmha-"
#define TERM_NAME "vmha-term"
#define XPATH_BYTES 512
#define XPATH_ROOM 256 /* of its name */
#define ANSWER_BYTES 65536
#define EXIT_NO_PROGRAM 127

struct ticket {
	char id[XPATH_ROOM];
	uint64_t term;
	unsigned int count;
};

/* In a child: cibadmin writes to its pipe. Ends with it. */
static int
query(void *arg, int fd)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup2(fd, STDOUT_FILENO) == STDOUT_FILENO) {
			execlp("cibadmin", "cibadmin", "--query", "--local",
			       "--xpath", (const char *)arg, (char *)NULL);
		}
		_exit(EXIT_NO_PROGRAM);
	}
	if (pid < 0) {
		return -errno;
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			return -errno;
		}
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_PROGRAM) {
		return -ENOENT;
	}
	return status == 0 ? 0 : -EIO;
}

static void
on_element(void *data, const char *name, const char **attributes)
{
	struct ticket *ticket = data;
	const char *id = "";
	const char *term = "";
	char *end;

	for (; *attributes; attributes += 2) {
		if (strcmp(attributes[0], "id") == 0) {
			id = attributes[1];
		} else if (strcmp(attributes[0], TERM_NAME) == 0) {
			term = attributes[1];
		}
	}
	if (strcmp(name, "ticket_state") != 0 || strcmp(id, ticket->id) != 0 ||
	    term[0] < '0' || term[0] > '9') {
		return;
	}
	errno = 0;
	ticket->term = strtoull(term, &end, 10);
	if (errno == 0 && *end == '\0') {
		ticket->count++;
	}
}

/* Exactly one ticket with a term, in a text that is whole. */
static int
parse(const char *text, size_t len, struct ticket *ticket)
{
	XML_Parser parser = XML_ParserCreate(NULL);
	bool is_whole;

	if (!parser) {
		return -ENOMEM;
	}
	XML_SetUserData(parser, ticket);
	XML_SetStartElementHandler(parser, on_element);
	is_whole = XML_Parse(parser, text, (int)len, 1) == XML_STATUS_OK;
	XML_ParserFree(parser);
	return is_whole && ticket->count == 1 && ticket->term > 0 ? 0 : -ENOENT;
}

int
vm_ticket_term(const struct vm *vm, uint64_t deadline_ms, uint64_t *ret_term,
	       struct ha_err *err)
{
	char xpath[XPATH_BYTES];
	struct ticket ticket = { .term = 0 };
	char *text = NULL;
	size_t len = 0;
	int rc;

	if (snprintf(ticket.id, sizeof(ticket.id), TICKET_PREFIX "%s",
		     vm->resource) >= XPATH_ROOM ||
	    strchr(vm->resource, '\'')) {
		return ha_err_set(err, -EINVAL,
				  "can't ask for the ticket of %s: the name is "
				  "too long, or has a quote in it",
				  vm->resource);
	}
	snprintf(xpath, sizeof(xpath), "//ticket_state[@id='%s']", ticket.id);
	rc = ha_worker_run(query, xpath, ANSWER_BYTES, deadline_ms, &text,
			   &len);
	if (rc == 0) {
		rc = parse(text, len, &ticket);
	}
	free(text);
	if (rc < 0) {
		return ha_err_set(err, rc,
				  "can't read the term of the ticket %s from "
				  "Pacemaker's CIB (cibadmin): %s",
				  ticket.id, strerror(-rc));
	}
	*ret_term = ticket.term;
	return 0;
}
