"""What a person gets wrong: one clear line on stderr, the promised exit code, no traceback, nothing traded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.processes.harness import algotrade, paper_environment, simulator

_FAST = {"IBKR_RECONNECT_BACKOFF_SEC": "0.05"}
_NO_BROKER = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9", "KAFKA_PATIENCE_SEC": "0.5"}
_PAPER = {"IBKR_ACCOUNT_ID": "DSIM001", "RISK_ALLOCATED_CAPITAL": "10000", **_FAST}


@pytest.mark.parametrize(
    ("arguments", "env", "code", "said"),
    [
        (["run", "--nonsense"], {}, 2, "--nonsense"),
        (["run", "--duration", "6x"], {}, 2, "6x"),
        (["run", "--duration", "0s"], {}, 2, "0s"),
        (["run", "--speed", "fast"], {}, 2, "fast"),
        (["run", "--symbols", "SPY,SPY"], {}, 2, "SPY,SPY"),
        (["run", "--bus", "carrier-pigeon"], {}, 2, "carrier-pigeon"),
        (["run", "--bus", "kafka", "--speed", "max"], {}, 2, "real time"),
        (["run", "--bus", "kafka"], _NO_BROKER, 4, "127.0.0.1:9"),
        (["plane", "order", "--session-dir", "s"], {**_PAPER, **_NO_BROKER}, 4, "127.0.0.1:9"),
        (["plane", "wing", "--session-dir", "s"], _PAPER, 2, "wing"),
        (["run", "--quotes", "AAPL"], {}, 2, "SYM=FILE"),
        (["run", "--profile", "paper", "--speed", "max"], _PAPER, 2, "real time"),
        (["run", "--strategy", "bnads"], {}, 2, "did you mean bands?"),
        (["run", "--set", "entry_z"], {}, 2, "NAME=VALUE"),
        (["run", "--set", "entry_zz=2"], {}, 2, "did you mean entry_z?"),
        (["run", "--set", "entry_z=x"], {}, 3, "OFI_ENTRY_Z=x (--set)"),
        (["run", "--profile", "nosuch"], {}, 3, "nosuch"),
        (["run", "--profile", "prod"], {**_PAPER, "ENVIRONMENT": "prod"}, 3, "prod"),
        (["run"], {"IBKR_CLIENT_ID": "x"}, 3, "IBKR_CLIENT_ID"),
        (["run"], {"RISK_MAX_GROSS_USD": "nan"}, 3, "RISK_MAX_GROSS_USD"),
        (["run"], {"IBKR_PROT": "4002"}, 3, "IBKR_PROT"),
        (["run", "--profile", "paper"], {}, 3, "IBKR_ACCOUNT_ID"),
        (["run", "--quotes", "AAPL=missing.csv"], {}, 3, "missing.csv"),
        (["run", "--quotes", "AAPL=empty.csv"], {}, 3, "empty.csv"),
        (["run", "--quotes", "AAPL=binary.csv"], {}, 3, "binary.csv"),
        (["run", "--quotes", "AAPL=words.csv"], {}, 3, "words.csv"),
        (["sim", "serve", "--quotes", "AAPL=words.csv"], {}, 3, "words.csv"),
        (["sim", "serve", "--halt", "SPY=11"], {}, 2, "SPY=11"),
        (["sim", "serve", "--halt", "ZZZ=11:00+5m"], {}, 3, "ZZZ has no market"),
        (["sim", "serve", "--hours", "sometimes"], {}, 2, "sometimes"),
        (["sim", "serve", "--hours", "regular", "--speed", "2"], {}, 2, "--speed"),
        (["sim", "serve", "--catalogue", "words.csv"], {}, 3, "words.csv"),
        (["sim", "instruments", "--catalogue", "missing.yaml"], {}, 3, "missing.yaml"),
        (["run"], {"SIMULATOR_HALTS": "SPY"}, 3, "SIMULATOR_HALTS"),
        (["run"], {"SIMULATOR_HALTS": "ZZZ=11:00+5m"}, 3, "ZZZ has no market"),
        (["run"], {"SIMULATOR_CATALOGUE": "missing.yaml"}, 3, "missing.yaml"),
        (["run", "--profile", "paper"], {**_PAPER, "IBKR_PORT": "9"}, 4, "127.0.0.1:9"),
        (["run", "--profile", "paper"], {**_PAPER, "IBKR_PORT": "7496"}, 6, "7496"),
        (["run", "--profile", "paper"], {**_PAPER, "IBKR_ACCOUNT_ID": "U1234567"}, 6, "IBKR_ACCOUNT_ID"),
        (["report", "."], {}, 7, "session.json"),
        (["config", "check", "--profile", "nosuch"], {}, 3, "nosuch"),
        (["reset-kill", "--by", " ", "--reason", "x"], _PAPER, 2, "name"),
    ],
)
def test_one_clear_line(
    tmp_path: Path, arguments: list[str], env: dict[str, str], code: int, said: str
) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    (tmp_path / "words.csv").write_text(
        "ask_price,ask_volume,bid_price,bid_volume\n5859400,200,5853300,eighteen\n"
    )
    done = algotrade(
        *arguments, cwd=tmp_path, env={"ALGOTRADE_DATA_DIR": str(tmp_path / "data"), **env}, timeout_s=60
    )
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "sessions").exists() or code not in (2, 3)


def test_all_configuration_problems_are_told_at_once(tmp_path: Path) -> None:
    done = algotrade("run", cwd=tmp_path, env={"IBKR_CLIENT_ID": "x", "METRICS_PORT": "y", "OFI_WINDOW": "0"})
    assert all(name in done.stderr for name in ("IBKR_CLIENT_ID", "METRICS_PORT", "OFI_WINDOW"))


def test_another_account_than_the_configured_one_is_locked_out(tmp_path: Path) -> None:
    """The gateway answers as DSIM001: exit 6, and not one order frame has reached it."""
    with simulator(tmp_path) as sim:
        env = {**paper_environment(sim, tmp_path / "data"), "IBKR_ACCOUNT_ID": "DU1234567"}
        done = algotrade("run", "--profile", "paper", "--duration", "5s", cwd=tmp_path, env=env)
        assert done.returncode == 6, done.stderr
        assert sim.frames() == []


def test_config_check_shows_every_setting(tmp_path: Path) -> None:
    done = algotrade("config", "check", "--profile", "dev", cwd=tmp_path, env={"OFI_WINDOW": "77"})
    assert done.returncode == 0
    line = next(line for line in done.stdout.splitlines() if line.startswith("OFI_WINDOW"))
    assert "77" in line and "environment" in line


def test_the_catalogue_is_shown(tmp_path: Path) -> None:
    """As a table with the user's own instruments in it, or whole as JSON."""
    (tmp_path / "mine.yaml").write_text("instruments: {XYZ: {base_price: 50}}")
    done = algotrade("sim", "instruments", "--catalogue", "mine.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {line.split()[0] for line in done.stdout.splitlines()} > {"SPY", "XYZ"}
    done = algotrade("sim", "instruments", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["instruments"]["SPY"]["con_id"] == 756733
