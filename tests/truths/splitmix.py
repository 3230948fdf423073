"""The counter-based draws of bootstrap and value_at_risk, in NumPy's uint64."""

import numpy as np


def mix(value):
    """The output function of SplitMix64."""
    with np.errstate(over="ignore"):  # modulo 2^64
        value = np.asarray(value, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return value ^ (value >> np.uint64(31))


def draws(key, counters, count):
    """For each counter an index below count, of the stream of that key."""
    upper = mix(np.asarray(key, dtype=np.uint64) + counters.astype(np.uint64)) >> np.uint64(32)
    return (upper * np.uint64(count)) >> np.uint64(32)
