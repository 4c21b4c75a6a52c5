#!/usr/bin/env python3
"""route.py LIBRARY - another language loads the shared library and looks a route up."""
import ctypes
import sys

CONFIG = b"""\
Transports:
\tipv4only:
\t\tDirect:
\t\t\tDisableIPv6: true
Routes:
\t-
\t\tToDomain:
\t\t\t- example.org
\t\tTransport: ipv4only
"""


class Ip(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint8 * 16), ("scope", ctypes.c_uint32), ("family", ctypes.c_uint16),
                ("reserved", ctypes.c_uint16)]


class Error(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int32) for name in (
        "code", "stage", "about", "action", "permanent", "os_errno", "smtp_code", "dns_rcode", "line")] + [
        ("retry_after_s", ctypes.c_uint32), ("address", Ip), ("enhanced", ctypes.c_char * 12),
        ("host", ctypes.c_char * 256), ("reply", ctypes.c_char * 512), ("message", ctypes.c_char * 512),
        ("reserved", ctypes.c_uint32 * 8)]


class Envelope(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("sender", ctypes.c_char_p), ("to", ctypes.c_char_p),
                ("account", ctypes.c_char_p), ("key", ctypes.c_char_p), ("attempts", ctypes.c_uint32),
                ("count", ctypes.c_uint32), ("unix_s", ctypes.c_int64), ("utc_offset_s", ctypes.c_int32),
                ("mx", ctypes.POINTER(ctypes.c_char_p)), ("nmx", ctypes.c_size_t)]


class Route(ctypes.Structure):
    _fields_ = [("transport", ctypes.c_char_p), ("file", ctypes.c_char_p), ("kind", ctypes.c_int32),
                ("scope", ctypes.c_int32), ("index", ctypes.c_int32), ("line", ctypes.c_int32),
                ("families", ctypes.c_uint32), ("prefer", ctypes.c_int32), ("needs", ctypes.c_uint32),
                ("limited", ctypes.c_uint32), ("internal", ctypes.c_void_p * 2)]


def load(path):
    library = ctypes.CDLL(path)
    library.mox_config_parse.restype = ctypes.c_void_p
    library.mox_config_parse.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(Error)]
    library.mox_config_free.restype = None
    library.mox_config_free.argtypes = [ctypes.c_void_p]
    library.mox_route_lookup.argtypes = [ctypes.c_void_p, ctypes.POINTER(Envelope), ctypes.POINTER(Route),
                                         ctypes.POINTER(Error)]
    return library


def route(library, config, to):
    envelope = Envelope(size=ctypes.sizeof(Envelope), to=to)
    answer, error = Route(), Error()
    if library.mox_route_lookup(config, envelope, answer, error) != 0:
        raise SystemExit(f"route.py: {error.message.decode()}")
    return answer.transport, answer.families, answer.line


def main():
    library, error = load(sys.argv[1]), Error()
    assert library.mox_config_parse(b"Nonsense", 8, error) is None
    assert error.line == 1 and error.message, "an error says where and what"

    config = library.mox_config_parse(CONFIG, len(CONFIG), error)
    if not config:
        raise SystemExit(f"route.py: {error.message.decode()}")
    assert route(library, config, b"info@example.org") == (b"ipv4only", 1, 6)
    assert route(library, config, b"info@example.com")[0] is None
    library.mox_config_free(config)


main()
