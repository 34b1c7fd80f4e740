#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Takes the pictures of one folder out of a git repository, at one commit, without a work tree.

  unpack.py REPOSITORY COMMIT FOLDER OUT [--match REGEX]

FOLDER "" is the whole tree. Files come to OUT with their whole path in the repository. Files that a partial copy of
the repository lacks are counted and left out; `git archive` would stop at the first of them.
"""
import argparse
import os
import re
import subprocess


def entries(git, commit, folder):
    """(size or None where the file is absent, object, path) of each file."""
    listing = subprocess.run(git + ["ls-tree", "-r", "-l", "-z", commit] + ([folder] if folder else []),
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    for entry in listing.decode("utf-8", "surrogateescape").split("\0"):
        if not entry:
            continue
        about, path = entry.split("\t", 1)
        _, kind, name, size = about.split()
        if kind == "blob":
            yield int(size) if size.isdigit() else None, name, path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("repository", "commit", "folder", "out"):
        parser.add_argument(name)
    parser.add_argument("--match", default=r"\.(jpe?g|png|pgm|ppm|bmp|webp|gif|tiff?)$")
    arg = parser.parse_args()
    inner = os.path.join(arg.repository, ".git")
    git = ["git", "--git-dir=" + (inner if os.path.isdir(inner) else arg.repository)]
    wanted = [e for e in entries(git, arg.commit, arg.folder) if re.search(arg.match, e[2], re.I)]
    there = [e for e in wanted if e[0] is not None]
    if not there:
        raise SystemExit("unpack.py: %s has no picture below \"%s\" at %s" % (arg.repository, arg.folder, arg.commit))
    with subprocess.Popen(git + ["cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as cat:
        for size, name, path in there:
            cat.stdin.write((name + "\n").encode())
            cat.stdin.flush()
            cat.stdout.readline()
            data = cat.stdout.read(size + 1)[:size]
            place = os.path.join(arg.out, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "wb") as file:
                file.write(data)
        cat.stdin.close()
    print("%s: %d files, %d absent" % (arg.out, len(there), len(wanted) - len(there)))


if __name__ == "__main__":
    main()
