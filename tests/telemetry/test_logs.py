"""No line leaves the process with a secret or a whole account number in it, whoever wrote it."""

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from algo_trade.telemetry import Redactor, configure_logging, mask_account


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """A configured process; the root logger and structlog are put back afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure_logging(
        "INFO", redactor=Redactor(["hunter2"]), now_ns=lambda: 1_340_285_400_250_000_000, stream=stream
    )
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_an_event_is_one_line_with_the_clocks_time(lines: io.StringIO) -> None:
    """The session's clock stamps the line, so that a virtual session's log tells its own time."""
    structlog.get_logger("algo_trade.x").info("order_sent", symbol="SPY", note="a b", empty="")
    assert lines.getvalue() == (
        "2012-06-21T13:30:00.250Z INFO    algo_trade.x  order_sent symbol=SPY note='a b' empty=''\n"
    )


def test_third_party_records_are_redacted(lines: io.StringIO) -> None:
    """Libraries log through the same handler, message and arguments alike."""
    logging.getLogger("library").warning("account %s token=%s", "DU1234567", "abc")
    assert "account DU***567 token=***" in lines.getvalue()


def test_a_traceback_is_redacted(lines: io.StringIO) -> None:
    """An exception's text is where secrets usually escape."""
    for logger in (logging.getLogger("library"), structlog.get_logger("algo_trade.x")):
        try:
            raise ValueError("login of DU1234567 with hunter2 refused")
        except ValueError:
            logger.exception("failed")
    shown = lines.getvalue()
    assert shown.count("ValueError: login of DU***567 with *** refused") == 2
    assert "hunter2" not in shown
    assert "DU1234567" not in shown


def test_a_record_that_cannot_be_formatted_is_told_without_its_arguments(
    lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The standard library would print the raw arguments."""
    root = logging.getLogger()  # pytest's own handlers raise on such a record
    monkeypatch.setattr(
        root, "handlers", [h for h in root.handlers if not type(h).__module__.startswith("_pytest")]
    )
    logging.getLogger("library").warning("%d", "hunter2")
    assert "cannot be shown" in lines.getvalue()
    assert "hunter2" not in lines.getvalue()


def test_text_from_outside_cannot_forge_a_line(lines: io.StringIO) -> None:
    """A gateway's message with a line break stays one line."""
    logging.getLogger("library").warning("hello\n2026-01-01T00:00:00.000Z INFO fake")
    assert lines.getvalue().count("\n") == 1


def test_the_level_holds_and_talkative_libraries_are_quiet(lines: io.StringIO) -> None:
    """INFO shows ours; ib_async must warn before it is heard."""
    structlog.get_logger("algo_trade.x").debug("hidden")
    logging.getLogger("ib_async.client").info("hidden")
    logging.getLogger("ib_async.client").warning("heard")
    assert "hidden" not in lines.getvalue()
    assert "heard" in lines.getvalue()


def test_configuring_twice_does_not_double_the_lines(lines: io.StringIO) -> None:
    """A second call replaces the first."""
    second = io.StringIO()
    configure_logging("WARNING", redactor=Redactor(), stream=second)
    logging.getLogger("library").warning("once")
    assert lines.getvalue() == ""
    assert second.getvalue().count("once") == 1


def test_an_unknown_level_is_refused() -> None:
    """Rather than logging nothing, or everything."""
    with pytest.raises(ValueError, match="LOUD"):
        configure_logging("LOUD", redactor=Redactor())


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("DU1234567", "DU***567"),
        ("accounts=DU1234567,U7654321;", "accounts=DU***567,U***321;"),
        ("DUD193105", "DUD***105"),
        ("DSIM001", "DSIM001"),
        ("order 1234567 of SPY", "order 1234567 of SPY"),
        ("0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b-d9cb-469f-a165-70867728950e"),
    ],
)
def test_account_numbers_are_masked_and_nothing_else(text: str, masked: str) -> None:
    """Enough stays to tell two accounts apart; the simulator's name is no secret."""
    assert mask_account(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "VAULT_TOKEN=s.12345",
        "sasl.password: 's.12345'",
        '{"api_key": "s.12345"}',
        "Authorization: Bearer s.12345",
        "https://user:s.12345@vault.example.com/v1",
        "given outright: s.12345",
        "prefix s.12345 and s.1234567",
    ],
)
def test_secrets_are_hidden_by_name_by_place_and_by_value(text: str) -> None:
    """Known values, and what merely looks like one."""
    assert "s.12345" not in Redactor(["s.12345"])(text)
    if "given" not in text and "prefix" not in text:
        assert "s.12345" not in Redactor()(text)


def test_the_longest_secret_is_hidden_first() -> None:
    """A secret that begins with another one leaves no tail."""
    assert Redactor(["abc", "abcdef"])("abcdef") == "***"


def test_ordinary_numbers_stay() -> None:
    """Words that merely contain a telling one are not secrets."""
    assert Redactor()("tokens=5 bucket of tokens") == "tokens=5 bucket of tokens"
