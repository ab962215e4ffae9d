# Copyright: Contributors to the stagecraft.release project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a file of vectors and prints how they compare. Nothing but Python is needed: importing this lets the collection be imported from this clone."""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections import Counter

import own_import

own_import.install()


def instant(text: str) -> int:
    """The instant of a text such as 2014-02-11T10:00:00Z."""
    return int(datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc).timestamp())


def load(path: str) -> list[dict]:
    """The vectors of a file, one JSON object a line."""
    vectors = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    vector = json.loads(line)
                    missing = [key for key in ("id", "family", "input", "expected") if key not in vector]
                except (ValueError, TypeError) as exc:
                    raise SystemExit("%s line %d: %s. Write one JSON object a line." % (path, number, exc)) from exc
                if missing:
                    raise SystemExit("%s line %d: no %s. Write vectors in the format of the file's README." % (path, number, ", ".join(missing)))
                vectors.append(vector)
    return vectors


def run(description: str, left_out: str, etch, ours) -> int:
    """Compare the vectors of the file that the command line names.

    :param left_out: first letters of the families that are not compared.
    :param etch: function of a vector: what the compatibility rules say, and what the vector expects, both as dicts.
    :param ours: function of a vector with ``suspect``: one line on what the collection decides instead, and why.
    :return: 0 when every vector without ``suspect`` matches.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("file", metavar="FILE", help="vectors, one JSON object a line")
    vectors = load(parser.parse_args().file)
    counts: Counter = Counter()
    for vector in vectors:
        if vector["family"][:1] in left_out or vector.get("flaky"):
            counts["left out"] += 1
        elif vector.get("suspect"):
            counts["suspect"] += 1
            print("%s (%s): %s" % (vector["id"], vector["suspect"], ours(vector)))
        else:
            found, expected = etch(vector)
            counts["matched" if found == expected else "differ"] += 1
            if found != expected:
                print("%s DIFFERS: %s, expected %s" % (vector["id"], json.dumps(found), json.dumps(expected)))
    print("%d vectors: %d suspect (decided as this collection does, above), %d left out (families %s, or flaky)" % (
        len(vectors), counts["suspect"], counts["left out"], ", ".join(left_out) or "none"))
    print("%d matched, %d differ" % (counts["matched"], counts["differ"]))
    sys.stdout.flush()
    return 1 if counts["differ"] else 0
