"""A local Cognito that takes import jobs: moto's server, extended from outside and made strict.

It is an independent reading of what Cognito does and shares no code with the client that it
tests. Importing this package is cheap; moto is loaded when a sandbox starts.
"""

from connectors.cognito.sandbox.process import Sandbox, launch, start
from connectors.cognito.sandbox.settings import SandboxSettings

__all__ = ["Sandbox", "SandboxSettings", "launch", "start"]
