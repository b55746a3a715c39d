# SPDX-License-Identifier: GPL-2.0-or-later
# The lines of `vmha-fdmd --log-lines` as C, for the catalogue of events: the
# tool may not read an agent's source, but the daemon tells its own lines.
BEGIN {
	print "/* Made from vmha-fdmd --log-lines; do not edit. */"
	print "#include \"events.h\""
	print "const struct event_line FDM_LINES[] = {"
}
/^### / { id = $2; level = ""; next }
id && level == "" && /^[a-z]+: / { level = substr($1, 1, length($1) - 1); next }
id && level != "" && NF {
	gsub(/\\/, "\\\\")
	gsub(/"/, "\\\"")
	printf "\t{ \"%s\", \"%s\", \"%s\" },\n", id, level, $0
	id = ""
}
END { print "\t{ NULL, NULL, NULL }\n};" }
