#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds the build against the layer table (layers.ini).

A layer rule that nothing checks leaks, so this looks at what the compiler
and the linker made of the sources: symbols that an archive leaves undefined,
the shared libraries that a program asks for, and the headers that a source
includes. It decides by the table alone and prints one line per violation.
Called by `make lint-layers`: layers.py BUILD PROGRAM...
Exit status: 0 clean, 1 violations, 2 it could not look.
"""
import configparser
import fnmatch
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL_TIMEOUT_S = 60
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def run(*argv):
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL, timeout=TOOL_TIMEOUT_S)
    return done.stdout.splitlines()


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, p) for p in patterns)


def symbols(archive):
    """The symbols that an archive defines, and those it wants."""
    defined, wanted = set(), {}
    member = "?"
    for line in run("nm", "-g", "--", archive):
        if line.endswith(":"):
            member = line[:-1]
            continue
        words = line.split()
        if len(words) == 2 and words[0] == "U":
            wanted.setdefault(words[1], member)
        elif len(words) == 3:
            defined.add(words[2])
    return defined, {s: m for s, m in wanted.items() if s not in defined}


class Layers:
    def __init__(self, build):
        table = configparser.ConfigParser(delimiters=("=",))
        with open(os.path.join(HERE, "layers.ini"), encoding="ascii") as f:
            table.read_file(f)
        self.table = table
        self.names = [s.split(None, 1)[1] for s in table.sections()
                      if s.startswith("layer ")]
        self.defined, self.wanted = {}, {}
        self.found = 0
        for name in self.names:
            self.load(name, os.path.join(build, "libha"))

    def say(self, text):
        print(f"lint-layers: {text}")
        self.found += 1

    def words(self, section, key):
        return self.table.get(section, key).split()

    def load(self, name, folder):
        self.defined[name], self.wanted[name] = set(), []
        patterns = self.words(f"layer {name}", "archives")
        archives = [f for f in sorted(os.listdir(folder))
                    if matches(f, patterns)]
        if not archives:
            raise FileNotFoundError(f"no archive {patterns} in {folder}")
        for archive in archives:
            defined, wanted = symbols(os.path.join(folder, archive))
            self.defined[name] |= defined
            self.wanted[name].append((archive, wanted))

    def allowed(self, name):
        ret = []
        for word in self.words(f"layer {name}", "symbols"):
            ret += self.table.get("groups", word, fallback=word).split()
        return ret

    def check_symbols(self):
        for name in self.names:
            allow = self.allowed(name)
            uses = self.words(f"layer {name}", "uses")
            inside = set().union(*(self.defined[u] for u in uses))
            for archive, wanted in self.wanted[name]:
                for symbol, member in sorted(wanted.items()):
                    self.check_symbol(name, archive, member, symbol, allow,
                                      inside)

    def check_symbol(self, name, archive, member, symbol, allow, inside):
        if symbol in inside or symbol in self.defined[name]:
            return
        owner = next((o for o in self.names if symbol in self.defined[o]),
                     None)
        if owner:
            self.say(f"{archive}({member}): {name} uses {symbol}() of "
                     f"{owner}: move one of them")
        elif not matches(symbol, allow):
            self.say(f"{archive}({member}): {name} may not use {symbol}()")

    def check_includes(self):
        for name in self.names:
            section = f"layer {name}"
            system = self.words(section, "system")
            never = self.words(section, "never")
            for folder in self.words(section, "sources"):
                for path in sources(folder):
                    for line, kind, header in includes(path):
                        if kind == "<" and system and header not in system:
                            self.say(f"{path}:{line}: {name} may not include "
                                     f"<{header}>")
                        if kind == '"' and matches(header, never):
                            self.say(f"{path}:{line}: {name} may not include "
                                     f'"{header}"')

    def check_folders(self):
        """Agents never include each other, nothing includes tests."""
        agents = [d for d in sorted(os.listdir("agents"))
                  if os.path.isdir(f"agents/{d}") and d != "runtime"]
        for top in ("libha", "agents", "fencing", "tools"):
            for path in sources(top):
                for line, kind, header in includes(path):
                    if kind == "<":
                        continue
                    self.check_folder(path, line, header, agents)

    def check_folder(self, path, line, header, agents):
        target = os.path.normpath(os.path.join(os.path.dirname(path), header))
        for spot in (header, target, os.path.join("agents", header)):
            parts = spot.split("/")
            if "tests" in parts[:-1]:
                self.say(f"{path}:{line}: includes tests: {header}")
                return
            if len(parts) < 3 or parts[0] != "agents":
                continue
            other = parts[1]
            if other in agents and not path.startswith(f"agents/{other}/"):
                self.say(f"{path}:{line}: includes the agent {other}")
                return

    def check_needed(self, build, programs):
        for program in programs:
            rel = os.path.relpath(program, build)
            section = next(
                (s for s in reversed(self.table.sections())
                 if s.startswith("needed ")
                 and fnmatch.fnmatchcase(rel, s.split(None, 1)[1])), None)
            if section is None:
                self.say(f"{rel}: no [needed] section in layers.ini lists "
                         "what it may link")
                continue
            allow = self.words(section, "allow")
            for line in run("readelf", "-dW", "--", program):
                hit = re.search(r"\(NEEDED\).*\[(.+)\]", line)
                if hit and not matches(hit.group(1), allow):
                    self.say(f"{rel}: may not link {hit.group(1)}")


def sources(top):
    for folder, _, files in sorted(os.walk(top)):
        for name in sorted(files):
            if name.endswith((".c", ".h")):
                yield os.path.join(folder, name)


def includes(path):
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            hit = INCLUDE.match(line)
            if hit:
                yield number, hit.group(1), hit.group(2)


def is_elf(path):
    with open(path, "rb") as f:
        return f.read(4) == b"\x7fELF"


def main(argv):
    build, programs = argv[1], argv[2:]
    try:
        layers = Layers(build)
        layers.check_symbols()
        layers.check_includes()
        layers.check_folders()
        layers.check_needed(build, [p for p in programs if is_elf(p)])
    except (OSError, subprocess.SubprocessError) as problem:
        print(f"lint-layers: could not look: {problem}", file=sys.stderr)
        return 2
    return 1 if layers.found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
