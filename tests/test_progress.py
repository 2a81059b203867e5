"""Logs of jobs and their progress."""

import logging
import os
from pathlib import Path

import pytest
from upsampling_artifacts import progress
from upsampling_artifacts.errors import InputError, Interrupted
from upsampling_artifacts.progress import Progress, job_log

logger = logging.getLogger("upsampling_artifacts.some.module")


def test_the_library_logs_to_the_file_and_to_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "logs" / "a" / "job.log"
    with job_log(path):
        logger.info("half way")
    assert path.read_text().endswith(" half way\n")
    assert "half way" in capsys.readouterr().err
    logger.info("too late")
    assert "too late" not in path.read_text()
    assert capsys.readouterr().err == ""


def test_a_job_overwrites_the_log_of_the_one_before(tmp_path: Path) -> None:
    for line in ("first", "second"):
        with job_log(tmp_path / "job.log"):
            logger.info(line)
    assert "first" not in (tmp_path / "job.log").read_text()


def test_only_the_first_process_of_a_job_logs_more_than_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "job.log"
    with job_log(path):
        logger.info("first")
        monkeypatch.setenv("LOCAL_RANK", "1")
        with pytest.raises(SystemExit), job_log(path):
            logging.getLogger("upsampling_artifacts").handlers[:2] = []
            logger.info("the same again")
            raise KeyError("its own")
    lines = path.read_text()
    assert lines.startswith(lines[:9] + "first\n") and "KeyError: 'its own'" in lines
    assert "the same again" not in lines + capsys.readouterr().err


def test_an_interrupted_job_logs_one_line_and_exits_with_ex_tempfail(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "job.log"
    with pytest.raises(SystemExit) as end, job_log(path):
        raise Interrupted("stopped by SIGTERM at step 3 of 5")
    assert end.value.code == os.EX_TEMPFAIL != 0
    for text in (path.read_text(), capsys.readouterr().err):
        assert len(text.splitlines()) == 1
        assert text.endswith(" stopped by SIGTERM at step 3 of 5\n")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (InputError("song.wav: missing; put it there"), "error: song.wav: missing; put it there"),
        (FileNotFoundError(2, "No such file", "x.npy"),
         "error: FileNotFoundError: [Errno 2] No such file: 'x.npy'"),
        (OSError(28, "t.csv could not be written: No space left on device"),
         "error: OSError: [Errno 28] t.csv could not be written: No space left on device"),
    ],
)  # fmt: skip
def test_an_error_the_user_can_fix_ends_the_job_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture, error: Exception, line: str
) -> None:
    path = tmp_path / "job.log"
    with pytest.raises(SystemExit) as end, job_log(path):
        raise error
    assert end.value.code == 1
    for text in (path.read_text(), capsys.readouterr().err):
        assert len(text.splitlines()) == 1
        assert text.endswith(f" {line}\n")


def test_a_bug_keeps_its_traceback_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = tmp_path / "job.log"
    with pytest.raises(SystemExit) as end, job_log(path):
        raise KeyError("a bug")
    assert end.value.code == 1
    for text in (path.read_text(), capsys.readouterr().err):
        assert "Traceback" in text
        assert "KeyError: 'a bug'" in text
        assert "test_progress.py" in text


def test_a_keyboard_interrupt_is_not_caught(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), job_log(tmp_path / "job.log"):
        raise KeyboardInterrupt
    assert not logging.getLogger("upsampling_artifacts").handlers


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as a list of one number; add to it to let time pass."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def run(clock: list[float], n_steps: int, seconds: float, **arguments: object) -> None:
    bar = Progress(**arguments)
    for _ in range(n_steps):
        clock[0] += seconds
        bar.step("loss 0.5")


def test_without_a_terminal_the_log_shows_the_time_left_every_15_seconds(clock, caplog) -> None:
    with caplog.at_level(logging.INFO):
        run(clock, 10, 5.0, total=10, label="nearest seed 0")
    assert caplog.messages == [
        "nearest seed 0: 3/10, loss 0.5, 0.2 steps/s, 0:00:35 left",
        "nearest seed 0: 6/10, loss 0.5, 0.2 steps/s, 0:00:20 left",
        "nearest seed 0: 9/10, loss 0.5, 0.2 steps/s, 0:00:05 left",
        "nearest seed 0: 10/10, loss 0.5, 0.2 steps/s, 0:00:00 left",
    ]


def test_a_short_job_logs_only_its_last_step(clock, caplog) -> None:
    with caplog.at_level(logging.INFO):
        run(clock, 100, 0.01, total=100, label="quick")
    assert caplog.messages == ["quick: 100/100, loss 0.5, 100.0 steps/s, 0:00:00 left"]


def test_the_speed_ignores_the_steps_of_an_earlier_run(clock, caplog) -> None:
    with caplog.at_level(logging.INFO):
        run(clock, 1, 20.0, total=902, label="resumed", done=900)
    assert caplog.messages == ["resumed: 901/902, loss 0.5, 0.1 steps/s, 0:00:20 left"]


def test_more_than_a_day_left_is_shown_in_days(clock, caplog) -> None:
    with caplog.at_level(logging.INFO):
        run(clock, 1, 3600.0, total=51, label="long")
    assert caplog.messages[0].endswith("2 days, 2:00:00 left")


def test_a_step_that_takes_no_time_and_has_no_note_can_be_logged(clock, caplog) -> None:
    with caplog.at_level(logging.INFO):
        bar = Progress(1, "one")
        bar.step()
    assert caplog.messages[0].startswith("one: 1/1, ")


def test_the_time_left_never_exceeds_the_time_limit(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "upsampling_artifacts")
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    for max_seconds in (60, 1e6):
        working = Progress(1000, "training", max_seconds=max_seconds)
        now += 20
        working.step()
    assert [message.split(", ")[-1] for message in caplog.messages] == [
        "0:00:40 left", "5:33:00 left",
    ]  # fmt: skip
