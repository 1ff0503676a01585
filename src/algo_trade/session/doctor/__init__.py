"""`algotrade doctor`: everything a session depends on, looked at one by one, and what to do about each.

A check is a function from the patient to findings, and a row of `CHECKS`. None changes anything, and none that fails,
however it fails, keeps the others from looking.
"""

from algo_trade.session.doctor.findings import Finding, Patient, State, exit_code_of_findings
from algo_trade.session.doctor.rounds import CHECKS, examine

__all__ = ["CHECKS", "Finding", "Patient", "State", "examine", "exit_code_of_findings"]
