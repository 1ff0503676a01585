"""What can go wrong with a bus, sorted by what the caller does next.

BusError
├── BusStop              stop; going on cannot help, a person must look
│   ├── BusInUse             another process writes this log
│   ├── BusCorrupt           the log's files are not what was written
│   ├── BusUnusable          the log cannot be opened or written: permission, I/O error, wrong version
│   ├── BusClosed            used before open or after close
│   └── OffsetOutOfRange     a position this log never reached: another log, or a lost one
├── BusRetry             try again later; nothing of what failed was acknowledged, nothing acknowledged is lost
│   ├── BusFull              no room on the disk
│   ├── BusBusy              somebody else holds the log at the moment
│   ├── BusUnreachable       no broker of the cluster answers
│   └── BusBacklog           too many appended records wait to become durable
└── BusRefuse            this one input is wrong, and will be wrong the next time
    ├── UnknownTopic         topics.yaml does not name it
    ├── RecordTooLarge       more than MAX_RECORD_BYTES
    ├── BadRecord            not bytes nor a message, a message of another topic, a key that is not text
    ├── GroupTaken           the consumer group already reads this topic
    └── NoDeadLetterTopic    the topic has nowhere to put what cannot be understood
"""

from __future__ import annotations


class BusError(Exception):
    """Any failure of a bus."""


class BusStop(BusError):
    """Stop; a person must look."""


class BusRetry(BusError):
    """Try again later; nothing was acknowledged."""


class BusRefuse(BusError):
    """This input is wrong and stays wrong."""


class BusInUse(BusStop):
    """Another process writes this log."""


class BusCorrupt(BusStop):
    """The log's files are not what was written."""


class BusUnusable(BusStop):
    """The log cannot be opened or written."""


class BusClosed(BusStop):
    """The bus is not open."""


class OffsetOutOfRange(BusStop):
    """A position this log never reached."""


class BusFull(BusRetry):
    """No room on the disk."""


class BusBusy(BusRetry):
    """Somebody else holds the log at the moment."""


class BusUnreachable(BusRetry):
    """No broker of the cluster answers."""


class BusBacklog(BusRetry):
    """Too many appended records wait to become durable."""


class UnknownTopic(BusRefuse):
    """topics.yaml does not name this topic."""


class RecordTooLarge(BusRefuse):
    """The record is larger than any bus takes."""


class BadRecord(BusRefuse):
    """Not something this topic may carry."""


class GroupTaken(BusRefuse):
    """The consumer group already reads this topic."""


class NoDeadLetterTopic(BusRefuse):
    """The topic has nowhere to put what cannot be understood."""
