"""The peer: what a good Python programmer would write by hand for the same job, without the product's promises.

It asks for each company once and keeps its holdings in PostgreSQL. It counts no calls, takes no locks, tells nobody; a crash
loses a batch. So it is a bar to clear, not a rival.

    peer.py MODE URL POSTGRES_URL FILE_WITH_KEYWORDS CONCURRENCY

row     each answer is parsed and compared; one UPDATE a company, as it comes
batch   the same, but what was verified is marked by one statement for many companies
digest  as batch, but a body whose digest is the stored one is not parsed at all

In all modes the digests of the last sweep are read by one statement at the start, so that an unchanged company costs no read.
"""

import asyncio
import sys
from datetime import date, datetime, timezone
from hashlib import sha256

import aiohttp
import asyncpg
import orjson
import uvloop

BATCH = 256
# Row mode waits for the database once for each company; this many wait at a time.
CONNECTIONS = 8
HOLDING_COLUMNS = ("keyword", "certificate", "name", "issued", "ends", "organ", "kind", "business_id")

SCHEMA = """
CREATE TABLE IF NOT EXISTS companies (
    keyword text PRIMARY KEY,
    body_digest bytea NOT NULL,
    holdings_digest bytea NOT NULL,
    verified_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS holdings (
    keyword text NOT NULL,
    certificate text NOT NULL,
    name text NOT NULL,
    issued date NOT NULL,
    ends date NOT NULL,
    organ text NOT NULL,
    kind text NOT NULL,
    business_id text NOT NULL,
    PRIMARY KEY (keyword, certificate, name)
);
CREATE TABLE IF NOT EXISTS events (
    keyword text NOT NULL,
    what text NOT NULL,
    certificate text NOT NULL,
    name text NOT NULL,
    ends date NOT NULL,
    at timestamptz NOT NULL
);
"""
STORE_COMPANIES = """
INSERT INTO companies (keyword, body_digest, holdings_digest, verified_at)
SELECT *, $4 FROM unnest($1::text[], $2::bytea[], $3::bytea[])
ON CONFLICT (keyword) DO UPDATE SET
    body_digest = excluded.body_digest, holdings_digest = excluded.holdings_digest, verified_at = excluded.verified_at
"""
# Answers in another order have other bytes: the digest of the body is brought up to date with the mark.
MARK_ONE = "UPDATE companies SET verified_at = $2, body_digest = $3 WHERE keyword = $1"
MARK_MANY = """
UPDATE companies SET verified_at = $2, body_digest = answered.digest
FROM unnest($1::text[], $3::bytea[]) AS answered (keyword, digest) WHERE companies.keyword = answered.keyword
"""
MARK_SAME_BYTES = "UPDATE companies SET verified_at = $2 WHERE keyword = ANY($1::text[])"
STORED_HOLDINGS = f"SELECT {', '.join(HOLDING_COLUMNS)} FROM holdings WHERE keyword = ANY($1::text[])"
REMOVE_HOLDINGS = """
DELETE FROM holdings USING unnest($1::text[], $2::text[], $3::text[]) AS gone (keyword, certificate, name)
WHERE holdings.keyword = gone.keyword AND holdings.certificate = gone.certificate AND holdings.name = gone.name
"""


def holdings_of(keyword, body):
    """The holdings in an answer, in an order that does not depend on the provider's."""
    answer = orjson.loads(body)
    if answer["error_code"] != 0:
        raise RuntimeError(f"{keyword}: {answer['reason']}")
    found = []
    for item in answer["result"]["items"]:
        issued = date.fromisoformat(item["issuingCertificateTime"])
        ends = date.fromisoformat(item["effectiveTime"])
        for name in item["qualificationName"].split(","):
            found.append((keyword, item["certificateNum"], name, issued, ends, item["organ"], item["type"],
                          item["businessId"]))
    found.sort()
    return found


