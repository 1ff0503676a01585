"""What the `algotrade` command answers to the shell that called it.

A code is a promise to scripts: one meaning each, never reused. 64 and up follow the habit of sysexits and
shells, so that a crash of ours (70) and an interrupted run (130) look like everyone else's.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit status of every `algotrade` command."""

    OK = 0
    GATE_FAILED = 1  # a gate or a criterion of the session was not met
    USAGE = 2  # a wrong flag, or flags that contradict each other
    CONFIG = 3  # a setting, a configuration file or an input file is bad
    UNREACHABLE = 4  # the broker or the bus could not be reached within the configured patience
    RISK = 5  # the risk limits' stop (kill switch) fired
    LOCK_REFUSED = 6  # the paper lock: this could have been real money
    EVIDENCE = 7  # evidence is invalid or missing
    INTERNAL = 70  # a defect of ours
    INTERRUPTED = 130  # stopped by the user, after an orderly stop
