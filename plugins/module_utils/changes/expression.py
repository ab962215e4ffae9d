# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The JMESPath condition of a rule. The package is imported only when a rule has one."""

from __future__ import annotations

from ansible_collections.stagecraft.release.plugins.module_utils.errors import InputError, StagecraftError


class Expression:
    """A compiled JMESPath expression over one change.

    :param text: the expression.
    :param field: the key path, for messages.
    """

    def __init__(self, text, field):
        jmespath = _library(field)
        try:
            self._compiled = jmespath.compile(str(text))
        except jmespath.exceptions.JMESPathError as exc:
            raise InputError(field, str(text), "is not a JMESPath expression (%s)" % _one_line(exc),
                             "Write one over the keys resource, type, agent, action, attributes") from exc
        self._error = jmespath.exceptions.JMESPathError
        known = jmespath.functions.Functions.FUNCTION_TABLE
        unknown = sorted(set(_functions(self._compiled.parsed)) - set(known))
        if unknown:
            raise InputError(field, str(text), "calls %s, which JMESPath does not have" % ", ".join(unknown),
                             "JMESPath has the functions %s" % ", ".join(sorted(known)))

    def holds(self, change):
        """``(whether it is true of the change, what went wrong or None)``.

        :param change: one normalised change.
        """
        try:
            value = self._compiled.search(change)
        except (self._error, TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as exc:
            return False, "its match failed: %s" % _one_line(exc)
        # False in JMESPath are these only; 0 is true.
        return not (value is None or value is False or value in ("", [], {})), None


def _library(field):
    try:
        import jmespath
        import jmespath.functions
    except ImportError as exc:
        raise StagecraftError("%s needs the Python package jmespath, which the controller does not have. Install it "
                              "there, or write the rule without match." % field) from exc
    return jmespath


def _functions(node):
    """Names of all functions that a parsed expression calls."""
    if node.get("type") == "function_expression":
        yield node["value"]
    for child in node.get("children", ()):
        if isinstance(child, dict):
            yield from _functions(child)


def _one_line(exc):
    return " ".join(str(exc).split())[:300]
