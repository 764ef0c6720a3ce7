"""The upstream of the run (benches/upstream.rs): how it is started, set and asked what it was asked."""

import json
import subprocess
import urllib.request

from . import machine

# The alphabet of GB 32100-2015 and the weights of the organisation code in it (GB 11714).
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
REGION = "91410000"


def keyword(number):
    """The social credit code of the company with this number, both check characters right."""
    digits = f"{number:08d}"
    remainder = (11 - sum(int(digit) * weight for digit, weight in zip(digits, ORGANISATION_WEIGHTS)) % 11) % 11
    first_17 = REGION + digits + ("X" if remainder == 10 else str(remainder))
    total = sum(ALPHABET.index(character) * pow(3, place, 31) for place, character in enumerate(first_17))
    return first_17 + ALPHABET[(31 - total % 31) % 31]


def keywords(companies):
    return [keyword(number) for number in range(1, companies + 1)]


class Upstream:
    """One process on a core of its own. It ends with the pipe that it is started with."""

    def __init__(self, program):
        self.process = machine.start(
            [program], {machine.UPSTREAM_CORE}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.address = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        self.url = f"{self.address}/query"
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def set(self, **knobs):
        """See `Knobs` in benches/upstream.rs. What is not named is as in the provider's quietest hour."""
        quiet = {"delay_ms": 0, "rotate": 0, "renewed": 0, "moved": 0, "short_every": 0}
        settings = "&".join(f"{name}={value}" for name, value in (quiet | knobs).items())
        self._get(f"/set?{settings}")

    def reset(self):
        self._get("/reset")

    def asked(self):
        return json.loads(self._get("/stats"))

    def expect(self, companies, who):
        """Each company was asked for exactly once since the reset: the program did the work, and no more."""
        asked = self.asked()
        if (asked["requests"], asked["companies"], asked["most_for_one"]) != (companies, companies, 1):
            raise machine.Failed(f"{who} should have asked once for each of {companies} companies: {asked}")
        return asked

    def _get(self, target):
        with self.opener.open(self.address + target) as answer:
            return answer.read()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)
