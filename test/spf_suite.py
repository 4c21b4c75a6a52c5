"""spf_suite.py - the public test suite of RFC 7208 (rfc7208-tests.yml), for programs in Python.

Its strings are bytes, a character each. SPF records stand for TXT ones where a name has none of
these, which is the suite's own rule.
"""
import collections
import os

import yaml

# records: [(name, type, data)], data a list of bytes for TXT, else text; type LATE: what the name has
# no record for is not answered. names: all that exist. cases: see below.
Suite = collections.namedtuple("Suite", "title names records cases")
Case = collections.namedtuple("Case", "name ip helo mail_from results")


def path():
    """Of the suite, beside the tree or where MOX_SHARED says; None: it is not there."""
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "shared")
    found = os.path.join(os.environ.get("MOX_SHARED", beside), "vectors", "rfc7208-tests.yml")
    return found if os.path.exists(found) else None


def as_list(value):
    return value if isinstance(value, list) else [value]


def record(name, kind, value):
    if kind in ("TXT", "SPF"):
        return name, "TXT", [text.encode("latin-1") for text in as_list(value)]
    return name, kind, " ".join(word or "." for word in as_list(value))


def records_of(name, entries):
    kinds = {kind for entry in entries if isinstance(entry, dict) for kind in entry}
    for entry in entries:
        if not isinstance(entry, dict):
            yield name, "LATE", ""
            continue
        for kind, value in entry.items():
            if value != "NONE" and (kind != "SPF" or "TXT" not in kinds):
                yield record(name, kind, value)


def read(file_path):
    with open(file_path, encoding="utf-8") as text:
        for document in yaml.load_all(text, Loader=yaml.BaseLoader):
            if not document:
                continue
            zone = document["zonedata"]
            yield Suite(document["description"], list(zone),
                        [found for name in zone for found in records_of(name, zone[name])],
                        [Case(name, case["host"], case["helo"], case["mailfrom"],
                              as_list(case["result"]))
                         for name, case in document["tests"].items()])
