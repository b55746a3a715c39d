#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vmha-alert.sh: an alert agent for Pacemaker (crm configure alert, pcs alert).
# One line for each change of a host, each fencing, each action of a resource
# that failed or did something, and each vmha-* node attribute. The recipient
# says where to: none or "syslog": syslog; NAME@HOST: mail; /PATH: that program,
# as PATH LEVEL SENTENCE. What to do is the catalogue's (vmha --events). It runs
# as hacluster, changes nothing, and never keeps Pacemaker waiting: a tool that
# hangs is given up (LOOK_S, SEND_S; Pacemaker's own limit is 30 s).

PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH
: "${CRM_alert_version:=}" "${CRM_alert_kind:=}" "${CRM_alert_recipient:=}"
: "${CRM_alert_node:=}" "${CRM_alert_desc:=}" "${CRM_alert_task:=}"
: "${CRM_alert_rsc:=}" "${CRM_alert_rc:=}" "${CRM_alert_target_rc:=}"
: "${CRM_alert_attribute_name:=}" "${CRM_alert_attribute_value:=}"
: "${CRM_alert_timestamp:=}"
LOOK_S=5
SEND_S=20

# Prints vSphere's name and what to understand, "NAME|TEXT", of a line of a
# daemon; nothing where the catalogue has none.
catalogue() {
	timeout "$LOOK_S" vmha --events 2>/dev/null | awk -F ' [|] ' \
		-v program="| $1" -v id="\`$2\`" \
		'$1 == program && $2 == id {
			sub(/ [|]$/, "", $5); print $4 "|" $5; exit
		}'
}

# Words of the catalogue's row behind the sentence.
explain() {
	row=$(catalogue "$1" "$2")
	[ -n "$row" ] || return 0
	vsphere=${row%%|*}
	sentence="$sentence: ${row#*|}"
	[ "$vsphere" = - ] || sentence="$sentence ($vsphere)"
}

# The level that the daemons log such a state with (docs/LOGS-FDMD.md).
tell_state() {
	id=state-$2
	case $2 in
	live) level=notice ;;
	partitioned) level=warning ;;
	isolated | dead | agent-unreachable | initialization-error) level=err ;;
	*)
		level=notice
		id=state-other
		;;
	esac
	sentence="$1 is $2"
	explain vmha-fdmd "$id"
}

tell_node() {
	sentence="node $CRM_alert_node is ${CRM_alert_desc:-changed}"
	level=notice
	[ "$CRM_alert_desc" = member ] || level=warning
}

tell_fencing() {
	sentence="fencing: ${CRM_alert_desc:-$CRM_alert_task of $CRM_alert_node}"
	level=warning
	if [ "${CRM_alert_rc:-0}" != 0 ]; then
		level=err
		explain vmha-heartbeatd not-fenced
	fi
}

tell_resource() {
	sentence="$CRM_alert_task of $CRM_alert_rsc on $CRM_alert_node:"
	sentence="$sentence ${CRM_alert_desc:-result $CRM_alert_rc}"
	level=notice
	if [ "$CRM_alert_rc" != "$CRM_alert_target_rc" ]; then
		level=err
	elif [ "$CRM_alert_task" = monitor ]; then
		sentence= # as it should be, each time anew
	fi
}

tell_attribute() {
	name=$CRM_alert_attribute_name
	value=$CRM_alert_attribute_value
	level=notice
	# vmha-host-state is told anew whenever that of another node changes;
	# each change of a host that was in trouble stands in the other one.
	case $name:$value in
	vmha-host-state:* | vmha-host-state-*:) ;;
	# A figure that follows the load; the warning is the event degradation.
	vmha-use:*) ;;
	vmha-host-state-*) tell_state "${name#vmha-host-state-}" "$value" ;;
	vmha-*) sentence="$CRM_alert_node: $name is ${value:-empty}" ;;
	esac
}

to_syslog() {
	timeout "$SEND_S" logger -t vmha-alert -p "daemon.$level" -- \
		"[$level] $sentence"
}

send() {
	case $CRM_alert_recipient in
	'' | syslog)
		to_syslog
		;;
	/*)
		timeout "$SEND_S" "$CRM_alert_recipient" "$level" "$sentence"
		;;
	*@*)
		printf '%s\n\n%s\n' "$sentence" "$CRM_alert_timestamp" |
			timeout "$SEND_S" mail -s "vmha: $level: $short" \
				"$CRM_alert_recipient"
		;;
	*)
		sentence="recipient $CRM_alert_recipient is no \"syslog\", no \
NAME@HOST and no /PATH: $sentence"
		level=err
		to_syslog
		;;
	esac
}

if [ -z "$CRM_alert_version" ]; then
	echo "vmha-alert.sh: Pacemaker runs it, from 1.1.15 on" >&2
	exit 0
fi
sentence=
level=info
case $CRM_alert_kind in
node) tell_node ;;
fencing) tell_fencing ;;
resource) tell_resource ;;
attribute) tell_attribute ;;
esac
[ -n "$sentence" ] || exit 0
short=${sentence%%: *}
if ! send; then
	sentence="could not be sent to $CRM_alert_recipient: $sentence"
	to_syslog
fi
exit 0
