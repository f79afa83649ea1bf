"""Golden values of the log-domain functions, by 60-digit arithmetic (mpmath).

Writes tests/data/log_domain.csv: function, argument, log a, value, the numbers as hexadecimal bits
of the f64 (the value rounded to nearest). Run from the repository's root.
"""

import random
import struct

import mpmath as mp

mp.mp.dps = 60
random.seed(20240816)


def bits(value):
    return struct.pack(">d", value).hex()


def rounded(value):
    """The nearest f64; mpmath rounds to 53 bits only, subnormals and overflow need care."""
    if value == 0:
        return 0.0
    sign = -1.0 if value < 0 else 1.0
    value = abs(value)
    exponent = int(mp.floor(mp.log(value, 2)))
    if exponent > 1100:
        return sign * float("inf")
    step = mp.mpf(2) ** max(exponent - 52, -1074)
    count = mp.nint(value / step)
    result = count * step
    return sign * (float("inf") if result >= mp.mpf(2) ** 1024 else float(result))


def log_as():
    fixed = [-1e6, -5e5, -1e4, -745.1, -744.0, -708.4, -700.0, -500.0, -36.7, -1.0, 0.0, 1.0, 50.0]
    return random.choice(fixed) if random.random() < 0.3 else random.choice(
        [random.uniform(-1e6, 50), random.uniform(-1000, 50), random.uniform(-40, 50), random.uniform(-2, 2)]
    )


def arguments(log_a):
    kind = random.random()
    if kind < 0.5:  # around |x| = a, where there is such an f64
        log_x = log_a + random.uniform(-5, 5)
        if -744 < log_x < 709:
            return float(mp.exp(mp.mpf(log_x))) * random.choice([-1, 1])
    if kind < 0.9:
        return struct.unpack(">d", struct.pack(">Q", random.getrandbits(64) & 0xFFEFFFFFFFFFFFFF))[0]
    return random.choice([5e-324, 1e-310, 2.2250738585072014e-308, 1.0, -1.0, 1.7976931348623157e308, 0.5])


def zs(log_a):
    kind = random.random()
    if kind < 0.3:
        return random.uniform(-3, 3)
    if kind < 0.5:
        return random.uniform(-25, 25)
    if kind < 0.8:  # |z| + log a moderate: the cancelling sum
        return random.choice([-1, 1]) * max(-log_a + random.uniform(-700, 700), 0.0)
    if kind < 0.9:
        return random.choice([-1, 1]) * 10 ** random.uniform(-320, 0)
    return random.uniform(-1.2e6, 1.2e6)


rows = []
for _ in range(1500):
    log_a = log_as()
    a = mp.exp(mp.mpf(log_a))
    x = arguments(log_a)
    rows.append(("asinh_ratio", x, log_a, mp.asinh(mp.mpf(x) / a)))
    rows.append(("hypot_a", x, log_a, mp.sqrt(mp.mpf(x) ** 2 + a * a)))
    z = zs(log_a)
    rows.append(("a_sinh", z, log_a, a * mp.sinh(mp.mpf(z))))
    rows.append(("a_cosh", z, log_a, a * mp.cosh(mp.mpf(z))))
for _ in range(500):
    z = random.choice([random.uniform(-3, 3), 10 ** random.uniform(-150, 3), random.uniform(-800, 800)])
    rows.append(("log_cosh", z, 0.0, mp.log1p(2 * mp.sinh(mp.mpf(z) / 2) ** 2)))
for _ in range(1500):
    log_a = log_as()
    a = mp.exp(mp.mpf(log_a))
    x = arguments(log_a)
    if random.random() < 0.1 and -700 < log_a:  # next to the zero at x/a = 1.5088…
        x = 1.5088795615383201 * float(a) * (1 + random.uniform(-1, 1) * 10 ** random.uniform(-16, -1))
    rows.append(("entropy", x, log_a, mp.mpf(x) * mp.asinh(mp.mpf(x) / a) - mp.sqrt(mp.mpf(x) ** 2 + a * a)))
with open("tests/data/log_domain.csv", "w") as out:
    for name, v, log_a, value in rows:
        out.write(f"{name},{bits(v)},{bits(log_a)},{bits(rounded(value))}\n")
