/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of faultfs: a thread of its own that takes lines and
 * hands them to the rules. See rules_command() for the lines.
 */
#ifndef FAULTS_CONTROL_H
#define FAULTS_CONTROL_H

/* Negative errno; stderr has the sentence. */
int control_start(const char *path);

#endif
