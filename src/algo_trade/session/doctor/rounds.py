"""The round: every check in its order, whatever the ones before it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from algo_trade.exit_codes import ExitCode
from algo_trade.session.doctor import machine, services
from algo_trade.session.doctor.findings import Finding, Patient, fail, warn
from algo_trade.settings import Settings


@dataclass(frozen=True, slots=True)
class Check:
    """`look` needs nothing, or the settings (`look_with`)."""

    name: str
    look: Callable[[Patient], list[Finding]] | None = None
    look_with: Callable[[Patient, Settings], list[Finding]] | None = None


# The gateway is asked before the clock, which is compared with its.
CHECKS: tuple[Check, ...] = (
    Check("configuration", machine.configuration),
    Check("versions", machine.versions),
    Check("time zones", machine.time_zones),
    Check("data directory", look_with=machine.data_directory),
    Check("journal", look_with=services.journal),
    Check("gateway", look_with=services.gateway),
    Check("clock", machine.clock),
    Check("kafka", look_with=services.kafka),
    Check("topics", look_with=services.topics),
    Check("browser", machine.browser),
)


def examine(patient: Patient, checks: tuple[Check, ...] = CHECKS) -> Iterator[Finding]:
    """Every finding, as it is made."""
    for check in checks:
        for finding in _looked(check, patient):
            yield replace(finding, about=check.name)


def _looked(check: Check, patient: Patient) -> list[Finding]:
    try:
        if check.look is not None:
            return check.look(patient)
        assert check.look_with is not None
        if patient.settings is None:
            return [warn("not looked at: it needs settings that load")]
        return check.look_with(patient, patient.settings)
    except Exception as error:  # noqa: BLE001  # one check that breaks must not hide what the others see
        text = f"the check itself broke: {type(error).__name__}: {error}"
        return [fail(text, "a defect of algotrade; please report it", ExitCode.INTERNAL)]
