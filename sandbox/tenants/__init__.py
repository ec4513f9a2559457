"""Microsoft Graph v1.0, the login service and the managed identity endpoint for several tenants.

A stand-in for the cloud on one machine: `Cloud` is the state machine, `TenantsServer` puts it behind
TLS. It shares no code with the app that is tried against it.
"""

from sandbox.tenants.clock import Clock
from sandbox.tenants.cloud import Cloud
from sandbox.tenants.config import Config, ConfigError
from sandbox.tenants.config_file import load, parse
from sandbox.tenants.contoso import default_config
from sandbox.tenants.server import Addresses, TenantsServer

__all__ = [
    "Addresses",
    "Clock",
    "Cloud",
    "Config",
    "ConfigError",
    "TenantsServer",
    "default_config",
    "load",
    "parse",
]
