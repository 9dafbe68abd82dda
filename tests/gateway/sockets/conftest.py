"""Whatever a test here makes the gateway say is of the contract."""

from tests.integration.conftest import contract_is_kept, recording

__all__ = ["contract_is_kept", "recording"]
