# SPDX-License-Identifier: MIT
"""The people held out: the list of their names, and what is wrong with the names themselves.

A line of held-out.txt is NAME, "NAME is OTHER" (two names of one person) or "NAME mixed" (pictures of several people
under one name). None of them is ever trained on; to be measured with, NAME's pictures are OTHER's, and mixed ones are
left out.
"""
import os

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "held-out.txt")


def read(path=LIST):
    """{name: the name to be measured under, or None where that would be wrong}."""
    names = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            name, *rest = line.split("#")[0].split() or [None]
            if rest not in ([], ["mixed"]) and (len(rest) != 2 or rest[0] != "is"):
                raise SystemExit("%s: what is that: %s" % (path, line.strip()))
            if name:
                names[name] = None if rest == ["mixed"] else rest[-1] if rest else name
    for name, other in names.items():
        if other is not None and names.get(other) != other:
            raise SystemExit("%s: %s is %s, who is not in the list under that name" % (path, name, other))
    return names


def measured(names, corrected):
    """Of a name per picture: which pictures to measure with, and the name of each of them."""
    kept = [i for i, n in enumerate(names) if corrected.get(n, n) is not None]
    return kept, [corrected.get(names[i], names[i]) for i in kept]
