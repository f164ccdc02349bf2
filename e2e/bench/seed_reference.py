"""The way of 2013: reads a log on standard input, sends a ZADD and a HINCRBY a line in pipelines of 100. A script as one
writes it first: the client's own `pipeline()`, which is a transaction, and every line's time parsed.

Usage: seed_reference.py PORT (client | socket). `client` uses the package redis as that script did, `socket` encodes the
same commands itself, which is faster. Prints the number of lines sent.
"""
import calendar
import re
import socket
import sys
import time

PIPELINE = 100
TIME = re.compile(r'\[([^ \]]+) ')
COLLECTION = re.compile(r' ([0-9]+)$')


class SocketPipeline:
    """As much of a client's pipeline as this takes."""

    def __init__(self, port):
        self.connection = socket.create_connection(('127.0.0.1', port))
        self.replies = self.connection.makefile('rb')
        self.commands = []

    def add(self, *words):
        parts = ['*%d\r\n' % len(words)]
        for word in words:
            parts.append('$%d\r\n%s\r\n' % (len(word.encode()), word))
        self.commands.append(''.join(parts))

    def zadd(self, key, members):
        for member, score in members.items():
            self.add('ZADD', key, str(score), member)

    def hincrby(self, key, field, by):
        self.add('HINCRBY', key, field, str(by))

    def execute(self):
        self.connection.sendall(''.join(self.commands).encode())
        for _ in self.commands:
            reply = self.replies.readline()
            if not reply.startswith(b':'):
                raise RuntimeError(reply)
        self.commands = []


def client_pipeline(port):
    import redis

    return redis.Redis(host='127.0.0.1', port=port).pipeline()


def main(port, kind):
    pipeline = client_pipeline(int(port)) if kind == 'client' else SocketPipeline(int(port))
    sent = 0
    for line in sys.stdin:
        line = line.rstrip('\n')
        stamp = TIME.search(line).group(1)
        second = calendar.timegm(time.strptime(stamp, '%d/%b/%Y:%H:%M:%S'))
        collection = COLLECTION.search(line).group(1)
        pipeline.zadd('logs:collid:' + collection, {line: second})
        pipeline.hincrby('known:', 'hits:' + collection, 1)
        sent += 1
        if sent % PIPELINE == 0:
            pipeline.execute()
    pipeline.execute()
    print(sent)


main(*sys.argv[1:])
