"""Every number that a setting takes has a bound below, and none is endless."""

import pytest
from pydantic import ValidationError

from gateway.setup.settings import Mode, Settings

NUMBERS = [name for name, field in Settings.model_fields.items() if field.annotation in (int, float)]
ENDLESS = [name for name, field in Settings.model_fields.items() if field.annotation is float]


@pytest.mark.parametrize("name", NUMBERS)
def test_no_number_of_a_setting_is_below_zero(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings.load(Mode.TEST, **{name: -1})


@pytest.mark.parametrize("name", ENDLESS)
@pytest.mark.parametrize("value", ["inf", "nan"])
def test_no_number_of_a_setting_is_endless_or_none(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings.load(Mode.TEST, **{name: value})
