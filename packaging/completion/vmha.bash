# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# bash completion for vmha. _vmha_options, _vmha_operands and _vmha_values are
# printed by "vmha --completion" when the package is built: commands and
# options stand in one table, the program's.

# Hosts as the heartbeat datastores know them; silent where that fails.
_vmha_hosts() {
	timeout 2 vmha heartbeat list --json 2>/dev/null |
		sed -n 's/.*"host": "\([^"]\+\)".*/\1/p' | sort -u
}

# VMs as the hosts' lists know them.
_vmha_vms() {
	timeout 2 vmha status --json 2>/dev/null |
		sed -n 's/.*"resource": "\([^"]\+\)".*/\1/p' | sort -u
}

# Resources as Pacemaker knows them.
_vmha_resources() {
	timeout 2 crm_resource --list-raw 2>/dev/null | sort -u
}

# The words that may stand there, as replies.
_vmha_offer() {
	local cur=$1 word
	local -a words=()
	shift
	for word; do
		case $word in
		@path)
			compopt -o filenames 2>/dev/null
			mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY \
				< <(compgen -f -- "$cur")
			;;
		@host) mapfile -t -O "${#words[@]}" words < <(_vmha_hosts) ;;
		@resource) mapfile -t -O "${#words[@]}" words < <(_vmha_resources) ;;
		@vm) mapfile -t -O "${#words[@]}" words < <(_vmha_vms) ;;
		*) words+=("$word") ;;
		esac
	done
	mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY \
		< <(compgen -W "${words[*]}" -- "$cur" | sort -u)
}

_vmha() {
	local cur=${COMP_WORDS[COMP_CWORD]} command='' option=''
	local -a choice=()
	local i name
	COMPREPLY=()
	# bash breaks words at "=".
	if [[ $cur == = ]]; then
		cur=
		option=${COMP_WORDS[COMP_CWORD - 1]}
	elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == = ]]; then
		option=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	for ((i = 1; i < COMP_CWORD && i < 3; i++)); do
		name=${command:+$command }${COMP_WORDS[i]}
		if [[ -v _vmha_options[$name] || $name == heartbeat ||
			$name == vm || $name == host ||
			$name == admission || $name == what-if ||
			$name == plan ]]; then
			command=$name
		fi
	done
	if [[ -n $option ]]; then
		read -r -a choice <<<"${_vmha_values[$option]:-}"
		_vmha_offer "$cur" "${choice[@]}"
	elif [[ ! -v _vmha_options[${command:-none}] ]]; then
		for name in "${!_vmha_options[@]}"; do
			if [[ -z $command ]]; then
				choice+=("${name%% *}")
			elif [[ $name == "$command "* ]]; then
				choice+=("${name#"$command "}")
			fi
		done
		_vmha_offer "$cur" "${choice[@]}" --help
	elif [[ $cur == -* ]]; then
		read -r -a choice <<<"${_vmha_options[$command]}"
		_vmha_offer "$cur" "${choice[@]}"
		if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
			compopt -o nospace 2>/dev/null
		fi
	else
		read -r -a choice <<<"${_vmha_operands[$command]}"
		_vmha_offer "$cur" "${choice[@]}"
	fi
}
complete -F _vmha vmha
