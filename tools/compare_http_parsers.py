#!/usr/bin/env python3
"""Sends requests, damaged at random, to a running Mica and to the parsers h11 and httptools, and compares what they saw.

    python3 -m venv venv && venv/bin/pip install h11 httptools
    mica serve --port 8080 --log-level critical &
    venv/bin/python tools/compare_http_parsers.py --port 8080 --count 5000

Each parser says how many whole requests it saw, and whether it then gave up. Where Mica sees another number of requests
than a parser that did not give up, a proxy with that parser in front of Mica could be made to smuggle: those are listed.
"""

import argparse
import collections
import random
import socket

import h11
import httptools

PICTURE = b"POST /v1/layers HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\n"
SENTINEL = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Request-Id: sentinel\r\n\r\n"
SEEDS = [
    b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /healthz?a=b HTTP/1.1\r\nHost: a:80\r\nAccept: */*\r\nX-Name: value\r\n\r\n",
    b"GET http://a/healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    PICTURE + b"Content-Length: 3\r\n\r\nabc",
    PICTURE + b"Content-Length: 0\r\n\r\n",
    PICTURE + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    PICTURE + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\nX: y\r\n\r\n",
    PICTURE + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    PICTURE + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
]
PIECES = [
    b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b";", b",", b"\0", b"\x0b", b"\x7f", b"\xff", b"0", b"1", b"a", b"+", b"-",
    b"_", b"0x", b"Content-Length: 1\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n", b"chunked", b"identity",
    b"HTTP/1.0", b"\r\n\r\n", b"\"", b"Expect: 100-continue\r\n", b"Connection: close\r\n",
]
# What Mica answers to bytes that are no request.
FAULTS = {400, 408, 413, 414, 417, 431, 501, 505}

Verdict = collections.namedtuple("Verdict", "requests refused reason")


def damaged(generator):
    """A seed with up to three changes."""
    data = generator.choice(SEEDS)
    for _ in range(generator.randint(0, 3)):
        place = generator.randrange(len(data) + 1)
        change = generator.randrange(4)
        if change == 0:
            data = data[:place] + generator.choice(PIECES) + data[place:]
        elif change == 1:
            data = data[:place] + data[place + generator.randint(1, 3):]
        elif change == 2:
            data = data[:place] + generator.choice(PIECES) + data[place + 1:]
        else:
            other = generator.randrange(len(data) + 1)
            data = data[:place] + data[min(place, other):max(place, other)] + data[place:]
    return data


def ask_mica(port, data):
    """None if the answers do not tell, as after a body that nobody read."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        try:
            connection.sendall(data)
            while piece := connection.recv(65536):
                received += piece
        except TimeoutError:
            return Verdict(0, False, "waits for more")
        except ConnectionError:
            pass
    requests = 0
    is_head = is_last = False
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        status = int(lines[0].split()[1])
        fields = {line.partition(b":")[0].lower(): line.partition(b":")[2].strip() for line in lines[1:]}
        received = rest
        if status == 100:
            continue
        length = int(fields.get(b"content-length", b"0"))
        is_head = not (received[:length].startswith(b"{") or length == 0 or not received.startswith(b"HTTP/1.1"))
        received = received if is_head else received[length:]
        if status in FAULTS:
            return Verdict(requests, True, str(status))
        requests += 1
        # The last request is the sentinel, unless Mica refused one before it without reading its body.
        is_last = fields.get(b"connection") == b"close" and fields.get(b"x-request-id") != b"sentinel"
    return Verdict(requests, False, "closes" if is_last else "")


def ask_h11(data):
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    requests = 0
    try:
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                break
            if isinstance(event, h11.EndOfMessage):
                requests += 1
                if connection.our_state in (h11.SEND_RESPONSE, h11.IDLE):
                    connection.send(h11.Response(status_code=204, headers=[]))
                    connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE:
                    return Verdict(requests, False, "closes")
                connection.start_next_cycle()
    except h11.RemoteProtocolError as error:
        return Verdict(requests, True, str(error))
    return Verdict(requests, False, "")


class Listener:
    def __init__(self):
        self.requests = 0

    def on_message_complete(self):
        self.requests += 1


def ask_httptools(data):
    listener = Listener()
    parser = httptools.HttpRequestParser(listener)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        return Verdict(listener.requests, True, "upgrade")
    except httptools.HttpParserError as error:
        return Verdict(listener.requests, True, str(error))
    return Verdict(listener.requests, False, "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=9112)
    parser.add_argument("--show", type=int, default=3, help="examples of each kind")
    options = parser.parse_args()
    generator = random.Random(options.seed)
    kinds = collections.defaultdict(list)
    for _ in range(options.count):
        data = damaged(generator) + SENTINEL
        mica = ask_mica(options.port, data)
        for name, other in (("h11", ask_h11(data)), ("httptools", ask_httptools(data))):
            if mica.refused and other.refused:
                kind = "both refuse"
            elif mica.refused:
                kind = f"only Mica refuses ({mica.reason})"
            elif mica.reason == "closes":
                kind = "Mica closes before the end"
            elif other.reason == "closes" and mica.requests > other.requests:
                kind = f"{name} closes before the end"
            elif other.refused and mica.requests > other.requests:
                kind = f"only {name} refuses: {other.reason}"
            elif mica.requests == other.requests:
                kind = "both see the same requests"
            else:
                kind = "DIFFERENT REQUESTS"
            kinds[name, kind].append((data, mica, other))
    for (name, kind), cases in sorted(kinds.items(), key=lambda item: (item[0][0], -len(item[1]))):
        print(f"{name:10} {len(cases):6}  {kind}")
        if kind.startswith("only " + name) or kind.startswith("DIFF"):
            for data, mica, other in cases[: options.show]:
                print(f"{'':18}{data[:-len(SENTINEL)]!r}\n{'':18}Mica {tuple(mica)}, {name} {tuple(other)}")


if __name__ == "__main__":
    main()
