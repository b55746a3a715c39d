/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The XML handed to libvirt at a start: the user's own, with additions that
 * live only as long as the process does: our QMP socket (and one for events,
 * where the caller wants it), our tag in the metadata, and a uuid where the
 * user's XML has none but a definition on this host does. The user may have
 * saved a running machine's XML, so additions of an earlier start are taken out
 * first (QEMU refuses a chardev id twice).
 * No network, no entities; a DOCTYPE was refused by ha_domain_parse() before.
 */
#include <errno.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "ha/cleanup.h"
#include "ha/domain.h"
#include "hv.h"

#define QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"
#define QEMU_PREFIX "qemu"
#define TAG_PREFIX "vmha"
#define TAG_ELEMENT "resource"
#define TAG_ATTRIBUTE "name"

#define ON_POWEROFF "on_poweroff"
#define POWEROFF_ENDS "destroy"

#define CHARDEV_END ",server=on,wait=off"
#define MON_VALUE_BYTES 64

/* ids of the sockets that are ours; the first is known to qemuargs.c */
#define ID_QMP "vmha-qmp"
#define ID_EVENTS "vmha-events"
static const char *const IDS[] = { ID_QMP, ID_EVENTS };

/* sun_path includes the NUL for QEMU. A comma in it is doubled. */
#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)
#define CHARDEV_SIZE                                                     \
	(sizeof("socket,id=" ID_EVENTS ",path=") + sizeof(CHARDEV_END) + \
	 2 * SOCKET_PATH_MAX)

static const xmlChar *
X(const char *s)
{
	return (const xmlChar *)s;
}

static bool
node_is(const xmlNode *node, const char *name, const char *href)
{
	const char *ns = node->ns ? (const char *)node->ns->href : NULL;

	if (node->type != XML_ELEMENT_NODE ||
	    strcmp((const char *)node->name, name) != 0) {
		return false;
	}
	return href ? ns && strcmp(ns, href) == 0 : !ns;
}

static xmlNodePtr
child_find(const xmlNode *parent, const char *name, const char *href)
{
	for (xmlNodePtr n = parent->children; n; n = n->next) {
		if (node_is(n, name, href)) {
			return n;
		}
	}
	return NULL;
}

static void
node_drop(xmlNodePtr node)
{
	xmlUnlinkNode(node);
	xmlFreeNode(node);
}

static xmlNodePtr
arg_next(xmlNodePtr n)
{
	while (n && !node_is(n, "arg", QEMU_NAMESPACE)) {
		n = n->next;
	}
	return n;
}

static bool
arg_starts(xmlNodePtr arg, const char *start)
{
	xmlChar *value = xmlGetNoNsProp(arg, X("value"));
	bool is = value &&
		  strncmp((const char *)value, start, strlen(start)) == 0;

	xmlFree(value);
	return is;
}

/* Did an earlier start of ours add this pair? */
static bool
is_ours(xmlNodePtr option, xmlNodePtr value)
{
	char start[MON_VALUE_BYTES];

	for (size_t i = 0; i < sizeof(IDS) / sizeof(IDS[0]); i++) {
		snprintf(start, sizeof(start), "socket,id=%s,", IDS[i]);
		if (arg_starts(option, "-chardev") &&
		    arg_starts(value, start)) {
			return true;
		}
		snprintf(start, sizeof(start), "chardev=%s,", IDS[i]);
		if (arg_starts(option, "-mon") && arg_starts(value, start)) {
			return true;
		}
	}
	return false;
}

/* An option and its value are two <arg>, so pairs are dropped. */
static void
commandline_clean(xmlNodePtr commandline)
{
	xmlNodePtr arg = arg_next(commandline->children);

	while (arg) {
		xmlNodePtr value = arg_next(arg->next);
		xmlNodePtr after;

		if (!value) {
			return;
		}
		after = arg_next(value->next);
		if (is_ours(arg, value)) {
			node_drop(arg);
			node_drop(value);
			arg = after;
		} else {
			arg = value;
		}
	}
}

static bool
arg_add(xmlNodePtr commandline, xmlNsPtr ns, const char *value)
{
	xmlNodePtr arg = xmlNewChild(commandline, ns, X("arg"), NULL);

	return arg && xmlNewProp(arg, X("value"), X(value));
}

static void
chardev_format(const char *id, const char *path, char ret_value[CHARDEV_SIZE])
{
	char *out = stpcpy(ret_value, "socket,id=");

	out = stpcpy(stpcpy(out, id), ",path=");

	for (; *path; path++) {
		if (*path == ',') {
			*out++ = ',';
		}
		*out++ = *path;
	}
	memcpy(out, CHARDEV_END, sizeof(CHARDEV_END));
}

static int
add_socket(xmlNodePtr commandline, xmlNsPtr ns, const char *id,
	   const char *path, struct ha_err *err)
{
	char chardev[CHARDEV_SIZE];
	char mon[MON_VALUE_BYTES];

	if (path[0] != '/' || strlen(path) > SOCKET_PATH_MAX) {
		return ha_err_set(err, -ENAMETOOLONG,
				  "QMP socket %.200s: must be an absolute path "
				  "of at most %zu bytes",
				  path, SOCKET_PATH_MAX);
	}
	chardev_format(id, path, chardev);
	snprintf(mon, sizeof(mon), "chardev=%s,mode=control", id);
	return arg_add(commandline, ns, "-chardev") &&
			       arg_add(commandline, ns, chardev) &&
			       arg_add(commandline, ns, "-mon") &&
			       arg_add(commandline, ns, mon) ?
		       0 :
		       ha_err_set(err, -ENOMEM, "domain XML: out of memory");
}

