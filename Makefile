# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every target sets up what it needs below .cache by itself; git, make and one Python of 3.11 or newer are enough.

PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
COMMANDS = test test-all lint sanity package units demo bench changelog clean

.PHONY: help $(COMMANDS)
.DEFAULT_GOAL := help

help:
	@echo 'make COMMAND, one of:'
	@sed -n 's/^    "\([a-z-]*\)": ("\([^"]*\)".*/  \1\t\2/p' tests/checks/__main__.py | expand -t 14

$(COMMANDS):
	$(if $(PYTHON),,$(error No Python of 3.11 or newer was found: install one, or name it: make $@ PYTHON=/path/to/python3))
	@$(PYTHON) -m tests.checks $@
