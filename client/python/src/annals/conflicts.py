"""How often a decision is made again after a conflict with another client."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

__all__ = ["ConflictPolicy"]


@dataclass(frozen=True, kw_only=True)
class ConflictPolicy:
    """How often a decision is made again after a conflict."""

    tries_max: int = 10
    """Maximum number of attempts; 1 disables retries."""
    pause_first_seconds: float = 0.005
    """Maximum pause after the first conflict.

    It doubles after each further one; the actual pause is a random part of it.
    """
    pause_max_seconds: float = 0.5
    """Maximum pause after any conflict."""

    async def pause(self, failed: int) -> None:
        """Waits after the n-th (from 1) conflict."""
        longest = min(self.pause_first_seconds * (1 << min(failed - 1, 20)), self.pause_max_seconds)
        await asyncio.sleep(random.uniform(0, longest))
