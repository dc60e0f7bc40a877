"""Vectors of questions in Redis as plain bytes, shared by any number of machines, which search them by themselves.

Core commands only. A shelf is a hash from keys to rows beside a sorted set from keys to the numbers of those rows; both
are forgotten a month after the last row came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router.stores.neighbours import News, Row
from router.stores.redis_server import RedisServer, escaped

if TYPE_CHECKING:
    from redis import Redis

_MONTH = 30 * 86_400

# The three keys share the part in braces, so that a cluster keeps them together. Numbers are microseconds, so that they
# grow on when the server has lost its keys: who has seen one asks for those beyond it.
_PUT = """
local now = redis.call('TIME')
local seq = now[1] * 1000000 + now[2]
local last = tonumber(redis.call('GET', KEYS[3]) or '0')
if seq <= last then seq = last + 1 end
seq = string.format('%.0f', seq)
redis.call('SET', KEYS[3], seq, 'EX', ARGV[4])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], seq, ARGV[1])
local excess = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[3])
if excess > 0 then
    for _, key in ipairs(redis.call('ZRANGE', KEYS[2], 0, excess - 1)) do
        redis.call('HDEL', KEYS[1], key)
        redis.call('ZREM', KEYS[2], key)
    end
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[4])
"""


class RedisRows:
    """Rows in a Redis server, ``most`` of them at most on one shelf: the oldest go first.

    ``password_env`` names the environment variable with the password. Every word with it takes ``timeout`` seconds
    at most; the vectors of a shelf are read 500 at a word.
    """

    def __init__(self, url: str, *, namespace: str, password_env: str | None, most: int, timeout: float) -> None:
        self._namespace, self._most = namespace, most
        self._server: RedisServer[Redis] = RedisServer(url, _itself, password_env=password_env, timeout=timeout)

    def news(self, shelf: str, seen: int) -> News:
        """The rows of ``shelf`` whose number is above ``seen``, the lowest first."""
        rows, numbers = self._of(shelf)
        with self._server.reached() as client:
            pipe = client.pipeline(transaction=False)
            pipe.get(self._clears)
            pipe.zrangebyscore(numbers, f"({seen}", "+inf", withscores=True)
            clears, new = pipe.execute()
            bodies: Any = []
            for start in range(0, len(new), 500):
                bodies += client.hmget(rows, [key for key, _ in new[start : start + 500]])
        found = [
            Row(int(seq), key.decode(), bytes(body))
            for (key, seq), body in zip(new, bodies, strict=True)
            if body is not None
        ]
        return News(found, int(clears or 0))

    def put(self, shelf: str, key: str, body: bytes) -> None:
        """Keep a row under a new number, and let the oldest go where there are too many."""
        rows, numbers = self._of(shelf)
        with self._server.reached() as client:
            client.eval(_PUT, 3, rows, numbers, f"{numbers}:last", key, body, str(self._most), str(_MONTH))

    def drop(self, shelf: str, key: str) -> None:
        """Forget a row."""
        rows, numbers = self._of(shelf)
        with self._server.reached() as client:
            pipe = client.pipeline(transaction=True)
            pipe.hdel(rows, key)
            pipe.zrem(numbers, key)
            pipe.execute()

    def clear(self) -> None:
        """Forget all rows of all shelves."""
        with self._server.reached() as client:
            client.incr(self._clears)
            pattern = f"{escaped(self._namespace)}:near:{{*"
            names = list(client.scan_iter(pattern, count=500))
            for start in range(0, len(names), 500):
                client.unlink(*names[start : start + 500])

    def close(self) -> None:
        """Close this process's connections; the next use opens them again."""
        self._server.close()

    @property
    def _clears(self) -> str:
        return f"{self._namespace}:near:clears"

    def _of(self, shelf: str) -> tuple[str, str]:
        """The names of a shelf's rows and of their numbers."""
        return f"{self._namespace}:near:{{{shelf}}}:rows", f"{self._namespace}:near:{{{shelf}}}:numbers"


def _itself(client: Redis) -> Redis:
    return client
