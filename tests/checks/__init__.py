# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``make`` runs: set-up, lint, sanity, package and tests. Standard library only.

``python3 -m tests.checks COMMAND`` from the root of a clone; ``--help`` lists the commands.
"""
