"""The import contracts of pyproject.toml hold."""

import logging

import pytest
from house_source import ROOT
from importlinter import cli


def test_no_import_goes_up_or_across_the_house(capsys: pytest.CaptureFixture[str]) -> None:
    broken = cli.lint_imports(config_filename=str(ROOT / "pyproject.toml"))
    # it sets up logging for itself alone, and silences everybody else's loggers
    for logger in logging.Logger.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.disabled = False
    report = capsys.readouterr().out.rpartition("╚╝")[2]  # without the tool's drawing
    assert not broken, report