class Peer:
    def __init__(self, mode, url, session, pool, now):
        self.mode, self.url, self.session, self.pool, self.now = mode, url, session, pool, now
        self.known = {}
        # What waits for the next batch: (keyword, digest of the body), and changed companies with their holdings.
        self.verified, self.changed = [], []
        self.calls = 0

    async def load(self):
        rows = await self.pool.fetch("SELECT keyword, body_digest, holdings_digest FROM companies")
        self.known = {keyword: (body, holdings) for keyword, body, holdings in rows}

    async def check(self, keyword):
        form = {"key": "bench", "keyword": keyword, "pageNum": "1", "pageSize": "20"}
        async with self.session.post(self.url, data=form) as response:
            response.raise_for_status()
            body = await response.read()
        self.calls += 1
        body_digest = sha256(body).digest()
        known_body, known_holdings = self.known.get(keyword, (None, None))
        if self.mode == "digest" and body_digest == known_body:
            self.verified.append((keyword, body_digest))
            return await self.write_full_batches()
        holdings = holdings_of(keyword, body)
        holdings_digest = sha256(orjson.dumps(holdings)).digest()
        if holdings_digest != known_holdings:
            self.changed.append((keyword, body_digest, holdings_digest, holdings))
        elif self.mode == "row":
            await self.pool.execute(MARK_ONE, keyword, self.now, body_digest)
        else:
            self.verified.append((keyword, body_digest))
        await self.write_full_batches()

    async def write_full_batches(self):
        if len(self.verified) >= BATCH:
            await self.write_verified()
        if len(self.changed) >= (1 if self.mode == "row" else BATCH):
            await self.write_changed()

    async def write_verified(self):
        batch, self.verified = self.verified, []
        other_bytes = [(keyword, digest) for keyword, digest in batch if self.known[keyword][0] != digest]
        same_bytes = [keyword for keyword, digest in batch if self.known[keyword][0] == digest]
        if same_bytes:
            await self.pool.execute(MARK_SAME_BYTES, same_bytes, self.now)
        if other_bytes:
            keywords, digests = zip(*other_bytes)
            await self.pool.execute(MARK_MANY, keywords, self.now, digests)

    async def write_changed(self):
        batch, self.changed = self.changed, []
        keywords, bodies, digests, answered = zip(*batch)
        shown = {holding for holdings in answered for holding in holdings}
        async with self.pool.acquire() as connection, connection.transaction():
            seen_before = [keyword for keyword in keywords if keyword in self.known]
            stored = {tuple(row) for row in await connection.fetch(STORED_HOLDINGS, seen_before)} if seen_before else set()
            if gone := stored - shown:
                await connection.execute(REMOVE_HOLDINGS, *zip(*(holding[:3] for holding in gone)))
            new = shown - stored
            # COPY is the fastest way in; a set has no order, so it is given one that the index likes.
            await connection.copy_records_to_table("holdings", records=sorted(new), columns=HOLDING_COLUMNS)
            if stored:
                events = [(row[0], what, row[1], row[2], row[4], self.now)
                          for what, rows in (("gone", gone), ("new", new)) for row in rows]
                await connection.copy_records_to_table("events", records=events)
            await connection.execute(STORE_COMPANIES, keywords, bodies, digests, self.now)

    async def sweep(self, keywords, concurrency):
        waiting = iter(keywords)

        async def work():
            for keyword in waiting:
                await self.check(keyword)

        await asyncio.gather(*(work() for _ in range(concurrency)))
        if self.verified:
            await self.write_verified()
        if self.changed:
            await self.write_changed()


async def no_reset(_connection):
    """Nothing here changes a session, so giving a connection back costs no four statements, as it does by default."""


async def main(mode, url, database, file, concurrency):
    with open(file, encoding="ascii") as lines:
        keywords = lines.read().split()
    connector = aiohttp.TCPConnector(limit=concurrency)
    connections = CONNECTIONS if mode == "row" else 2
    async with aiohttp.ClientSession(connector=connector, headers={"Accept": "application/json"}) as session, \
            asyncpg.create_pool(database, min_size=1, max_size=connections, reset=no_reset) as pool:
        await pool.execute(SCHEMA)
        peer = Peer(mode, url, session, pool, datetime.now(timezone.utc))
        await peer.load()
        await peer.sweep(keywords, concurrency)
        print(orjson.dumps({"calls": peer.calls}).decode())


if __name__ == "__main__":
    MODE, URL, DATABASE, FILE, CONCURRENCY = sys.argv[1:]
    uvloop.run(main(MODE, URL, DATABASE, FILE, int(CONCURRENCY)))
