"""Everything a worker's machine asks for: what every core asks for, and to run and stop tasks."""

from agent.domain.effects import Effect
from agent.domain.task import TaskEffect

Deed = Effect | TaskEffect