static int
add_sockets(xmlDocPtr doc, xmlNodePtr root, const struct ha_hv_start *spec,
	    struct ha_err *err)
{
	xmlNsPtr ns = xmlSearchNsByHref(doc, root, X(QEMU_NAMESPACE));
	xmlNodePtr commandline;
	int rc;

	if (!ns) {
		ns = xmlNewNs(root, X(QEMU_NAMESPACE), X(QEMU_PREFIX));
	}
	if (!ns) {
		return ha_err_set(
			err, -EINVAL,
			"domain XML: the prefix " QEMU_PREFIX
			" stands for something else than " QEMU_NAMESPACE
			"; rename it");
	}
	commandline = child_find(root, "commandline", QEMU_NAMESPACE);
	if (commandline) {
		commandline_clean(commandline);
	} else {
		commandline = xmlNewChild(root, ns, X("commandline"), NULL);
	}
	if (!commandline) {
		return ha_err_set(err, -ENOMEM, "domain XML: out of memory");
	}
	rc = add_socket(commandline, ns, ID_QMP, spec->qmp_path, err);
	return rc < 0 || !spec->events_path ?
		       rc :
		       add_socket(commandline, ns, ID_EVENTS, spec->events_path,
				  err);
}

/* on_poweroff=restart would have libvirt itself bring the guest back. */
static int
end_at_poweroff(xmlNodePtr root, struct ha_err *err)
{
	xmlNodePtr old = child_find(root, ON_POWEROFF, NULL);

	if (old) {
		node_drop(old);
	}
	return xmlNewTextChild(root, NULL, X(ON_POWEROFF), X(POWEROFF_ENDS)) ?
		       0 :
		       ha_err_set(err, -ENOMEM, "domain XML: out of memory");
}

/* libvirt keeps one element of each namespace in <metadata>. */
static int
add_tag(xmlNodePtr root, const char *resource, struct ha_err *err)
{
	xmlNodePtr metadata = child_find(root, "metadata", NULL);
	xmlNodePtr next;
	xmlNodePtr tag;
	xmlNsPtr ns;

	if (!metadata) {
		metadata = xmlNewChild(root, NULL, X("metadata"), NULL);
	}
	for (xmlNodePtr n = metadata ? metadata->children : NULL; n; n = next) {
		next = n->next;
		if (n->type == XML_ELEMENT_NODE && n->ns &&
		    strcmp((const char *)n->ns->href, HV_NAMESPACE) == 0) {
			node_drop(n);
		}
	}
	tag = metadata ? xmlNewChild(metadata, NULL, X(TAG_ELEMENT), NULL) :
			 NULL;
	ns = tag ? xmlNewNs(tag, X(HV_NAMESPACE), X(TAG_PREFIX)) : NULL;
	if (!ns || !xmlNewProp(tag, X(TAG_ATTRIBUTE), X(resource))) {
		return ha_err_set(err, -ENOMEM, "domain XML: out of memory");
	}
	xmlSetNs(tag, ns);
	return 0;
}

static int
add_uuid(xmlNodePtr root, const char *uuid, struct ha_err *err)
{
	if (ha_text_is_empty(uuid) || child_find(root, "uuid", NULL)) {
		return 0;
	}
	return xmlNewTextChild(root, NULL, X("uuid"), X(uuid)) ?
		       0 :
		       ha_err_set(err, -ENOMEM, "domain XML: out of memory");
}

static int
dump(xmlDocPtr doc, char **ret_xml, struct ha_err *err)
{
	xmlChar *text = NULL;
	int len = 0;

	xmlDocDumpMemoryEnc(doc, &text, &len, "UTF-8");
	*ret_xml = text ? strndup((const char *)text, (size_t)len) : NULL;
	xmlFree(text);
	return *ret_xml ? 0 :
			  ha_err_set(err, -ENOMEM, "domain XML: out of memory");
}

int
hv_xml_for_start(const struct ha_hv_start *spec, const char *uuid,
		 char **ret_xml, struct ha_err *err)
{
	xmlDocPtr doc = xmlReadMemory(
		spec->xml, (int)strlen(spec->xml), "domain.xml", NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	xmlNodePtr root = doc ? xmlDocGetRootElement(doc) : NULL;
	char *xml = NULL;
	int rc;

	if (!root || doc->intSubset || !node_is(root, "domain", NULL)) {
		xmlFreeDoc(doc);
		return ha_err_set(err, -EINVAL,
				  "domain XML: not a well-formed <domain> "
				  "without DOCTYPE; try virt-xml-validate");
	}
	rc = add_uuid(root, uuid, err);
	if (rc == 0) {
		rc = add_tag(root, spec->resource, err);
	}
	if (rc == 0) {
		rc = add_sockets(doc, root, spec, err);
	}
	if (rc == 0 && spec->events_path) {
		rc = end_at_poweroff(root, err);
	}
	if (rc == 0) {
		rc = dump(doc, &xml, err);
	}
	xmlFreeDoc(doc);
	if (rc == 0) {
		*ret_xml = xml;
	}
	return rc;
}

void
hv_xml_tag(const char *element, char *ret_resource, size_t size)
{
	xmlDocPtr doc = xmlReadMemory(
		element, (int)strlen(element), "tag.xml", NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	xmlNodePtr root = doc ? xmlDocGetRootElement(doc) : NULL;
	xmlChar *name = NULL;

	ret_resource[0] = '\0';
	/* virDomainGetMetadata() strips our namespace from the element. */
	if (root && strcmp((const char *)root->name, TAG_ELEMENT) == 0) {
		name = xmlGetNoNsProp(root, X(TAG_ATTRIBUTE));
	}
	if (name) {
		(void)ha_text_copy(ret_resource, size, (const char *)name);
	}
	xmlFree(name);
	xmlFreeDoc(doc);
}
